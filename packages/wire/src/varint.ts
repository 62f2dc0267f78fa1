/** Zig-zag varints as record batches use them (formats §2). Whole numbers within 2^53; sizes in bytes. */
export function sizeOfVarint(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let size = 1
  while (rest > 127) {
    rest >>>= 7
    size++
  }
  return size
}

export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2)

export function sizeOfVarlong(value: number): number {
  let rest = zigzag(value)
  let size = 1
  while (rest > 127) {
    rest = Math.floor(rest / 128)
    size++
  }
  return size
}

/** Answers the position after the last byte. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  let rest = zigzag(value)
  while (rest > 127) {
    bytes[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}
