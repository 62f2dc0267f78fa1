/**
 * What an ack is worth, by class (design §5): the one table that the simulated lives are driven by. `topics describe` says the same in words
 * (`acksTable`), and is held to it.
 */
import type { ProducerOptions } from '@ottla/client'
import type { End, Held, Survives } from './books.ts'
import type { Promises } from './lives.ts'

export interface AckClass {
  /** Of the topic that stands for it. */
  readonly name: string
  readonly configs: Readonly<Record<string, string>>
  readonly survives: Survives
  readonly producers: readonly { readonly held: Held; readonly options: ProducerOptions }[]
  /** Somebody reads at its end, through all lives: not where what he was given may be lost. */
  readonly hasTail: boolean
  /** Compacted: what is promised is the last record of each key. */
  readonly isKeyed: boolean
}

const ONE = { acks: 1, batchSizeBytes: 1000 } as const
const ALL = { acks: 'all', idempotent: false, batchSizeBytes: 1000 } as const
const IDEMPOTENT = { acks: 'all', batchSizeBytes: 1000 } as const
const NONE = { acks: 0, batchSizeBytes: 1000 } as const

/** What each kind of producer finds where what was acknowledged survives all. */
const DURABLE = [
  { held: 'inOrder', options: ONE },
  { held: 'once', options: IDEMPOTENT },
] as const

/**
 * A restart knows a producer's newest batch only, and looks for four older ones in the log: one that is cleaned away by then and sent again is
 * refused for its sequence, and what is sent again behind it is there twice, as in Kafka.
 */
const CLEANED = { held: 'inOrder', options: IDEMPOTENT } as const

const SMALL = { 'segment.bytes': '3000', 'index.interval.bytes': '300' }
const SYNCED_ACKS = { 'flush.before.ack': 'true' }
const NO_SYNC = { 'flush.before.ack': 'false' }
const UNSYNCED = { ...SMALL, ...NO_SYNC }
const COMPACTED = {
  'segment.bytes': '2000',
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.05',
  'delete.retention.ms': '60',
}

const KILL: readonly End[] = ['kill']
const KILL_AND_POWER: readonly End[] = ['kill', 'power']
const ALL_HOLDS: Survives = { acked: KILL_AND_POWER, shown: KILL_AND_POWER, start: true }
const KILL_ONLY: Survives = { acked: KILL, shown: KILL, start: true }

/** The class of `__consumer_offsets`: what a commit is worth is what its topic says, and the broker's default where that says nothing. */
export const GROUP_OFFSETS = 'group-offsets'

/** `powerFails`: an idempotent producer whose records the power may take would be told so, and has no place there. */
export function classesOf(powerFails: boolean): readonly AckClass[] {
  const retrying = powerFails ? ({ held: 'inOrder', options: ALL } as const) : ({ held: 'once', options: IDEMPOTENT } as const)
  return [
    {
      name: 'acks-0',
      configs: UNSYNCED,
      survives: { acked: [], shown: KILL, start: true },
      producers: [{ held: 'nothing', options: NONE }],
      hasTail: !powerFails,
      isKeyed: false,
    },
    {
      name: 'acks-1',
      configs: UNSYNCED,
      survives: KILL_ONLY,
      producers: [{ held: 'inOrder', options: ONE }],
      hasTail: !powerFails,
      isKeyed: false,
    },
    {
      name: 'acks-all',
      configs: UNSYNCED,
      survives: KILL_ONLY,
      producers: [retrying, { held: 'inOrder', options: ALL }],
      hasTail: !powerFails,
      isKeyed: false,
    },
    {
      name: 'flushed-before-ack',
      configs: { ...SMALL, ...SYNCED_ACKS },
      survives: ALL_HOLDS,
      producers: DURABLE,
      hasTail: true,
      isKeyed: false,
    },
    {
      name: 'flushed-each-message',
      configs: { ...UNSYNCED, 'flush.messages': '1' },
      survives: ALL_HOLDS,
      producers: DURABLE,
      hasTail: true,
      isKeyed: false,
    },
    {
      name: 'flushed-now-and-then',
      configs: { ...UNSYNCED, 'flush.messages': '7', 'flush.ms': '30' },
      survives: { acked: KILL, shown: KILL_AND_POWER, start: true },
      producers: [
        { held: 'inOrder', options: ONE },
        { held: 'nothing', options: NONE },
      ],
      hasTail: true,
      isKeyed: false,
    },
    {
      name: 'retained',
      configs: { 'segment.bytes': '1500', 'retention.bytes': '5000', ...SYNCED_ACKS },
      survives: { acked: KILL_AND_POWER, shown: KILL_AND_POWER, start: false },
      producers: [{ held: 'inOrder', options: ALL }],
      hasTail: false,
      isKeyed: false,
    },
    {
      name: 'compacted',
      configs: { ...COMPACTED, ...SYNCED_ACKS },
      survives: ALL_HOLDS,
      producers: [{ held: 'inOrder', options: ONE }, CLEANED],
      hasTail: true,
      isKeyed: true,
    },
    {
      name: 'compacted-and-retained',
      configs: { ...COMPACTED, ...SYNCED_ACKS, 'cleanup.policy': 'compact,delete', 'retention.bytes': '6000' },
      survives: { acked: KILL_AND_POWER, shown: KILL_AND_POWER, start: false },
      producers: [CLEANED],
      hasTail: false,
      isKeyed: true,
    },
    {
      name: 'compacted-unsynced',
      configs: { ...COMPACTED, ...NO_SYNC },
      survives: KILL_ONLY,
      producers: [powerFails ? retrying : CLEANED],
      hasTail: !powerFails,
      isKeyed: true,
    },
  ]
}

const PLAIN_PRODUCER = { acks: 1 } as const
const IDEMPOTENT_PRODUCER = { acks: 'all' } as const
const ALL_PRODUCER = { acks: 'all', idempotent: false } as const

/** The process dies, the machine lives: whoever got an ack, of 1 too, finds his record. */
export const WRITTEN: Promises = {
  ends: ['kill', 'kill', 'stop'],
  producers: [
    { promised: 'inOrder', options: PLAIN_PRODUCER },
    { promised: 'once', options: { ...IDEMPOTENT_PRODUCER, compression: 'gzip' } },
  ],
  configs: {},
  acksHold: true,
}

/** The power fails: what was synced before its ack is there. So are the offsets of groups. */
export const SYNCED: Promises = {
  ends: ['crash', 'crash', 'kill', 'stop'],
  producers: [
    { promised: 'inOrder', options: ALL_PRODUCER },
    { promised: 'once', options: IDEMPOTENT_PRODUCER },
  ],
  configs: {},
  settings: { 'log.flush.before.ack': 'true' },
  acksHold: true,
}

/** The power fails between syncs: acknowledged records may be gone, but none that a consumer was given. */
export const EXPOSED: Promises = {
  ends: ['crash', 'crash', 'kill', 'stop'],
  producers: [
    { promised: 'rising', options: PLAIN_PRODUCER },
    { promised: 'rising', options: ALL_PRODUCER },
  ],
  configs: { 'flush.messages': '7', 'flush.ms': '30' },
  acksHold: false,
}
