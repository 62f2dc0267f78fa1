/**
 * Half an hour of everything at once (tests/e2e/endurance is what there is), with a line of figures a minute: nothing is lost, memory does
 * not grow, and the descriptors are afterwards what they were before.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { nodeEnv } from '@ottla/env/node'
import { BrokerProcess } from '../e2e/broker-process.ts'
import { BROKER_SETTINGS, Endurance } from '../e2e/endurance/endurance.ts'
import { descriptorsLeft, descriptorsOf, ownBytes, processorMs, sayCounts, type Counts } from '../e2e/endurance/figures.ts'
import type { HeapFigures } from '../e2e/endurance/probe.ts'

/** The least that a slope can be told of. */
export const ENDURANCE_MINUTES_MIN = 2
const WARM_MS = 5_000
const SAMPLE_MS = 5_000
const SETTLED_MS = 60_000
/** Of the last two thirds of the time, in bytes a minute. */
const SLOPE_MAX = 1_000_000
const NONE: Counts = new Map()

interface Sample {
  readonly minutes: number
  readonly residentBytes: number
  readonly ownBytes: number
  readonly collectedBytes: number
  readonly descriptors: number
}

/** Throws with what is wrong; `say` is told of every minute. */
export async function endure(minutes: number, say: (line: string) => void): Promise<void> {
  const broker = await BrokerProcess.start(BROKER_SETTINGS, { probe: new URL('../e2e/endurance/probe.ts', import.meta.url) })
  try {
    await new EnduranceRun(broker, say).run(minutes)
  } catch (error) {
    say(`kept: ${broker.directory}; the broker said last: ${broker.output.trim().split('\n').slice(-5).join(' | ')}`)
    await broker.end()
    throw error
  }
  await broker.stop()
}

class EnduranceRun {
  readonly #env = nodeEnv({ logLevel: 'error' })
  readonly #broker: BrokerProcess
  readonly #say: (line: string) => void
  readonly #samples: Sample[] = []
  #beganMs = 0

  constructor(broker: BrokerProcess, say: (line: string) => void) {
    this.#broker = broker
    this.#say = say
  }

  async run(minutes: number): Promise<void> {
    // what is made once and stays: the offsets topic, the keeper's files
    const warm = await Endurance.begin(this.#env, this.#broker)
    await pause(WARM_MS)
    await warm.end()
    await pause(WARM_MS)
    const before = this.#descriptors
    const live = await this.#heap('live')
    this.#say(`before: ${this.#memory(live)}; descriptors: ${sayCounts(before)}`)
    const endurance = await Endurance.begin(this.#env, this.#broker)
    this.#beganMs = performance.now()
    for (let minute = 1; minute <= minutes; minute++) await this.#minute(endurance, minute)
    await endurance.end()
    if (endurance.untouched.length > 0) throw new Error(`retention took nothing of ${endurance.untouched.join(', ')}`)
    this.#say(`nothing is lost: ${sayTotals(endurance)}`)
    const resident = this.#slopes(minutes)
    await this.#settle(before)
    this.#say(`the descriptors are what they were before; after: ${this.#memory(await this.#heap('live'))}`)
    if (resident >= SLOPE_MAX) throw new Error(`memory grows by ${kilobytes(resident)} a minute`)
  }

  async #minute(endurance: Endurance, minute: number): Promise<void> {
    const beganMs = performance.now()
    const processorBeganMs = processorMs(this.#broker.pid)
    const endMs = this.#beganMs + minute * 60_000
    let heap = await this.#heap('memory')
    while (performance.now() < endMs) {
      await pause(Math.min(SAMPLE_MS, endMs - performance.now()))
      endurance.check()
      heap = await this.#heap('memory')
      let descriptors = 0
      for (const count of this.#descriptors.values()) descriptors += count
      this.#samples.push({
        minutes: (performance.now() - this.#beganMs) / 60_000,
        residentBytes: this.#broker.residentBytes(),
        ownBytes: ownBytes(this.#broker.pid),
        collectedBytes: heap.collectedBytes,
        descriptors,
      })
    }
    const load = (processorMs(this.#broker.pid) - processorBeganMs) / (performance.now() - beganMs)
    this.#say(
      `minute ${minute}: ${this.#memory(heap)}, ${Math.round(load * 100)} % of a core; ${sayTotals(endurance)}; ` +
        `descriptors: ${sayCounts(this.#descriptors)}`,
    )
  }

  #memory({ collectedBytes, heapBytes, externalBytes }: HeapFigures): string {
    return (
      `resident ${mebibytes(this.#broker.residentBytes())} (own ${mebibytes(ownBytes(this.#broker.pid))}), ` +
      `heap ${mebibytes(heapBytes)} (after a full collection ${mebibytes(collectedBytes)}), external ${mebibytes(externalBytes)} MiB`
    )
  }

  get #descriptors(): Counts {
    return descriptorsOf(this.#broker.pid) ?? NONE
  }

  async #heap(question: 'memory' | 'live'): Promise<HeapFigures> {
    return (await this.#broker.ask(question)) as HeapFigures
  }

  async #settle(before: Counts): Promise<void> {
    const giveUpAt = performance.now() + SETTLED_MS
    const find = (): string[] => descriptorsLeft(this.#broker.pid, before, this.#broker.logDirectory)
    for (let left = find(); left.length > 0; left = find()) {
      if (performance.now() > giveUpAt) throw new Error(`descriptors before and after: ${left.join(', ')}`)
      await pause(200)
    }
  }

  /** Tells what things rise by, and answers it of the memory that is resident. */
  #slopes(minutes: number): number {
    const late = this.#samples.filter((sample) => sample.minutes > minutes / 3)
    const slopeOf = (value: (sample: Sample) => number): number => slope(late.map((sample) => [sample.minutes, value(sample)]))
    const resident = slopeOf(({ residentBytes }) => residentBytes)
    this.#say(
      `a minute, of the last ${Math.round((minutes * 2) / 3)}: resident ${kilobytes(resident)} (${kilobytes(SLOPE_MAX)} would be too much), ` +
        `own ${kilobytes(slopeOf((sample) => sample.ownBytes))}, heap after full collections ` +
        `${kilobytes(slopeOf(({ collectedBytes }) => collectedBytes))}, descriptors ${slopeOf(({ descriptors }) => descriptors).toFixed(2)}`,
    )
    return resident
  }
}

/** Least squares: what the line through the points rises by for each step of x. */
function slope(points: readonly (readonly [number, number])[]): number {
  let [sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0]
  for (const [x, y] of points) {
    sumX += x
    sumY += y
    sumXX += x * x
    sumXY += x * y
  }
  const n = points.length
  return (n * sumXY - sumX * sumY) / (n * sumXX - sumX * sumX)
}

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`
const mebibytes = (bytes: number): string => (bytes / (1 << 20)).toFixed(1)

function sayTotals({ totals }: Endurance): string {
  return (
    `${totals.produced} records written, ${totals.read} read, ${totals.overtaken} of them overtaken, ${totals.compactedRecords} compacted away, ` +
    `${totals.segmentsDeleted} segments deleted, ${totals.topics} topics made and deleted, ${totals.connections} connections, ` +
    `${totals.questions} questions`
  )
}
