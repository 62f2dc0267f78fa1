import type { PartitionLog } from '@ottla/log'
import { codecNamed, DECOMPRESSED_BYTES_MAX, type ProduceRules } from '@ottla/protocol'
import type { TopicConfig } from './configs/topic-config.ts'

/** A partition as /brokers/topics/[t] and its state znode tell it. */
export interface PartitionState {
  /** -1: none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  readonly replicas: readonly number[]
}

/** A topic of the cluster and the logs of its partitions that lie on this broker. */
export interface Topic {
  readonly name: string
  readonly id: string
  readonly internal: boolean
  readonly partitions: readonly PartitionState[]
  /**
   * By partition; undefined where this broker doesn't lead, or the log could not be opened or made at the start, or is `unopened`. One that
   * failed later is there.
   */
  readonly logs: (PartitionLog | undefined)[]
  /** Partitions that were there at the start and nobody asked for yet: see `TopicOpening`. */
  readonly unopened: Set<number>
  /** What was set for this topic, by key. */
  readonly overrides: ReadonlyMap<string, string>
  readonly config: TopicConfig
  /** What its partitions accept; each check sets the request's version and the time. */
  readonly produceRules: ProduceRules
  /** `compression.type`: what batches are stored in, null as they come. */
  readonly compression: StoredCompression | null
}

/** Whether the partition's log is here, be it not open yet, and has not failed. */
export function isOnline({ logs, unopened }: Topic, partition: number): boolean {
  return unopened.has(partition) || logs[partition]?.failed === null
}

/** A codec's id and, where the broker compresses with it, its level. */
export interface StoredCompression {
  readonly codec: number
  readonly level: number
}

export function storedCompression(config: TopicConfig): StoredCompression | null {
  const { compressionType } = config
  if (compressionType === 'producer') return null
  const codec = codecNamed(compressionType === 'uncompressed' ? 'none' : compressionType)!.id
  return { codec, level: compressionType === 'zstd' ? config.compressionZstdLevel : config.compressionGzipLevel }
}

export function produceRules(config: TopicConfig): ProduceRules {
  return {
    apiVersion: 0,
    now: 0,
    batchBytesMax: config.maxMessageBytes,
    isCompacted: config.compact,
    timestampType: config.logAppendTime ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMsMax: config.timestampBeforeMaxMs,
    timestampAfterMsMax: config.timestampAfterMaxMs,
    decompressedBytesMax: Math.min(config.maxDecompressedMessageBytes, DECOMPRESSED_BYTES_MAX),
  }
}

const NAME_LENGTH_MAX = 249

/** What is wrong with a topic's name, as a sentence; undefined where nothing is. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'a topic needs a name'
  if (name === '.' || name === '..') return `a topic can't be named '${name}'`
  if (name.length > NAME_LENGTH_MAX) return `a topic's name has at most ${NAME_LENGTH_MAX} characters; this one has ${name.length}`
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) return `the topic name '${name}' has characters other than letters, digits, '.', '_' and '-'`
  return undefined
}
