import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync, type InputType, type ZstdOptions } from 'node:zlib'
import { BoundedOutput, corrupt } from './bounds.ts'
import { zlibChunkBytes, zlibError } from './gzip.ts'

const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const SKIPPABLE_MASK = 0xfffffff0
const DEFAULT_LEVEL = 3
/** 128 MiB: what every decoder takes by default. A larger window would be memory before a byte is known. */
const WINDOW_LOG_MAX = 27

/** Level -131072 to 22. One frame that names its content's size. */
export function compressZstd(bytes: Buffer, level = DEFAULT_LEVEL): Buffer {
  return zstdCompressSync(bytes, compressOptions(bytes, level))
}

/** All frames one after another, skippable ones skipped, at most `sizeMax` bytes in all. Node itself would stop after the first frame. */
export function decompressZstd(bytes: Buffer, sizeMax: number): Buffer {
  const contents = new Contents(sizeMax)
  for (const frame of framesOf(bytes)) {
    let content: Buffer
    try {
      content = zstdDecompressSync(frame, decompressOptions(frame, contents.left))
    } catch (error) {
      throw zlibError('zstd', error, sizeMax)
    }
    contents.add(content)
  }
  return contents.done()
}

type Later = (bytes: InputType, options: ZstdOptions) => Promise<Buffer>
const compressLater = promisify(zstdCompress) as Later
const decompressLater = promisify(zstdDecompress) as Later

/** In the thread pool. */
export const threadedZstd = {
  compress: (bytes: Buffer, level = DEFAULT_LEVEL): Promise<Buffer> => compressLater(bytes, compressOptions(bytes, level)),
  async decompress(bytes: Buffer, sizeMax: number): Promise<Buffer> {
    const contents = new Contents(sizeMax)
    for (const frame of framesOf(bytes)) {
      const content = await decompressLater(frame, decompressOptions(frame, contents.left)).catch((error: unknown) => {
        throw zlibError('zstd', error, sizeMax)
      })
      contents.add(content)
    }
    return contents.done()
  },
}

function compressOptions(bytes: Buffer, level: number): ZstdOptions {
  return { params: { [constants.ZSTD_c_compressionLevel]: level }, pledgedSrcSize: bytes.length }
}

function decompressOptions(frame: Buffer, left: number): ZstdOptions {
  return {
    maxOutputLength: Math.max(1, left),
    chunkSize: zlibChunkBytes(frame.length, Math.max(1, left)),
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
  }
}

/** What the frames hold, in one buffer: that of the frame itself, where there is only one. */
class Contents {
  readonly #sizeMax: number
  #first: Buffer | undefined
  #output: BoundedOutput | undefined

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  get left(): number {
    return this.#output?.left ?? this.#sizeMax - (this.#first?.length ?? 0)
  }

  add(content: Buffer): void {
    if (this.#output !== undefined) this.#output.append(content)
    else if (this.#first === undefined) this.#first = content
    else {
      this.#output = new BoundedOutput('zstd', this.#first.length + content.length, this.#sizeMax)
      this.#output.append(this.#first)
      this.#output.append(content)
    }
  }

  done(): Buffer {
    const whole = this.#output?.done() ?? this.#first
    if (whole === undefined) throw corrupt('zstd', 'it holds no frame')
    return whole
  }
}

function* framesOf(bytes: Buffer): Generator<Buffer, void, void> {
  for (let at = 0; at < bytes.length;) {
    const end = frameEnd(bytes, at)
    if (!isSkippable(bytes, at)) yield bytes.subarray(at, end)
    at = end
  }
}

function isSkippable(bytes: Buffer, at: number): boolean {
  return (bytes.readUInt32LE(at) & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC
}

/** Where the frame at `at` ends, by its block headers (RFC 8878 3.1.1): it names no length of its own. */
function frameEnd(bytes: Buffer, start: number): number {
  const left = bytes.length - start
  if (left < 6) throw corrupt('zstd', 'it ends inside a frame header')
  if (isSkippable(bytes, start)) {
    if (left < 8) throw corrupt('zstd', 'it ends inside a skippable frame')
    return checkedEnd(bytes, start + 8 + bytes.readUInt32LE(start + 4))
  }
  if (bytes.readUInt32LE(start) !== FRAME_MAGIC) throw corrupt('zstd', 'a frame starts with other bytes than 28 b5 2f fd')
  const descriptor = bytes[start + 4]!
  const singleSegment = (descriptor & 0x20) !== 0
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3]!
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  let at = start + 5 + (singleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes
  for (let last = false; !last;) {
    if (at + 3 > bytes.length) throw corrupt('zstd', 'it ends inside a block header')
    const header = bytes.readUIntLE(at, 3)
    const type = (header >> 1) & 3
    last = (header & 1) !== 0
    at += 3 + (type === 1 ? 1 : header >> 3)
  }
  return checkedEnd(bytes, at + ((descriptor & 4) !== 0 ? 4 : 0))
}

function checkedEnd(bytes: Buffer, end: number): number {
  if (end > bytes.length) throw corrupt('zstd', 'it ends inside a frame')
  return end
}
