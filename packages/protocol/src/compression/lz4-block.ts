import { type BoundedOutput, corrupt } from './bounds.ts'

/**
 * Decompresses one raw LZ4 block, `bytes` from `start` to `end`, to the end of `output`, at most `sizeMax` bytes of it. Matches may reach
 * back to `windowStart` in the output: its own start for an independent block, earlier for a linked one.
 * In JavaScript, because the native library knows neither a bound nor a window in place, and isn't quicker once its copies are counted.
 */
export function decompressLz4Block(
  bytes: Buffer,
  start: number,
  end: number,
  output: BoundedOutput,
  sizeMax: number,
  windowStart: number,
): void {
  output.room(Math.min(sizeMax, output.left, (end - start) * 3))
  let into = output.bytes
  let to = output.length
  const toMax = to + sizeMax
  let at = start
  while (at < end) {
    const token = bytes[at++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more: number
      do {
        if (at >= end) throw corrupt('lz4', 'a block ends inside a literal length')
        more = bytes[at++]!
        literals += more
      } while (more === 255)
    }
    if (literals > end - at) throw corrupt('lz4', 'a block ends inside its literals')
    if (to + literals > toMax) throw corrupt('lz4', 'a block holds more than its frame allows')
    if (to + literals > into.length) into = grow(output, to, literals)
    if (literals > 24) bytes.copy(into, to, at, at + literals)
    else for (let i = 0; i < literals; i++) into[to + i] = bytes[at + i]!
    at += literals
    to += literals
    // The last sequence is literals alone.
    if (at === end) break
    if (at + 2 > end) throw corrupt('lz4', 'a block ends inside a match offset')
    const distance = bytes[at]! | (bytes[at + 1]! << 8)
    at += 2
    if (distance === 0 || distance > to - windowStart) throw corrupt('lz4', 'a match reaches before the start of the data')
    let length = (token & 15) + 4
    if (length === 19) {
      let more: number
      do {
        if (at >= end) throw corrupt('lz4', 'a block ends inside a match length')
        more = bytes[at++]!
        length += more
      } while (more === 255)
    }
    if (to + length > toMax) throw corrupt('lz4', 'a block holds more than its frame allows')
    if (to + length > into.length) into = grow(output, to, length)
    const from = to - distance
    if (distance >= length && length > 32) into.copyWithin(to, from, from + length)
    else if (distance === 1) into.fill(into[from]!, to, to + length)
    else for (let i = 0; i < length; i++) into[to + i] = into[from + i]!
    to += length
  }
  output.length = to
}

function grow(output: BoundedOutput, length: number, size: number): Buffer {
  output.length = length
  output.room(size)
  return output.bytes
}
