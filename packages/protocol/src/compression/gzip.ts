import { promisify } from 'node:util'
import { gunzip, gunzipSync, gzip, gzipSync, type InputType, type ZlibOptions } from 'node:zlib'
import { corrupt, tooLarge } from './bounds.ts'

/** Level 1 to 9, or -1 for zlib's own choice (6). */
export function compressGzip(bytes: Buffer, level = -1): Buffer {
  return gzipSync(bytes, { level })
}

/** All members one after another (RFC 1952 allows several), at most `sizeMax` bytes in all. */
export function decompressGzip(bytes: Buffer, sizeMax: number): Buffer {
  try {
    return gunzipSync(bytes, gunzipOptions(bytes, sizeMax))
  } catch (error) {
    throw zlibError('gzip', error, sizeMax)
  }
}

type Later = (bytes: InputType, options: ZlibOptions) => Promise<Buffer>
const gzipLater = promisify(gzip) as Later
const gunzipLater = promisify(gunzip) as Later

/** In the thread pool. */
export const threadedGzip = {
  compress: (bytes: Buffer, level = -1): Promise<Buffer> => gzipLater(bytes, { level }),
  async decompress(bytes: Buffer, sizeMax: number): Promise<Buffer> {
    try {
      return await gunzipLater(bytes, gunzipOptions(bytes, sizeMax))
    } catch (error) {
      throw zlibError('gzip', error, sizeMax)
    }
  },
}

function gunzipOptions(bytes: Buffer, sizeMax: number): ZlibOptions {
  return { maxOutputLength: Math.max(1, sizeMax), chunkSize: zlibChunkBytes(bytes.length, sizeMax) }
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
