import { existsSync, mkdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { javac, javaOptions } from './kafka-jars.ts'
import { REALTIME_PREFIX, cpuSeconds, setRealtime } from './machine.ts'
import type { Broker } from './peers.ts'
import { runProgram } from './processes.ts'

/** What `kload produce` and `kload fetch` print. */
export interface Throughput {
  readonly megabytesPerSecond: number
  readonly requestsPerSecond: number
  readonly cpuSecondsPerGb: number
  readonly cpuMicrosPerRequest: number
  readonly clientCpuSeconds: number
}

/** What `kload e2e` prints, from a record's due time to its arrival at a consumer. */
export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
}

const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** The load generators, compiled once; runs of a few seconds get a real-time priority on both sides where that is allowed. */
export class Load {
  readonly realtime: boolean
  readonly #cache: string
  readonly #libraries: string | undefined
  #inRealtime = 0

  constructor(options: { realtime: boolean; cache: string; libraries: string | undefined }) {
    this.realtime = options.realtime
    this.#cache = options.cache
    this.#libraries = options.libraries
    mkdirSync(options.cache, { recursive: true })
  }

  /** Compiles what is older than its source. */
  async compile(): Promise<void> {
    await this.#build('kload.c', 'kload', (from, to) => ['gcc', '-O2', '-msse4.2', '-w', '-o', to, from])
    if (this.#libraries === undefined) return
    const libraries = this.#libraries
    await this.#build('clients/GroupTimes.java', 'GroupTimes.class', (from) => [javac, '-cp', libraries, '-d', this.#cache, from])
  }

  /** Compiles the client on librdkafka; rejects where its headers are not installed (Debian: librdkafka-dev). */
  compileRdkafka(): Promise<void> {
    return this.#build('clients/rdkafka-load.c', 'rdkafka-load', (from, to) => ['gcc', '-O2', '-o', to, from, '-lrdkafka'])
  }

  async #build(name: string, product: string, command: (from: string, to: string) => string[]): Promise<void> {
    const from = source(name)
    const to = `${this.#cache}/${product}`
    if (existsSync(to) && statSync(to).mtimeMs >= statSync(from).mtimeMs) return
    await runProgram(command(from, to))
  }

  /** Resolves when the broker has answered ApiVersions for the first time. */
  async firstAnswer(address: string, signal: AbortSignal): Promise<void> {
    await runProgram([`${this.#cache}/kload`, 'ping', address], { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }

  /** Both sides with real-time priority while `act` runs; calls may lie inside each other. */
  async together<T>(broker: Broker, act: () => Promise<T>): Promise<T> {
    if (this.realtime && this.#inRealtime++ === 0) await setRealtime(broker.pid, true)
    try {
      return await act()
    } finally {
      if (this.realtime && --this.#inRealtime === 0) await setRealtime(broker.pid, false)
    }
  }

  /** Runs a client against the broker and answers what it printed, with the processor time that the broker spent on it. */
  client(broker: Broker, command: readonly string[]): Promise<{ printed: string; cpuSeconds: number }> {
    return this.together(broker, async () => {
      const before = cpuSeconds(broker.pid)
      const printed = await runProgram([...(this.realtime ? REALTIME_PREFIX : []), ...command])
      return { printed, cpuSeconds: cpuSeconds(broker.pid) - before }
    })
  }

  async kload(broker: Broker, mode: string, words: readonly (string | number)[]): Promise<string> {
    const command = [`${this.#cache}/kload`, mode, broker.address, '-P', String(broker.pid), ...words.map(String)]
    return (await this.client(broker, command)).printed
  }

  async produce(broker: Broker, words: readonly (string | number)[]): Promise<Throughput> {
    return throughputOf(await this.kload(broker, 'produce', words))
  }

  async fetch(broker: Broker, words: readonly (string | number)[]): Promise<Throughput> {
    // minimum bytes 0: at the end of the log it goes back to the start without waiting
    return throughputOf(await this.kload(broker, 'fetch', ['-w', 0, ...words]))
  }

  async endToEnd(broker: Broker, words: readonly (string | number)[]): Promise<Latency> {
    return latencyOf(await this.kload(broker, 'e2e', words))
  }

  async deleteTopic(broker: Broker, topic: string): Promise<void> {
    await runProgram([`${this.#cache}/kload`, 'delete', broker.address, '-t', topic])
  }

  /** A Java program on Kafka's libraries: a tool of Kafka, or one of `clients/`. */
  java(mainClass: string, words: readonly string[]): string[] {
    return [...javaOptions(`${this.#libraries}:${this.#cache}`, '512m'), mainClass, ...words]
  }

  rdkafka(words: readonly (string | number)[]): string[] {
    return [`${this.#cache}/rdkafka-load`, ...words.map(String)]
  }
}

/** The number that the first bracket of `pattern` finds; throws where a program printed something else than expected. */
export function numberIn(printed: string, pattern: RegExp): number {
  const found = Number(pattern.exec(printed)?.[1])
  if (Number.isNaN(found)) throw new Error(`there is no ${pattern} in: ${printed}`)
  return found
}

export function throughputOf(printed: string): Throughput {
  return {
    megabytesPerSecond: numberIn(printed, /([\d.]+) MB\/s/),
    requestsPerSecond: numberIn(printed, /([\d.]+) req\/s/),
    cpuSecondsPerGb: numberIn(printed, /([\d.]+) s\/GB/),
    cpuMicrosPerRequest: numberIn(printed, /([\d.]+) us\/req/),
    clientCpuSeconds: numberIn(printed, /client cpu ([\d.]+) s/),
  }
}

export function latencyOf(printed: string): Latency {
  const [due, arrived] = [numberIn(printed, /of (\d+),/), numberIn(printed, /got (\d+)/)]
  if (arrived < due) throw new Error(`${due - arrived} of ${due} records did not arrive in time`)
  return { p50Ms: numberIn(printed, /p50 ([\d.]+)/), p99Ms: numberIn(printed, /p99 ([\d.]+)/) }
}
