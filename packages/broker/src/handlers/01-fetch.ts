/**
 * Fetch: ranges of the logs' files, as they lie there, to a consumer or a follower.
 * - The answer waits until `minBytes` are there or `maxWaitMs` are over; errors answer at once. Limits: KIP-74. The consumer's end is
 *   the log's `visibleEnd`: replicated, and flushed where a flush policy is set.
 * - Sessions (KIP-227) from version 7; leader epochs (KIP-320) from 9; diverging epochs (KIP-595) from 12; topic ids (KIP-516) from 13.
 * - Versions 0 to 3 know message formats 0 and 1 only: what they get is converted in memory (formats §3), save where the topic has
 *   message.downconversion.enable=false (KIP-283).
 * - Records never pass through the process: the answer names a range of a file, which the connection sends from the page cache. What is
 *   not surely there is first brought in, off the loop.
 */
import type { Clock } from '@ottla/env'
import { downConvert, ErrorCode, KafkaError } from '@ottla/protocol'
import { Fetch, type FetchRequest, type FetchResponse } from '@ottla/protocol/messages/01-fetch'
import type { LogSlice } from '@ottla/log'
import { ZERO_UUID, type Chunk } from '@ottla/wire'
import { rotate, type FetchScope } from '../fetch/fetch-sessions.ts'
import type { PartitionRead } from '../fetch/partition-read.ts'
import { WaitingFetch } from '../fetch/waiting-fetch.ts'
import { handler, type RequestContext } from '../handler.ts'
import { Later } from '../later.ts'
import { opened } from '../topic-opening.ts'
import type { Topic } from '../topic.ts'
import type { Topics } from '../topics.ts'

type TopicResponse = FetchResponse['responses'][number]
type PartitionResponse = TopicResponse['partitions'][number]

const READ_COMMITTED = 1

export const fetch = handler(Fetch, start, { ready: opened(asked) })

function* asked(request: FetchRequest, topics: Topics): Generator<readonly [Topic | undefined, number]> {
  for (const { topic: name, topicId, partitions } of request.topics) {
    const topic = topicId === ZERO_UUID ? topics.byName(name) : topics.byId(topicId)
    for (const { partition } of partitions) yield [topic, partition]
  }
}

function start(request: FetchRequest, context: RequestContext): FetchResponse | Promise<FetchResponse> | Later<FetchResponse | null> {
  const { broker, session, version } = context
  let scope: FetchScope
  try {
    scope = broker.fetchSessions.scope(request, version, session)
  } catch (error) {
    if (error instanceof KafkaError) return { errorCode: error.code, responses: [] }
    throw error
  }
  const replicaId = Math.max(request.replicaId, request.replicaState.replicaId)
  const rules = { committed: request.isolationLevel === READ_COMMITTED, follower: replicaId >= 0 }
  const maxBytes = Math.min(request.maxBytes, broker.config.fetchMaxBytes)
  const limits = { maxWaitMs: request.maxWaitMs, minBytes: request.minBytes, maxBytes, atLeastOne: version >= 3 }
  const reads = new WaitingFetch(session, scope.partitions, rules, limits).read()
  if (!(reads instanceof Later)) return answer(request, context, scope, reads)
  const response = new Later<FetchResponse | null>()
  const refuse = (error: unknown): void => response.reject(error)
  reads.whenSettled((late) => {
    const body = answer(request, context, scope, late)
    if (body instanceof Promise) body.then((warm) => response.resolve(warm), refuse)
    else response.resolve(body)
  }, refuse)
  return response
}

function answer(
  request: FetchRequest,
  context: RequestContext,
  scope: FetchScope,
  found: readonly PartitionRead[],
): FetchResponse | Promise<FetchResponse> {
  const reads = openAll(found)
  const cold = reads.filter(({ slice }) => slice !== null && !slice.cached)
  if (context.version < 4 || cold.length > 0) return answerLater(request, context, scope, reads, cold)
  return respond(request, scope, reads, (read) => read.slice)
}

/** Without the slices that no descriptor is left for: they come with a next fetch, when those of others are sent. */
function openAll(found: readonly PartitionRead[]): readonly PartitionRead[] {
  let reads: PartitionRead[] | null = null
  for (let i = 0; i < found.length; i++) {
    const { slice } = found[i]!
    if (slice === null || slice.open()) continue
    reads ??= [...found]
    reads[i] = { ...found[i]!, slice: null }
  }
  return reads ?? found
}

/** The answer for which something is to be read first. */
async function answerLater(
  request: FetchRequest,
  context: RequestContext,
  scope: FetchScope,
  reads: readonly PartitionRead[],
  cold: readonly PartitionRead[],
): Promise<FetchResponse> {
  if (cold.length > 0) {
    const waitMs = Math.max(request.maxWaitMs, WARM_MS_MIN)
    reads = await Promise.all(reads.map((read) => (cold.includes(read) ? warmed(context.broker.env.clock, read, waitMs) : read)))
  }
  if (context.version >= 4) return respond(request, scope, reads, (read) => read.slice)
  const converted: PartitionRead[] = []
  const records = new Map<PartitionRead, Buffer>()
  for (let read of reads) {
    try {
      if (read.slice !== null && read.topic?.config.messageDownconversionEnable === false) {
        read.slice.release()
        read = { ...read, errorCode: ErrorCode.UNSUPPORTED_VERSION, slice: null }
      } else if (read.slice !== null) records.set(read, await convert(read.asked.fetchOffset, read.slice, context.version < 2 ? 0 : 1))
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      // zstd, which no client of these versions knows
      read = { ...read, errorCode: error.code, slice: null }
    }
    converted.push(read)
  }
  return respond(request, scope, converted, (read) => records.get(read) ?? null)
}

/** What the device takes longer for than this, and than the client would wait at the tail, is not waited for: others are in the answer. */
const WARM_MS_MIN = 1000

/** The read once its records are in the page cache; without them where that takes too long: the client asks again. */
function warmed(clock: Clock, read: PartitionRead, waitMs: number): Promise<PartitionRead> {
  return new Promise((resolve) => {
    let isOver = false
    const end = (answered: PartitionRead): void => {
      if (isOver) return
      isOver = true
      timer.cancel()
      if (answered.slice === null) read.slice!.release()
      resolve(answered)
    }
    const timer = clock.after(waitMs, () => end({ ...read, slice: null }))
    read.slice!.warm().then(
      () => end(read),
      (error: Error) => {
        read.log!.diskFailed(error)
        end({ ...read, slice: null, errorCode: ErrorCode.KAFKA_STORAGE_ERROR })
      },
    )
  })
}

async function convert(fetchOffset: number, slice: LogSlice, magicMax: 0 | 1): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(slice.length)
  const length = await slice.file.readLater(slice.position, bytes).finally(() => slice.release())
  return downConvert(bytes.subarray(0, length), magicMax, fetchOffset)
}

function respond(
  request: FetchRequest,
  scope: FetchScope,
  reads: readonly PartitionRead[],
  recordsOf: (read: PartitionRead) => Chunk | null,
): FetchResponse {
  const responses: (TopicResponse & { partitions: PartitionResponse[] })[] = []
  for (const read of reads) {
    const { asked, log } = read
    const highWatermark = log?.visibleEnd ?? -1
    const logStartOffset = log?.logStartOffset ?? -1
    if (scope.session !== null && !isNews(read, highWatermark, logStartOffset, scope.incremental)) continue
    const failed = read.errorCode !== 0
    const lastStableOffset = failed ? -1 : Math.min(log!.lastStableOffset, highWatermark)
    const committed = request.isolationLevel === READ_COMMITTED && read.slice !== null
    const partition: PartitionResponse = {
      partitionIndex: asked.partition,
      errorCode: read.errorCode,
      highWatermark: failed ? -1 : highWatermark,
      lastStableOffset,
      logStartOffset: failed && read.errorCode !== ErrorCode.OFFSET_OUT_OF_RANGE ? -1 : logStartOffset,
      abortedTransactions: committed ? log!.abortedTransactions(asked.fetchOffset, lastStableOffset) : null,
      records: (recordsOf(read) as Buffer | null) ?? NO_RECORDS,
      ...(read.diverging === null ? {} : { divergingEpoch: read.diverging }),
    }
    if (scope.session !== null && read.slice !== null) rotate(scope.session, asked)
    const last = responses.at(-1)
    if (last !== undefined && last.topic === asked.topic && last.topicId === asked.topicId) last.partitions.push(partition)
    else responses.push({ topic: asked.topic, topicId: asked.topicId, partitions: [partition] })
  }
  return { errorCode: 0, sessionId: scope.session?.id ?? 0, responses }
}

const NO_RECORDS = Buffer.alloc(0)

/** Whether the session's client doesn't know it yet; keeps what it knows from now on. */
function isNews(read: PartitionRead, highWatermark: number, logStartOffset: number, incremental: boolean): boolean {
  const { asked } = read
  const same = asked.known !== undefined && asked.known.highWatermark === highWatermark && asked.known.logStartOffset === logStartOffset
  asked.known = read.errorCode === 0 ? { highWatermark, logStartOffset } : undefined
  return !incremental || !same || read.slice !== null || read.diverging !== null
}
