import { DecodeError, type Reader, type Writer } from '@ottla/wire'
import type { Acl } from './acl.ts'

/** Jute's buffer: int32 length and bytes; null is -1 and not the same as empty. The view is the reader's memory. */
export function readBuffer(reader: Reader): Buffer | null {
  const length = reader.int32()
  return length === -1 ? null : reader.slice(length)
}

/** The same, in memory of its own. */
export function readBufferCopy(reader: Reader): Buffer | null {
  const view = readBuffer(reader)
  return view === null ? null : Buffer.from(view)
}

export function writeBuffer(writer: Writer, value: Uint8Array | null): void {
  if (value === null) {
    writer.int32(-1)
    return
  }
  writer.int32(value.length)
  writer.bytes(value)
}

/** Jute's ustring, which must not be null here. */
export function readString(reader: Reader): string {
  const length = reader.int32()
  if (length === -1) throw new DecodeError('a string is null')
  return reader.text(length)
}

export function writeString(writer: Writer, value: string): void {
  const bytes = Buffer.from(value)
  writer.int32(bytes.length)
  writer.bytes(bytes)
}

/** A vector's count; null counts as empty. `itemSizeMin` bounds what a hostile count may allocate. */
export function readCount(reader: Reader, itemSizeMin: number): number {
  const count = reader.int32()
  if (count < -1) throw new DecodeError(`a vector of ${count} items`)
  return count === -1 ? 0 : reader.count(count, itemSizeMin)
}

export function readStrings(reader: Reader): string[] {
  const strings: string[] = []
  for (let left = readCount(reader, 4); left > 0; left--) strings.push(readString(reader))
  return strings
}

export function writeStrings(writer: Writer, values: readonly string[]): void {
  writer.int32(values.length)
  for (const value of values) writeString(writer, value)
}

export function readAcl(reader: Reader): Acl[] {
  const acl: Acl[] = []
  for (let left = readCount(reader, 12); left > 0; left--) {
    acl.push({ permissions: reader.int32(), scheme: readString(reader), id: readString(reader) })
  }
  return acl
}

export function writeAcl(writer: Writer, acl: readonly Acl[]): void {
  writer.int32(acl.length)
  for (const entry of acl) {
    writer.int32(entry.permissions)
    writeString(writer, entry.scheme)
    writeString(writer, entry.id)
  }
}
