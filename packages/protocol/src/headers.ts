import { DecodeError, versionRange, type Reader, type Writer } from '@ottla/wire'
import { API_TABLE } from './api-table.ts'

/** The first flexible version by API key, 0 being never used: what decides a header's form. */
const flexibleFrom: number[] = []
for (const row of API_TABLE) flexibleFrom[row.key] = versionRange(row.flexible)[0]

const API_VERSIONS = 18
/** Not declared, but its version 0 is the one request whose header has no client id. */
const CONTROLLED_SHUTDOWN = 7

const isFlexible = (apiKey: number, apiVersion: number): boolean => apiVersion >= flexibleFrom[apiKey]!

/** 0: no client id; 1: with client id; 2: with tags (KIP-482). An unknown API counts as not flexible. */
export function requestHeaderVersion(apiKey: number, apiVersion: number): number {
  if (isFlexible(apiKey, apiVersion)) return 2
  return apiKey === CONTROLLED_SHUTDOWN && apiVersion === 0 ? 0 : 1
}

/** 1: with tags. ApiVersions never has them, since its client may speak with an older broker than it believes (KIP-511). */
export function responseHeaderVersion(apiKey: number, apiVersion: number): number {
  return isFlexible(apiKey, apiVersion) && apiKey !== API_VERSIONS ? 1 : 0
}

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

/** Leaves the reader at the body. Throws DecodeError where the bytes end too early; tags are skipped, since none is defined. */
export function readRequestHeader(reader: Reader): RequestHeader {
  if (reader.left < 8) throw new DecodeError(`a request header of ${reader.left} bytes`)
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const version = requestHeaderVersion(apiKey, apiVersion)
  let clientId: string | null = null
  if (version > 0) {
    if (reader.left < 2) throw new DecodeError('a request header ends before its client id')
    const length = reader.int16()
    if (length >= 0) clientId = reader.text(length)
    if (version > 1) skipTags(reader)
  }
  return { apiKey, apiVersion, correlationId, clientId }
}

export function writeRequestHeader(writer: Writer, header: RequestHeader): void {
  const { apiKey, apiVersion, correlationId, clientId } = header
  writer.int16(apiKey)
  writer.int16(apiVersion)
  writer.int32(correlationId)
  const version = requestHeaderVersion(apiKey, apiVersion)
  if (version === 0) return
  if (clientId === null) writer.int16(-1)
  else writer.string(clientId)
  if (version > 1) writer.uvarint(0)
}

/** The correlation id; leaves the reader at the body. Throws DecodeError where the bytes end too early. */
export function readResponseHeader(reader: Reader, apiKey: number, apiVersion: number): number {
  if (reader.left < 4) throw new DecodeError(`a response header of ${reader.left} bytes`)
  const correlationId = reader.int32()
  if (responseHeaderVersion(apiKey, apiVersion) > 0) skipTags(reader)
  return correlationId
}

export function writeResponseHeader(writer: Writer, apiKey: number, apiVersion: number, correlationId: number): void {
  writer.int32(correlationId)
  if (responseHeaderVersion(apiKey, apiVersion) > 0) writer.uvarint(0)
}

function skipTags(reader: Reader): void {
  for (let count = reader.uvarint(); count > 0; count--) {
    reader.uvarint()
    reader.slice(reader.uvarint())
  }
}
