import assert from 'node:assert/strict'
import type { Clock, Disk, File, Logger, Loop } from '@ottla/env'
import { batchStartsAfter, decodeEntry, entryEnd, type LogEntry } from './log-entry.ts'
import { readWhole } from './whole-file.ts'

/** Each segment begins with it: a mark and the version of the format. */
export const HEADER = Buffer.from('OTLG\0\0\0\x01', 'latin1')
const NAME = /^entries\.([0-9a-f]{16})$/

/** The log can't be opened, or can't go on: the sentence says what to do. */
export class LogError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'LogError'
  }
}

export interface Segment {
  readonly path: string
  readonly firstIndex: number
}

export interface LogEnv {
  readonly clock: Clock
  readonly disk: Disk
  readonly loop: Loop
  readonly log: Logger
}

export interface Recovered {
  readonly segments: Segment[]
  readonly file: File | null
  readonly end: number
  readonly lastIndex: number
  readonly lastTerm: number
}

/** Reads what is there, once, at the start. */
export class Recovery {
  readonly #env: LogEnv
  readonly #directory: string
  readonly #after: number
  readonly #visit: (entry: LogEntry) => void
  #lastIndex: number
  #lastTerm: number

  constructor(env: LogEnv, directory: string, after: { index: number; term: number }, visit: (entry: LogEntry) => void) {
    this.#env = env
    this.#directory = directory
    this.#after = after.index
    this.#visit = visit
    this.#lastIndex = after.index
    this.#lastTerm = after.term
  }

  async run(): Promise<Recovered> {
    const segments = await listSegments(this.#env.disk, this.#directory)
    // All but the last segment that begins at or before the first entry wanted are history.
    let from = segments.findLastIndex((segment) => segment.firstIndex <= this.#after + 1)
    if (from < 0) {
      const first = segments[0]
      if (first !== undefined) throw this.#missing(this.#after + 1, first.firstIndex - 1)
      from = 0
    }
    let end = 0
    let next = 0
    for (let at = from; at < segments.length; at++) {
      const segment = segments[at]!
      if (at > from && segment.firstIndex !== this.#lastIndex + 1) throw this.#missing(this.#lastIndex + 1, segment.firstIndex - 1)
      ;({ end, next } = await this.#read(segment, at === segments.length - 1))
    }
    const last = segments.at(-1)
    // A log that ends before its snapshot does goes on in a new segment, behind the snapshot.
    const file = last !== undefined && next === this.#lastIndex + 1 ? this.#env.disk.open(last.path, 'write') : null
    // A program that was killed may have left what is in the page cache only: it counts from now on, so it must last.
    if (file !== null) await Promise.all([file.sync(), this.#env.disk.syncDirectory(this.#directory)])
    return { segments, file, end, lastIndex: this.#lastIndex, lastTerm: this.#lastTerm }
  }

  /** Where the segment's good entries end, and the index that comes next. */
  async #read(segment: Segment, isLast: boolean): Promise<{ end: number; next: number }> {
    const file = this.#env.disk.open(segment.path, 'read')
    const bytes = await readWhole(file).finally(() => file.close())
    const header = bytes.subarray(0, HEADER.length)
    if (!header.equals(HEADER)) {
      const unwritten = header.length < HEADER.length || isZero(header)
      if (isLast && unwritten && !batchStartsAfter(bytes, HEADER.length, segment.firstIndex)) {
        return { end: await this.#cut(segment, bytes, 0), next: segment.firstIndex }
      }
      throw new LogError(`${segment.path} is not a log of this version; restore it from a backup`)
    }
    let index = segment.firstIndex
    let at = HEADER.length
    while (at < bytes.length) {
      const end = entryEnd(bytes, at)
      if (end === -1) break
      const entry = decodeEntry(bytes, at, end)
      if (entry.index !== index) {
        throw new LogError(`${segment.path} has entry ${entry.index} at ${at} in the place of ${index}; restore it from a backup`)
      }
      if (index > this.#after) this.#take(entry)
      index++
      at = end
    }
    if (at === bytes.length) return { end: at, next: index }
    if (!isLast || batchStartsAfter(bytes, at, index)) {
      throw new LogError(`${segment.path} is damaged at ${at}, in entry ${index}, and not at its end; restore it from a backup`)
    }
    return { end: await this.#cut(segment, bytes, at), next: index }
  }

  #take(entry: LogEntry): void {
    assert(entry.index === this.#lastIndex + 1 && entry.term >= this.#lastTerm, `entry ${entry.index} of term ${entry.term} out of order`)
    this.#visit(entry)
    this.#lastIndex = entry.index
    this.#lastTerm = entry.term
  }

  /** What was being written when the world stopped was never answered. It is kept beside, for whoever wants to look. */
  async #cut(segment: Segment, bytes: Buffer, at: number): Promise<number> {
    const { disk, log } = this.#env
    const tail = bytes.subarray(at)
    if (!isZero(tail)) {
      const path = `${segment.path}.torn-${at}`
      await disk.remove(path)
      const aside = disk.open(path, 'create')
      await aside.writeLater(0, [tail], true).finally(() => aside.close())
      log.warn('The log ended inside an entry that was never answered; it is moved aside', { path, bytes: tail.length })
    }
    const file = disk.open(segment.path, 'write')
    try {
      await file.truncate(at)
      if (at < HEADER.length) await file.writeLater(0, [HEADER], false)
      await file.sync()
    } finally {
      file.close()
    }
    await disk.syncDirectory(this.#directory)
    return Math.max(at, HEADER.length)
  }

  #missing(from: number, to: number): LogError {
    return new LogError(`the log in ${this.#directory} lacks the entries ${from} to ${to}; restore the directory from a backup`)
  }
}

/** The segments in `directory`, oldest first. */
export async function listSegments(disk: Disk, directory: string): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const entry of await disk.list(directory)) {
    const match = NAME.exec(entry.name)
    if (match !== null) segments.push({ path: `${directory}/${entry.name}`, firstIndex: Number.parseInt(match[1]!, 16) })
  }
  return segments.toSorted((a, b) => a.firstIndex - b.firstIndex)
}

/** Where in the segment the entry `index` ends; one before its first: where that begins. */
export async function endOfEntry(disk: Disk, segment: Segment, index: number): Promise<number> {
  const file = disk.open(segment.path, 'read')
  const bytes = await readWhole(file).finally(() => file.close())
  let end = HEADER.length
  for (let at = segment.firstIndex; at <= index; at++) {
    end = entryEnd(bytes, end)
    assert(end !== -1, `${segment.path} has no whole entry ${at}`)
  }
  return end
}

export function segmentPath(directory: string, firstIndex: number): string {
  return `${directory}/entries.${firstIndex.toString(16).padStart(16, '0')}`
}

function isZero(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0) return false
  return true
}
