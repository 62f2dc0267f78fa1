export { crc32c } from './crc32c.ts'
export { DecodeError, Reader } from './reader.ts'
export { Writer, type Chunk, type Extent } from './writer.ts'
export { Frames, type OnFrame } from './frames.ts'
export { Slab, takeSlab } from './slab.ts'
export { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'
export { readInt64, writeInt64 } from './int64.ts'
export {
  bigint64,
  bool,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int8,
  list,
  nullable,
  records,
  string,
  struct,
  tag,
  uint16,
  uint32,
  uuid,
  ZERO_UUID,
} from './schema/fields.ts'
export type { Decoded, Encodable, Field, Fields, UnknownTag } from './schema/fields.ts'
export { message, type Message } from './schema/message.ts'
export { versionRange } from './schema/version-range.ts'
