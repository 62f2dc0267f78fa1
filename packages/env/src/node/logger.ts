import fs from 'node:fs'
import { createRequire } from 'node:module'
import type { Logger } from '../env.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
/** A file descriptor, the path of a file, or whoever takes whole lines. */
export type LogSink = number | string | { write(line: string): void }

type Level = Exclude<LogLevel, 'silent'>
export interface Line {
  readonly level: Level
  readonly message: string
  readonly facts: object | undefined
  readonly timeMs: number
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 }
/** Loading pino takes 13 ms: after the start, unless something is wrong. */
const LOAD_DELAY_MS = 250
const STDERR = 2

export class NodeLogger implements Logger {
  readonly #rank: number
  readonly #sink: LogSink
  readonly #text: boolean
  #waiting: Line[] = []
  #writeJson: ((line: Line) => void) | null = null
  readonly #load = (): void => this.#loadPino()

  /** A terminal gets text, all else one JSON object a line. */
  constructor(level: LogLevel, sink: LogSink = STDERR) {
    this.#rank = RANK[level]
    this.#sink = sink
    this.#text = sink === STDERR && process.stderr.isTTY === true
  }

  debug(message: string, facts?: object): void {
    if (this.#rank <= RANK.debug) this.#write('debug', message, facts)
  }

  info(message: string, facts?: object): void {
    if (this.#rank <= RANK.info) this.#write('info', message, facts)
  }

  warn(message: string, facts?: object): void {
    if (this.#rank <= RANK.warn) this.#write('warn', message, facts)
  }

  error(message: string, facts?: object): void {
    if (this.#rank <= RANK.error) this.#write('error', message, facts)
  }

  #write(level: Level, message: string, facts: object | undefined): void {
    const line = { level, message, facts, timeMs: Date.now() }
    if (this.#text) fs.writeSync(STDERR, textOf(line))
    else if (this.#writeJson !== null) this.#writeJson(line)
    else this.#wait(line)
  }

  #wait(line: Line): void {
    this.#waiting.push(line)
    if (this.#waiting.length === 1) {
      setTimeout(this.#load, LOAD_DELAY_MS).unref()
      process.once('exit', this.#load)
    }
    if (RANK[line.level] >= RANK.warn) this.#loadPino()
  }

  #loadPino(): void {
    process.off('exit', this.#load)
    if (this.#writeJson !== null) return
    this.#writeJson = jsonWriter(this.#sink)
    const waiting = this.#waiting
    this.#waiting = []
    for (const line of waiting) this.#writeJson(line)
  }
}

function jsonWriter(sink: LogSink): (line: Line) => void {
  const { pino, stdSerializers } = createRequire(import.meta.url)('pino') as typeof import('pino')
  const destination = typeof sink === 'object' ? sink : pino.destination({ dest: sink, sync: true })
  const logger = pino(
    {
      level: 'debug',
      base: null,
      messageKey: 'message',
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    destination,
  )
  return ({ level, message, facts, timeMs }) => logger[level]({ time: new Date(timeMs).toISOString(), ...facts }, message)
}

/** One line for a terminal: the time, the sentence, the facts. */
export function textOf({ level, message, facts, timeMs }: Line): string {
  let text = `${new Date(timeMs).toISOString()} ${level.toUpperCase().padEnd(5)} ${message}`
  for (const [name, value] of Object.entries(facts ?? {})) text += ` ${name}=${valueText(value)}`
  return `${text.replaceAll('\n', '\\n')}\n`
}

function valueText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message)
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value
  if (typeof value === 'bigint') return String(value)
  return JSON.stringify(value) ?? String(value)
}
