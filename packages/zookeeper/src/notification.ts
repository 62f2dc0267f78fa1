import { DecodeError, type Reader, type Writer } from '@ottla/wire'
import { readString, writeString } from './jute.ts'
import type { WatchEvent, WatchEventType } from './operations.ts'

const EVENT_NUMBERS: Readonly<Record<WatchEventType, number>> = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 }
const EVENT_TYPES = new Map(Object.entries(EVENT_NUMBERS).map(([type, number]) => [number, type as WatchEventType]))
const SYNC_CONNECTED = 3

/** The body of a notification: a watch fired. */
export function writeNotification(writer: Writer, event: WatchEvent): void {
  writer.int32(EVENT_NUMBERS[event.type])
  writer.int32(SYNC_CONNECTED)
  writeString(writer, event.path)
}

export function readNotification(reader: Reader): WatchEvent {
  const number = reader.int32()
  const type = EVENT_TYPES.get(number)
  if (type === undefined) throw new DecodeError(`a notification of type ${number}`)
  reader.int32()
  return { type, path: readString(reader) }
}
