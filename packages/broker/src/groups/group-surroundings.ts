import type { Clock, Logger, Random } from '@ottla/env'
import type { GroupConfig } from './group-config.ts'
import type { GroupSnapshot } from './group-requests.ts'

/** What a group needs of the world around it. */
export interface GroupSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly config: GroupConfig
  /** Stores the group; `done` with 0 once it is stored, else with the code that waiting members are to get. */
  save(group: GroupSnapshot, done: (errorCode: number) => void): void
}
