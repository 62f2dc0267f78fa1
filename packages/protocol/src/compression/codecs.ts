import { ErrorCode, KafkaError } from '../errors.ts'
import { compressGzip, decompressGzip, threadedGzip } from './gzip.ts'
import { compressLz4, decompressLz4 } from './lz4.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'
import { compressZstd, decompressZstd, threadedZstd } from './zstd.ts'

export type CodecName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** A way to compress the records of a batch, with its id in the batch's attributes. */
export interface Codec {
  readonly id: number
  readonly name: CodecName
  /** A new buffer (`none`: the same). Levels as Kafka's `compression.<name>.level`; ignored by snappy and lz4. */
  compress(bytes: Buffer, level?: number): Buffer
  /** At most `sizeMax` bytes, else KafkaError MESSAGE_TOO_LARGE; what isn't of this codec: CORRUPT_MESSAGE. */
  decompress(bytes: Buffer, sizeMax: number): Buffer
  /** The same in other threads, for `Loop.elsewhere`; absent where a batch takes no time to speak of. */
  readonly threaded?: ThreadedCodec
}

export interface ThreadedCodec {
  compress(bytes: Buffer, level?: number): Promise<Buffer>
  decompress(bytes: Buffer, sizeMax: number): Promise<Buffer>
}

/**
 * What a batch may become when decompressed, in bytes, where its reader names no other bound: a little more than one request may carry
 * uncompressed (`socket.request.max.bytes`, 100 MiB). Kafka's own limit, `max.decompressed.message.bytes`, is 2 GiB by default.
 */
export const DECOMPRESSED_BYTES_MAX = 128 << 20

/** By id: the three lowest bits of a batch's attributes. */
export const CODECS: readonly Codec[] = [
  { id: 0, name: 'none', compress: (bytes) => bytes, decompress: (bytes) => bytes },
  { id: 1, name: 'gzip', compress: compressGzip, decompress: decompressGzip, threaded: threadedGzip },
  { id: 2, name: 'snappy', compress: compressSnappy, decompress: decompressSnappy },
  { id: 3, name: 'lz4', compress: compressLz4, decompress: decompressLz4 },
  { id: 4, name: 'zstd', compress: compressZstd, decompress: decompressZstd, threaded: threadedZstd },
]

/** The codec of an attribute's bits; UNSUPPORTED_COMPRESSION_TYPE for 5 to 7. */
export function codecOf(id: number): Codec {
  const codec = CODECS[id]
  if (codec === undefined) {
    throw new KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `A batch names compression codec ${id}: known are 0 to 4.`)
  }
  return codec
}

/** The codec of a name as configs and command lines give it; undefined if there is none. */
export function codecNamed(name: string): Codec | undefined {
  return CODECS.find((codec) => codec.name === name)
}
