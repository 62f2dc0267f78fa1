import { EnvError, type Disk } from '@ottla/env'

/** The names of the directories in one; none where there is no such directory. */
export async function directoriesIn(disk: Disk, path: string): Promise<string[]> {
  try {
    return (await disk.list(path)).filter(({ directory }) => directory).map(({ name }) => name)
  } catch (error) {
    if (error instanceof EnvError && error.code === 'not-found') return []
    throw error
  }
}
