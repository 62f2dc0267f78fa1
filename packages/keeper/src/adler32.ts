import { deflateSync } from 'node:zlib'

const MODULUS = 65521
/** Additions that can't overflow 32 bits before the next remainder is taken. */
const RUN_BYTES = 5552
/** From here on zlib, which ends its output with the checksum of its input, is quicker than a loop; also while that is not compiled yet. */
const NATIVE_BYTES_MIN = 8192
/** zlib's output is as large as its input. */
const NATIVE_BYTES_MAX = 1 << 20

/** The Adler-32 checksum that ZooKeeper's files have; goes on from `before`. */
export function adler32(bytes: Uint8Array, before = 1): number {
  if (bytes.length < NATIVE_BYTES_MIN) return loop(bytes, before)
  let checksum = before
  for (let at = 0; at < bytes.length; at += NATIVE_BYTES_MAX) {
    const piece = bytes.subarray(at, at + NATIVE_BYTES_MAX)
    const output = deflateSync(piece, { level: 0 })
    checksum = append(checksum, output.readUInt32BE(output.length - 4), piece.length)
  }
  return checksum
}

function loop(bytes: Uint8Array, before: number): number {
  let a = before & 0xffff
  let b = before >>> 16
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(at + RUN_BYTES, bytes.length)
    for (; at < end; at++) {
      a += bytes[at]!
      b += a
    }
    a %= MODULUS
    b %= MODULUS
  }
  return ((b << 16) | a) >>> 0
}

/** The checksum of what `before` is of, followed by `length` bytes that have `checksum` alone. */
function append(before: number, checksum: number, length: number): number {
  const a = before & 0xffff
  const sum = (a + (checksum & 0xffff) + MODULUS - 1) % MODULUS
  const b = ((before >>> 16) + (checksum >>> 16) + (length % MODULUS) * (a + MODULUS - 1)) % MODULUS
  return ((b << 16) | sum) >>> 0
}
