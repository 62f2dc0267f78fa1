import { gunzipSync, gzipSync } from 'node:zlib'
import { corrupt, tooLarge } from './bounds.ts'

/** Level 1 to 9, or -1 for zlib's own choice (6). */
export function compressGzip(bytes: Buffer, level = -1): Buffer {
  return gzipSync(bytes, { level })
}

/** All members one after another (RFC 1952 allows several), at most `sizeMax` bytes in all. */
export function decompressGzip(bytes: Buffer, sizeMax: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(1, sizeMax), chunkSize: zlibChunkBytes(bytes.length, sizeMax) })
  } catch (error) {
    throw zlibError('gzip', error, sizeMax)
  }
}

/** One piece for most batches, without a large buffer for a small one. */
export function zlibChunkBytes(compressedBytes: number, sizeMax: number): number {
  return Math.max(1024, Math.min(compressedBytes * 6, sizeMax, 1 << 20))
}

/** zlib's error as one of Kafka's. */
export function zlibError(codec: string, error: unknown, sizeMax: number): Error {
  if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(codec, sizeMax)
  return corrupt(codec, (error as Error).message)
}
