/** The classes of promises that ARCHITECTURE makes for one broker. */
import type { Promises } from './lives.ts'

const PLAIN = { acks: 1 } as const
const IDEMPOTENT = { acks: 'all' } as const
const ALL = { acks: 'all', idempotent: false } as const

/** The process dies, the machine lives: whoever got an ack, of 1 too, finds his record. */
export const WRITTEN: Promises = {
  ends: ['kill', 'kill', 'stop'],
  producers: [
    { promised: 'inOrder', options: PLAIN },
    { promised: 'once', options: { ...IDEMPOTENT, compression: 'gzip' } },
  ],
  configs: {},
  acksHold: true,
}

/** The power fails: what was synced before its ack is there. So are the offsets of groups. */
export const SYNCED: Promises = {
  ends: ['crash', 'crash', 'kill', 'stop'],
  producers: [
    { promised: 'inOrder', options: ALL },
    { promised: 'once', options: IDEMPOTENT },
  ],
  configs: {},
  settings: { 'log.flush.before.ack': 'true' },
  acksHold: true,
}

/** The power fails between syncs: acknowledged records may be gone, but none that a consumer was given. */
export const EXPOSED: Promises = {
  ends: ['crash', 'crash', 'kill', 'stop'],
  producers: [
    { promised: 'rising', options: PLAIN },
    { promised: 'rising', options: ALL },
  ],
  configs: { 'flush.messages': '7', 'flush.ms': '30' },
  acksHold: false,
}
