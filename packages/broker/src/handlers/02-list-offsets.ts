/**
 * ListOffsets: offsets by time.
 * - -1 latest (what a consumer may see; to the last stable offset for read_committed), -2 earliest, -3 the record of the largest
 *   timestamp (KIP-734), -4 earliest local (the same as -2), -5 last tiered and -6 earliest not tiered (none: nothing is tiered).
 * - A time of 0 or later: the first record not older; none is offset -1 without an error. Version 0 answers a list of offsets.
 */
import { EnvError } from '@ottla/env'
import type { PartitionLog } from '@ottla/log'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { ListOffsets, type ListOffsetsRequest, type ListOffsetsResponse } from '@ottla/protocol/messages/02-list-offsets'
import { ZERO_UUID } from '@ottla/wire'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { leaderLog } from '../leader-log.ts'
import { namedPartitions, opened } from '../topic-opening.ts'

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number]
type Answered = ListOffsetsResponse['topics'][number]['partitions'][number]
interface Found {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

const NONE: Found = { offset: -1, timestamp: -1, leaderEpoch: -1 }
const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

export const listOffsets = handler(
  ListOffsets,
  async (request, { broker, version }) => ({
    topics: await Promise.all(
      request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(partitions.map((asked) => answer(broker, name, asked, request, version))),
      })),
    ),
  }),
  { ready: opened(namedPartitions) },
)

async function answer(broker: Broker, name: string, asked: Asked, request: ListOffsetsRequest, version: number): Promise<Answered> {
  const { partitionIndex } = asked
  let log: PartitionLog | null = null
  try {
    log = leaderLog(broker.config.brokerId, broker.topics.byName(name), partitionIndex, ZERO_UUID, asked.currentLeaderEpoch)
    // what an offline log says of itself may be less than its files hold
    if (log.failed !== null)
      throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `'${name}'-${partitionIndex} is offline: ${log.failed.message}`)
    const end =
      request.replicaId >= 0 || request.replicaId === -2
        ? log.logEndOffset
        : request.isolationLevel === 1
          ? Math.min(log.lastStableOffset, log.visibleEnd)
          : log.visibleEnd
    const found = await find(log, asked.timestamp, end)
    if (version > 0) return { partitionIndex, errorCode: 0, oldStyleOffsets: [], ...found }
    const oldStyleOffsets = found.offset < 0 ? [] : [found.offset].slice(0, asked.maxNumOffsets)
    return { partitionIndex, errorCode: 0, oldStyleOffsets }
  } catch (error) {
    if (error instanceof EnvError) log?.diskFailed(error)
    else if (!(error instanceof KafkaError)) throw error
    return { partitionIndex, errorCode: error instanceof KafkaError ? error.code : ErrorCode.KAFKA_STORAGE_ERROR, oldStyleOffsets: [] }
  }
}

async function find(log: PartitionLog, timestamp: number, end: number): Promise<Found> {
  const known = (offset: number): Found => ({ offset, timestamp: -1, leaderEpoch: log.leaderEpoch })
  switch (timestamp) {
    case LATEST:
      return known(end)
    case EARLIEST:
    case EARLIEST_LOCAL:
      return known(log.logStartOffset)
    case MAX_TIMESTAMP:
      return visible(await log.maxTimestamp(), end)
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NONE
    default:
      if (timestamp < 0) throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, `there is no special time ${timestamp}`)
      return visible(await log.offsetForTimestamp(timestamp), end)
  }
}

const visible = (found: Found | null, end: number): Found => (found === null || found.offset >= end ? NONE : found)
