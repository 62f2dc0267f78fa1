import type { Disk, Entry } from '@ottla/env'
import { listIfThere } from '@ottla/env/files'
import { topicPartitionOf } from '@ottla/log'

/** A partition's directory. */
export interface PartitionDirectory {
  /** `<topic>-<partition>` */
  readonly name: string
  readonly directory: string
  readonly topic: string
  readonly partition: number
}

/** The names of the directories in one; none where there is no such directory. */
export async function directoriesIn(disk: Disk, path: string): Promise<string[]> {
  return ((await listIfThere(disk, path)) ?? []).filter(({ directory }) => directory).map(({ name }) => name)
}

/** The partitions' directories among the entries of `path`, one of `log.dirs`. */
export function partitionsOf(path: string, entries: readonly Entry[]): PartitionDirectory[] {
  return entries.flatMap(({ name, directory }) => {
    const found = directory ? topicPartitionOf(name) : null
    return found === null ? [] : [{ name, directory: `${path}/${name}`, ...found }]
  })
}
