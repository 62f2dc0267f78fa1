import { createRequire } from 'node:module'
import { BoundedOutput, corrupt } from './bounds.ts'
import { decompressLz4Block } from './lz4-block.ts'
import { xxhash32 } from './xxhash32.ts'

interface Lz4 {
  compressSync(bytes: Uint8Array): Buffer
}

let loaded: Lz4 | undefined
/** Loaded at first use: a broker that writes no lz4 never does. */
const lz4 = (): Lz4 => (loaded ??= createRequire(import.meta.url)('lz4-napi') as Lz4)
/** The library puts the decompressed length before the block. */
const LIBRARY_PREFIX_BYTES = 4

const FRAME_MAGIC = 0x184d2204
const SKIPPABLE_MAGIC = 0x184d2a50
const SKIPPABLE_MASK = 0xfffffff0
const STORED = 0x80000000
/** Version 1, independent blocks, no checksums, no content size; blocks of 64 KiB: what every Kafka client reads (formats §4). */
const WRITTEN_FLAGS = 0x60
const WRITTEN_BLOCK_DESCRIPTOR = 0x40
const WRITTEN_BLOCK_BYTES = 65536
const WINDOW_BYTES = 65536

/** One frame. */
export function compressLz4(bytes: Buffer): Buffer {
  return frame(bytes, false)
}

/** A frame as messages of magic 0 need it: the checksum of its header is taken over the magic bytes too (formats §3, KAFKA-3160). */
export function compressLz4Magic0(bytes: Buffer): Buffer {
  return frame(bytes, true)
}

function frame(bytes: Buffer, checksumWithMagic: boolean): Buffer {
  const header = Buffer.allocUnsafe(7)
  header.writeUInt32LE(FRAME_MAGIC, 0)
  header[4] = WRITTEN_FLAGS
  header[5] = WRITTEN_BLOCK_DESCRIPTOR
  header[6] = (xxhash32(header, checksumWithMagic ? 0 : 4, 6) >>> 8) & 255
  const parts: Buffer[] = [header]
  for (let at = 0; at < bytes.length; at += WRITTEN_BLOCK_BYTES) {
    const block = bytes.subarray(at, at + WRITTEN_BLOCK_BYTES)
    const compressed = lz4().compressSync(block)
    const smaller = compressed.length - LIBRARY_PREFIX_BYTES < block.length
    const size = Buffer.allocUnsafe(4)
    size.writeUInt32LE(smaller ? compressed.length - LIBRARY_PREFIX_BYTES : block.length + STORED)
    parts.push(size, smaller ? compressed.subarray(LIBRARY_PREFIX_BYTES) : block)
  }
  parts.push(Buffer.alloc(4))
  return Buffer.concat(parts)
}

interface FrameHeader {
  readonly end: number
  readonly linkedBlocks: boolean
  readonly blockChecksums: boolean
  readonly contentChecksum: boolean
  readonly contentBytes: number | undefined
  readonly blockBytesMax: number
}

/**
 * All frames one after another, at most `sizeMax` bytes in all: any block size, linked or independent blocks, checksums verified.
 * The header's checksum may be the right one or that of magic 0.
 */
export function decompressLz4(bytes: Buffer, sizeMax: number): Buffer {
  const output = new BoundedOutput('lz4', bytes.length * 3, sizeMax)
  if (bytes.length === 0) throw corrupt('lz4', 'it holds no frame')
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 8) throw corrupt('lz4', 'it ends inside a frame header')
    const magic = bytes.readUInt32LE(at)
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + bytes.readUInt32LE(at + 4)
      if (at > bytes.length) throw corrupt('lz4', 'it ends inside a skippable frame')
    } else if (magic === FRAME_MAGIC) {
      at = readFrame(bytes, readHeader(bytes, at), output)
    } else {
      throw corrupt('lz4', 'a frame starts with other bytes than 04 22 4d 18')
    }
  }
  return output.done()
}

function readHeader(bytes: Buffer, start: number): FrameHeader {
  const flags = bytes[start + 4]!
  if (flags >>> 6 !== 1) throw corrupt('lz4', `frame version ${flags >>> 6} is unknown`)
  if ((flags & 2) !== 0) throw corrupt('lz4', 'a reserved bit of the frame header is set')
  if ((flags & 1) !== 0) throw corrupt('lz4', 'the frame needs a dictionary')
  const sizeCode = (bytes[start + 5]! >>> 4) & 7
  if (sizeCode < 4 || (bytes[start + 5]! & 0x8f) !== 0) throw corrupt('lz4', 'the frame header names no known block size')
  const hasContentSize = (flags & 8) !== 0
  const checksumAt = start + 6 + (hasContentSize ? 8 : 0)
  if (checksumAt >= bytes.length) throw corrupt('lz4', 'it ends inside a frame header')
  const checksum = bytes[checksumAt]!
  const isRight = checksum === ((xxhash32(bytes, start + 4, checksumAt) >>> 8) & 255)
  const isRightForMagic0 = checksum === ((xxhash32(bytes, start, checksumAt) >>> 8) & 255)
  if (!isRight && !isRightForMagic0) throw corrupt('lz4', 'the checksum of a frame header is wrong')
  return {
    end: checksumAt + 1,
    linkedBlocks: (flags & 0x20) === 0,
    blockChecksums: (flags & 0x10) !== 0,
    contentChecksum: (flags & 4) !== 0,
    contentBytes: hasContentSize ? bytes.readUInt32LE(start + 10) * 4294967296 + bytes.readUInt32LE(start + 6) : undefined,
    blockBytesMax: 1 << (8 + 2 * sizeCode),
  }
}

/** Answers where the frame ends. */
function readFrame(bytes: Buffer, header: FrameHeader, output: BoundedOutput): number {
  const frameStart = output.length
  let at = header.end
  for (;;) {
    if (at + 4 > bytes.length) throw corrupt('lz4', 'it ends before its end mark')
    const field = bytes.readUInt32LE(at)
    at += 4
    if (field === 0) break
    const stored = field >= STORED
    const end = at + (stored ? field - STORED : field)
    if (end - at > header.blockBytesMax) throw corrupt('lz4', 'a block is larger than its frame allows')
    if (end + (header.blockChecksums ? 4 : 0) > bytes.length) throw corrupt('lz4', 'it ends inside a block')
    if (header.blockChecksums && bytes.readUInt32LE(end) !== xxhash32(bytes, at, end)) {
      throw corrupt('lz4', 'the checksum of a block is wrong')
    }
    if (stored) {
      output.append(bytes.subarray(at, end))
    } else {
      const windowStart = header.linkedBlocks ? Math.max(frameStart, output.length - WINDOW_BYTES) : output.length
      decompressLz4Block(bytes, at, end, output, header.blockBytesMax, windowStart)
    }
    at = end + (header.blockChecksums ? 4 : 0)
  }
  if (header.contentBytes !== undefined && header.contentBytes !== output.length - frameStart) {
    throw corrupt('lz4', `a frame says ${header.contentBytes} bytes and holds ${output.length - frameStart}`)
  }
  if (!header.contentChecksum) return at
  if (at + 4 > bytes.length) throw corrupt('lz4', 'it ends inside a content checksum')
  if (bytes.readUInt32LE(at) !== xxhash32(output.bytes, frameStart, output.length)) throw corrupt('lz4', 'the checksum of a frame is wrong')
  return at + 4
}
