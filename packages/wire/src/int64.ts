/**
 * An int64 as a JavaScript number: exact within 2^53 either way, the nearest double beyond. Kafka's offsets, ids, sizes and times stay
 * far below; only a hostile or a sentinel value does not, and such a value is compared, never computed with.
 */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4)
}

/** The inverse; what lies beyond int64 becomes its nearest end. */
export function writeInt64(bytes: Buffer, at: number, value: number): void {
  if (value >= 2 ** 63) {
    bytes.writeInt32BE(0x7fffffff, at)
    bytes.writeInt32BE(-1, at + 4)
    return
  }
  const high = value < -(2 ** 63) ? -2147483648 : Math.floor(value / 4294967296)
  bytes.writeInt32BE(high, at)
  bytes.writeUInt32BE(value < -(2 ** 63) ? 0 : value - high * 4294967296, at + 4)
}
