import type { File } from '@ottla/env'

/** All bytes of a file, which must fit into memory. */
export async function readWhole(file: File): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(file.sizeBytes())
  let at = 0
  while (at < bytes.length) {
    const into = bytes.subarray(at)
    const count = file.read(at, into)
    const got = count === -1 ? await file.readLater(at, into) : count
    if (got === 0) break
    at += got
  }
  return bytes.subarray(0, at)
}
