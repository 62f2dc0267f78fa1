import type { Reader, Writer } from '@ottla/wire'
import { readBuffer, writeBuffer } from './jute.ts'

/** The first message of a client: a new session, or one that goes on (protocol.md 2). */
export interface ConnectRequest {
  readonly lastZxidSeen: number
  readonly timeoutMs: number
  /** 0n: a new one. */
  readonly sessionId: bigint
  readonly password: Buffer
  /** null where the client is too old to say. */
  readonly readOnly: boolean | null
}

/** `timeoutMs` and `sessionId` are 0 where the session is over, or its password is another. */
export interface ConnectResponse {
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Buffer
  /** null where the client did not say. */
  readonly readOnly: boolean | null
}

export const PASSWORD_BYTES = 16

export function readConnectRequest(reader: Reader): ConnectRequest {
  reader.int32()
  const lastZxidSeen = reader.int64()
  const timeoutMs = reader.int32()
  const sessionId = reader.bigint64()
  const password = Buffer.from(readBuffer(reader) ?? [])
  return { lastZxidSeen, timeoutMs, sessionId, password, readOnly: reader.left === 0 ? null : reader.bool() }
}

export function writeConnectRequest(writer: Writer, request: ConnectRequest): void {
  writer.int32(0)
  writer.int64(request.lastZxidSeen)
  writer.int32(request.timeoutMs)
  writer.bigint64(request.sessionId)
  writeBuffer(writer, request.password)
  if (request.readOnly !== null) writer.bool(request.readOnly)
}

export function readConnectResponse(reader: Reader): ConnectResponse {
  reader.int32()
  const timeoutMs = reader.int32()
  const sessionId = reader.bigint64()
  const password = Buffer.from(readBuffer(reader) ?? [])
  return { timeoutMs, sessionId, password, readOnly: reader.left === 0 ? null : reader.bool() }
}

export function writeConnectResponse(writer: Writer, response: ConnectResponse): void {
  writer.int32(0)
  writer.int32(response.timeoutMs)
  writer.bigint64(response.sessionId)
  writeBuffer(writer, response.password)
  if (response.readOnly !== null) writer.bool(response.readOnly)
}
