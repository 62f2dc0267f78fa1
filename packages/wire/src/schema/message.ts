import { DecodeError, ITEM_COUNT_MAX, type Reader } from '../reader.ts'
import { Writer } from '../writer.ts'
import { decoderSource } from './decoder.ts'
import { encoderSource } from './encoder.ts'
import type { Decoded, Encodable, Fields } from './fields.ts'
import { LATEST, versionRange } from './version-range.ts'

/** A declared message. A codec per version is compiled at its first use. */
export interface Message<S extends Fields> {
  readonly name: string
  readonly fields: S
  /** The first flexible version (KIP-482). */
  readonly flexibleFrom: number
  /** Throws DecodeError where the bytes are not this message; what follows it is left in the reader. */
  decode(reader: Reader, version: number): Decoded<S>
  encode(writer: Writer, version: number, value: Encodable<S>): void
  /** The message alone as bytes, for what lies in a record or a file. */
  toBuffer(version: number, value: Encodable<S>): Buffer
  /** The compiled code, to be read by people. */
  source(version: number): { readonly decode: string; readonly encode: string }
}

type Decode<S extends Fields> = (reader: Reader) => Decoded<S>
type Encode<S extends Fields> = (writer: Writer, value: Encodable<S>) => void

/** `flexible`: the versions whose strings and lists are compact and whose structs end with tags, as `'9+'` or `'none'`. */
export function message<S extends Fields>(name: string, fields: S, flexible: string): Message<S> {
  const flexibleFrom = Math.min(versionRange(flexible)[0], LATEST)
  const decoders: Decode<S>[] = []
  const encoders: Encode<S>[] = []
  const source = (version: number): { decode: string; encode: string } => ({
    decode: decoderSource(fields, version, version >= flexibleFrom),
    encode: encoderSource(fields, version, version >= flexibleFrom),
  })
  const compileDecoder = (version: number): Decode<S> =>
    new Function('DecodeError', 'EMPTY', `'use strict';return function(r){${source(version).decode}}`)(DecodeError, EMPTY) as Decode<S>
  const compileEncoder = (version: number): Encode<S> =>
    new Function('Writer', 'EMPTY', `'use strict';return function(w,m){${source(version).encode}}`)(Writer, EMPTY) as Encode<S>
  const encode = (writer: Writer, version: number, value: Encodable<S>): void =>
    (encoders[version] ??= compileEncoder(version))(writer, value)
  return {
    name,
    fields,
    flexibleFrom,
    decode(reader, version) {
      const decoder = (decoders[version] ??= compileDecoder(version))
      reader.itemsLeft = ITEM_COUNT_MAX
      try {
        return decoder(reader)
      } catch (error) {
        if (!(error instanceof DecodeError || error instanceof RangeError)) throw error
        throw new DecodeError(`${name} version ${version}, near byte ${reader.at}: ${error.message}`, error)
      }
    },
    encode,
    toBuffer(version, value) {
      const writer = new Writer()
      encode(writer, version, value)
      return writer.toBuffer()
    },
    source,
  }
}

const EMPTY = Buffer.alloc(0)
