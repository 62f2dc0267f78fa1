import { type BoundedOutput, corrupt, tooLarge } from './bounds.ts'

/** A copy of three bytes makes at most 64: no honest block claims more than this many times its size. */
const RATIO_MAX = 22

/**
 * Decompresses one raw snappy block, `bytes` from `start` to `end`, to the end of `output`. In JavaScript, because a call of the native
 * library costs more than most blocks do here, and it would allocate whatever length a block claims.
 */
export function decompressSnappyBlock(bytes: Buffer, start: number, end: number, output: BoundedOutput, sizeMax: number): void {
  let at = start
  let size = 0
  for (let shift = 0; ; shift += 7) {
    if (at >= end) throw corrupt('snappy', 'a block ends inside its length')
    const byte = bytes[at++]!
    size += (byte & 127) * 2 ** shift
    if (byte < 128) break
    if (shift === 28) throw corrupt('snappy', 'a block starts with a length of more than 32 bits')
  }
  if (size > output.left) throw tooLarge('snappy', sizeMax)
  if (size > (end - start) * RATIO_MAX) throw corrupt('snappy', `a block of ${end - start} bytes claims to hold ${size}`)
  output.room(size)
  const into = output.bytes
  const first = output.length
  const toEnd = first + size
  let to = first
  while (at < end) {
    const tag = bytes[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let length = (tag >>> 2) + 1
      if (length > 60) {
        const lengthBytes = length - 60
        if (at + lengthBytes > end) throw corrupt('snappy', 'a block ends inside a literal length')
        length = bytes.readUIntLE(at, lengthBytes) + 1
        at += lengthBytes
      }
      if (length > end - at) throw corrupt('snappy', 'a block ends inside its literals')
      if (length > toEnd - to) throw corrupt('snappy', 'a block holds more than it claims')
      if (length > 24) bytes.copy(into, to, at, at + length)
      else for (let i = 0; i < length; i++) into[to + i] = bytes[at + i]!
      at += length
      to += length
      continue
    }
    let length = (tag >>> 2) + 1
    let distance: number
    if (kind === 1) {
      if (at >= end) throw corrupt('snappy', 'a block ends inside a copy')
      length = ((tag >>> 2) & 7) + 4
      distance = ((tag >>> 5) << 8) | bytes[at++]!
    } else {
      const distanceBytes = kind === 2 ? 2 : 4
      if (at + distanceBytes > end) throw corrupt('snappy', 'a block ends inside a copy')
      distance = bytes.readUIntLE(at, distanceBytes)
      at += distanceBytes
    }
    if (distance === 0 || distance > to - first) throw corrupt('snappy', 'a copy reaches before the start of its block')
    if (length > toEnd - to) throw corrupt('snappy', 'a block holds more than it claims')
    const from = to - distance
    if (distance >= length && length > 32) into.copyWithin(to, from, from + length)
    else for (let i = 0; i < length; i++) into[to + i] = into[from + i]!
    to += length
  }
  if (to !== toEnd) throw corrupt('snappy', 'a block holds less than it claims')
  output.length = to
}
