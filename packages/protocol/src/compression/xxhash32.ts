const P1 = 0x9e3779b1 | 0
const P2 = 0x85ebca77 | 0
const P3 = 0xc2b2ae3d | 0
const P4 = 0x27d4eb2f | 0
const P5 = 0x165667b1 | 0

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/** xxHash, 32 bits, seed 0, of `bytes` from `start` to `end`; unsigned. The checksum of LZ4 frames. */
export function xxhash32(bytes: Buffer, start = 0, end = bytes.length): number {
  let at = start
  let hash: number
  if (end - start >= 16) {
    let a = (P1 + P2) | 0
    let b = P2
    let c = 0
    let d = -P1 | 0
    for (const last = end - 16; at <= last; at += 16) {
      a = Math.imul(rotate((a + Math.imul(bytes.readInt32LE(at), P2)) | 0, 13), P1)
      b = Math.imul(rotate((b + Math.imul(bytes.readInt32LE(at + 4), P2)) | 0, 13), P1)
      c = Math.imul(rotate((c + Math.imul(bytes.readInt32LE(at + 8), P2)) | 0, 13), P1)
      d = Math.imul(rotate((d + Math.imul(bytes.readInt32LE(at + 12), P2)) | 0, 13), P1)
    }
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
  } else {
    hash = P5
  }
  hash = (hash + end - start) | 0
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(bytes.readInt32LE(at), P3)) | 0, 17), P4)
  }
  for (; at < end; at++) hash = Math.imul(rotate((hash + Math.imul(bytes[at]!, P5)) | 0, 11), P1)
  hash = Math.imul(hash ^ (hash >>> 15), P2)
  hash = Math.imul(hash ^ (hash >>> 13), P3)
  return (hash ^ (hash >>> 16)) >>> 0
}
