import type { Env, EnvErrorCode } from '../env.ts'
import { EnvError } from '../env.ts'

/** Where a suite runs, made anew for each test. */
export interface Place {
  readonly env: Env
  /** An empty directory. */
  readonly directory: string
  /** The host that reaches itself. */
  readonly host: string
  /** Waits for the test's work; a simulated world lets it happen meanwhile. The work awaits nothing but what the Env gives. */
  run(work: () => Promise<void>): Promise<void>
  /** Removes all that the test left. */
  end(): void | Promise<void>
}

export type MakePlace = () => Place | Promise<Place>

/** For assert.throws and assert.rejects. */
export function withCode(code: EnvErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof EnvError && error.code === code
}
