import { createRequire } from 'node:module'
import { BoundedOutput, corrupt } from './bounds.ts'
import { decompressSnappyBlock } from './snappy-block.ts'

interface Snappy {
  compressSync(bytes: Uint8Array): Buffer
}

let loaded: Snappy | undefined
/** Loaded at first use: a broker that writes no snappy never does. */
const snappy = (): Snappy => (loaded ??= createRequire(import.meta.url)('snappy') as Snappy)

/** The xerial stream that Kafka's Java client writes (formats §4): header, then blocks of at most 32 KiB behind an int32 length each. */
const STREAM_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const STREAM_MAGIC_BYTES = 8
const BLOCK_BYTES = 32768

export function compressSnappy(bytes: Buffer): Buffer {
  const blocks: Buffer[] = [STREAM_HEADER]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = snappy().compressSync(bytes.subarray(at, at + BLOCK_BYTES))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    blocks.push(length, block)
  }
  return Buffer.concat(blocks)
}

/** A xerial stream, or one raw block without the header as some clients write; at most `sizeMax` bytes. */
export function decompressSnappy(bytes: Buffer, sizeMax: number): Buffer {
  const output = new BoundedOutput('snappy', bytes.length * 3, sizeMax)
  if (!isStreamHeader(bytes, 0)) {
    decompressSnappyBlock(bytes, 0, bytes.length, output, sizeMax)
    return output.done()
  }
  for (let at = 0; at < bytes.length;) {
    // A stream written in several goes repeats its header.
    if (isStreamHeader(bytes, at)) {
      at += STREAM_HEADER.length
      continue
    }
    if (at + 4 > bytes.length) throw corrupt('snappy', 'it ends inside a block length')
    const size = bytes.readInt32BE(at)
    at += 4
    if (size < 0 || size > bytes.length - at) throw corrupt('snappy', `a block says ${size} bytes, ${bytes.length - at} are left`)
    decompressSnappyBlock(bytes, at, at + size, output, sizeMax)
    at += size
  }
  return output.done()
}

function isStreamHeader(bytes: Buffer, at: number): boolean {
  if (bytes.length - at < STREAM_HEADER.length) return false
  return bytes[at] === STREAM_HEADER[0] && bytes.compare(STREAM_HEADER, 0, STREAM_MAGIC_BYTES, at, at + STREAM_MAGIC_BYTES) === 0
}
