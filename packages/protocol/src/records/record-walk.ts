import { ErrorCode, KafkaError } from '../errors.ts'

/** What a walk over a batch's records found; one object, written anew by each walk. */
export interface Walked {
  /** ms; the largest timestamp of all records. */
  maxTimestamp: number
  /** ms; the smallest. */
  minTimestamp: number
  /** Records without a key. */
  nullKeys: number
}

const walked: Walked = { maxTimestamp: 0, minTimestamp: 0, nullKeys: 0 }

/** The last varint that readLongVarint read: a second result without an allocation. */
let longVarint = 0

/**
 * Checks every record of a batch where it lies (formats §2): `count` of them fill `bytes` from `at` to `end` exactly, their offset
 * deltas are 0 to count - 1, and every length is in its record. No allocation; varints of one and two bytes, nearly all, are read inline.
 * The answer is valid until the next call. What is wrong throws INVALID_RECORD.
 */
export function walkRecords(bytes: Buffer, at: number, end: number, count: number, baseTimestamp: number): Walked {
  let maxDelta = -Infinity
  let minDelta = Infinity
  let nullKeys = 0
  for (let i = 0; i < count; i++) {
    if (at >= end) throw malformed(i, 'the batch ends before it')
    let value = bytes[at++]!
    if (value > 127) {
      const next = bytes[at++]!
      value = (value & 127) | (next << 7)
      if (next > 127) {
        at = readLongVarint(bytes, at, value & 0x3fff)
        value = longVarint
      }
    }
    const recordEnd = at + (value >>> 1)
    // A record of fewer than 6 bytes can't be; a negative length shows as one of a set lowest bit.
    if ((value & 1) !== 0 || recordEnd > end || recordEnd < at + 6) throw malformed(i, 'its length is not one that fits its batch')
    at++

    let delta = bytes[at++]!
    if (delta > 127) {
      const next = bytes[at++]!
      delta = (delta & 127) | (next << 7)
      if (next > 127) {
        at = readLongVarlong(bytes, at, delta & 0x3fff)
        delta = longVarint
      } else {
        delta = (delta >>> 1) ^ -(delta & 1)
      }
    } else {
      delta = (delta >>> 1) ^ -(delta & 1)
    }
    if (delta > maxDelta) maxDelta = delta
    if (delta < minDelta) minDelta = delta

    value = bytes[at++]!
    if (value > 127) {
      const next = bytes[at++]!
      value = (value & 127) | (next << 7)
      if (next > 127) {
        at = readLongVarint(bytes, at, value & 0x3fff)
        value = longVarint
      }
    }
    if (value !== i * 2) throw malformed(i, `its offset delta is not ${i}`)

    value = bytes[at++]!
    if (value > 127) {
      const next = bytes[at++]!
      value = (value & 127) | (next << 7)
      if (next > 127) {
        at = readLongVarint(bytes, at, value & 0x3fff)
        value = longVarint
      }
    }
    if ((value & 1) === 0) at += value >>> 1
    else if (value === 1) nullKeys++
    else throw malformed(i, 'its key has a negative length')
    if (at >= recordEnd) throw malformed(i, 'its key is longer than the record')

    value = bytes[at++]!
    if (value > 127) {
      const next = bytes[at++]!
      value = (value & 127) | (next << 7)
      if (next > 127) {
        at = readLongVarint(bytes, at, value & 0x3fff)
        value = longVarint
      }
    }
    if ((value & 1) === 0) at += value >>> 1
    else if (value !== 1) throw malformed(i, 'its value has a negative length')
    if (at >= recordEnd) throw malformed(i, 'its value is longer than the record')

    value = bytes[at++]!
    if (value !== 0) at = walkHeaders(bytes, at, recordEnd, value, i)
    if (at !== recordEnd) throw malformed(i, 'its fields are not as long as the record')
  }
  if (at !== end) throw new KafkaError(ErrorCode.INVALID_RECORD, `A record batch holds more bytes than its ${count} records.`)
  walked.maxTimestamp = baseTimestamp + maxDelta
  walked.minTimestamp = baseTimestamp + minDelta
  walked.nullKeys = nullKeys
  return walked
}

/** Answers where the headers end. `first` is the first byte of their count. */
function walkHeaders(bytes: Buffer, at: number, recordEnd: number, first: number, record: number): number {
  let count = first
  if (first > 127) {
    at = readLongVarint(bytes, at, first & 127, 7)
    count = longVarint
  }
  if ((count & 1) !== 0) throw malformed(record, 'its count of headers is negative')
  for (count >>>= 1; count > 0; count--) {
    if (at + 2 > recordEnd) throw malformed(record, 'it ends inside its headers')
    let length = bytes[at++]!
    if (length > 127) {
      at = readLongVarint(bytes, at, length & 127, 7)
      length = longVarint
    }
    if ((length & 1) !== 0) throw malformed(record, 'a header key has a negative length')
    at += length >>> 1
    if (at >= recordEnd) throw malformed(record, 'a header key is longer than the record')
    length = bytes[at++]!
    if (length > 127) {
      at = readLongVarint(bytes, at, length & 127, 7)
      length = longVarint
    }
    if ((length & 1) === 0) at += length >>> 1
    else if (length !== 1) throw malformed(record, 'a header value has a negative length')
    if (at > recordEnd) throw malformed(record, 'a header value is longer than the record')
  }
  return at
}

/** The rest of a varint of 32 bits whose first bytes made `low`; still zig-zag, unsigned, in longVarint. Answers where it ends. */
function readLongVarint(bytes: Buffer, at: number, low: number, shift = 14): number {
  for (; ; shift += 7) {
    const byte = bytes[at++]
    if (byte === undefined || shift > 28 || (shift === 28 && byte > 15)) {
      throw new KafkaError(ErrorCode.INVALID_RECORD, 'A record holds a number of more than 32 bits, or ends inside it.')
    }
    low |= (byte & 127) << shift
    if (byte < 128) break
  }
  longVarint = low >>> 0
  return at
}

/** The rest of a varint of 64 bits whose first two bytes made `low`, decoded; exact within 2^52. */
function readLongVarlong(bytes: Buffer, at: number, low: number): number {
  let value = low
  let scale = 16384
  for (let count = 2; ; count++) {
    const byte = bytes[at++]
    if (byte === undefined || count === 10) {
      throw new KafkaError(ErrorCode.INVALID_RECORD, 'A record holds a timestamp of more than 64 bits, or ends inside it.')
    }
    value += (byte & 127) * scale
    if (byte < 128) break
    scale *= 128
  }
  // The sign by the first byte: beyond 2^53 the sum no longer tells odd from even.
  longVarint = (low & 1) === 0 ? value / 2 : -(value + 1) / 2
  return at
}

function malformed(record: number, what: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_RECORD, `Record ${record} of a record batch is malformed: ${what}.`)
}
