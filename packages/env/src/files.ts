import { EnvError, type Disk, type Entry, type File } from './env.ts'

/** There is no such file or directory, or it is gone meanwhile. */
export function isNotFound(error: unknown): error is EnvError {
  return error instanceof EnvError && error.code === 'not-found'
}

/** The file, to read from; null where there is none. */
export function openIfThere(disk: Disk, path: string): File | null {
  try {
    return disk.open(path, 'read')
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

/** What is in a directory; null where there is none. */
export async function listIfThere(disk: Disk, path: string): Promise<Entry[] | null> {
  try {
    return await disk.list(path)
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

/**
 * Replaces the file `path` by `bytes`, whole or not at all, and durably once resolved: `<path>.tmp`, sync, rename, sync of the directory. One
 * at a time for a path; `bytes` must stay as they are until then.
 */
export function writeWhole(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  return writeChunks(disk, path, [bytes])
}

/** The same, from chunks that are made one after the other. */
export async function writeChunks(disk: Disk, path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.tmp`
  await disk.remove(temporary)
  const file = disk.open(temporary, 'create')
  try {
    let position = 0
    for (const chunk of chunks) {
      if (chunk.length > 0) await file.writeLater(position, [chunk], false)
      position += chunk.length
    }
    await file.sync()
  } finally {
    file.close()
  }
  await disk.rename(temporary, path)
  await disk.syncDirectory(directoryOf(path))
}

/** The directory of a path: all before its last '/'. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash < 0) return '.'
  return slash === 0 ? '/' : path.slice(0, slash)
}
