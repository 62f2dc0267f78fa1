import { EnvError } from '@ottla/env'
import { ErrorCode, KafkaError, recordBatch } from '@ottla/protocol'
import { ENTRY_BYTES_MIN, HEADER_BYTES } from './batch-reader.ts'
import { ProducerState, sequenceAfter } from './producer-batches.ts'
import type { ProducerStates } from './producer-state.ts'
import { segmentIndexFor } from './segment-list.ts'
import type { Segment } from './segment.ts'

/** How far back is looked: five requests in flight of a mebibyte, the usual largest, and what other producers wrote between them. */
const SEARCHED_BYTES = 8 << 20
const CHUNK_BYTES = 4096

/** A read that must wait for the device; resumed with what it answers. */
type Waits = Generator<Promise<number>, void, number>

/**
 * The batches before a producer snapshot that the snapshot doesn't tell: it has each producer's newest only, and a client may have five in
 * flight. They are looked for in the log when a batch is about to be refused for its sequence, once, and never when a log is opened.
 */
export class OlderBatches {
  readonly #segments: readonly Segment[]
  readonly #startOffset: number
  readonly #endOffset: number
  #isReading = false

  /** `segments` is the log's own list, of which retention takes some away. `startOffset` is the log's, `endOffset` the snapshot's. */
  constructor(segments: readonly Segment[], startOffset: number, endOffset: number) {
    this.#segments = segments
    this.#startOffset = startOffset
    this.#endOffset = endOffset
  }

  /**
   * Enters them into `states`, whose `older` this is no longer then. Where they aren't in memory it throws REQUEST_TIMED_OUT, on which
   * clients send again, and goes on reading off the loop.
   */
  enter(states: ProducerStates): void {
    if (!this.#isReading) {
      const reading = this.#read(states)
      try {
        const first = reading.next()
        if (first.done === true) return
        this.#isReading = true
        void this.#finish(states, reading, first.value)
      } catch (error) {
        if (!(error instanceof EnvError)) throw error
        throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `the producer's earlier batches cannot be read, send again: ${error.message}`)
      }
    }
    throw new KafkaError(ErrorCode.REQUEST_TIMED_OUT, "the producer's earlier batches are being read from disk: send again")
  }

  async #finish(states: ProducerStates, reading: Waits, first: Promise<number>): Promise<void> {
    try {
      for (let waits = first; ;) {
        const length = await waits
        // cut, closed, or restored anew meanwhile
        if (states.older !== this) break
        const next = reading.next(length)
        if (next.done === true) break
        waits = next.value
      }
    } catch (error) {
      if (!(error instanceof EnvError)) throw error
    } finally {
      reading.return()
      this.#isReading = false
    }
  }

  *#read(states: ProducerStates): Waits {
    const held: Segment[] = []
    const starts: number[] = []
    const found = new Map<number, ProducerState>()
    try {
      yield* this.#choose(held, starts)
      for (let at = held.length - 1; at >= 0; at--) yield* this.#walk(held[at]!, starts[at]!, states, found)
    } finally {
      for (const segment of held) segment.release()
    }
    states.older = null
    for (const each of found.values()) states.get(each.producerId)?.precede(each)
  }

  /** The segments to be looked at, newest first and held, and the position of a batch in each to begin at. */
  *#choose(held: Segment[], starts: number[]): Waits {
    let leftBytes = SEARCHED_BYTES
    // retention may take some away while this waits
    const segments = this.#segments.slice(0, segmentIndexFor(this.#segments, this.#endOffset) + 1)
    for (let at = segments.length - 1; at >= 0 && leftBytes > 0; at--) {
      const segment = segments[at]!
      if (segment.writtenBytes === 0 || segment.baseOffset >= this.#endOffset) continue
      segment.hold()
      held.push(segment)
      let start = 0
      let end = segment.writtenBytes
      if (end > leftBytes) {
        if (!segment.loadOffsetsNow()) yield segment.loadOffsets().then(() => 0)
        const { offsets } = segment
        end = offsets.positionFor(this.#endOffset - segment.baseOffset)
        start = offsets.positionBefore(end - leftBytes)
        // an index with so few entries leads nowhere near
        if (end - start > 2 * SEARCHED_BYTES) start = end
      }
      starts.push(start)
      leftBytes = start > 0 ? 0 : leftBytes - end
    }
  }

  /** Enters into `found` what each producer of `states` wrote from `start` on, before the snapshot and without a gap. */
  *#walk(segment: Segment, start: number, states: ProducerStates, found: Map<number, ProducerState>): Waits {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    const end = segment.writtenBytes
    let chunkAt = start
    let length = 0
    for (let position = start; position + ENTRY_BYTES_MIN <= end;) {
      const needed = Math.min(HEADER_BYTES, end - position)
      if (position + needed > chunkAt + length) {
        const file = segment.file()
        length = file.read(position, chunk)
        if (length < 0) length = yield file.readLater(position, chunk)
        chunkAt = position
        if (length < needed) return
      }
      const at = position - chunkAt
      const size = recordBatch.sizeBytes(chunk, at)
      if (size < ENTRY_BYTES_MIN || recordBatch.baseOffset(chunk, at) >= this.#endOffset) return
      if (recordBatch.baseSequence(chunk, at) >= 0 && recordBatch.baseOffset(chunk, at) >= this.#startOffset) {
        enterBatch(chunk, at, states, found)
      }
      position += size
    }
  }
}

function enterBatch(bytes: Buffer, at: number, states: ProducerStates, found: Map<number, ProducerState>): void {
  const producerId = recordBatch.producerId(bytes, at)
  const epoch = recordBatch.producerEpoch(bytes, at)
  if (states.get(producerId)?.epoch !== epoch) return
  let state = found.get(producerId)
  if (state === undefined || sequenceAfter(state.lastSequence) !== recordBatch.baseSequence(bytes, at)) {
    state = new ProducerState(producerId, epoch)
    found.set(producerId, state)
  }
  const timestamp = recordBatch.maxTimestamp(bytes, at)
  state.add(recordBatch.lastSequence(bytes, at), recordBatch.baseOffset(bytes, at), recordBatch.lastOffset(bytes, at), timestamp)
}
