import type { Disk } from '@ottla/env'
import { openIfThere, writeWhole } from '@ottla/env/files'
import { ZERO_UUID } from '@ottla/wire'
import type { LeaderEpoch } from './leader-epochs.ts'

/** A file of ours that doesn't read as it should. Says which file, and for a text file which line (from 1). */
export class CorruptFileError extends Error {
  readonly path: string
  readonly line: number | null
  constructor(path: string, line: number | null, what: string) {
    super(`${path}${line === null ? '' : `, line ${line}`}: ${what}`)
    this.name = 'CorruptFileError'
    this.path = path
    this.line = line
  }
}

/** Far above any checkpoint: a producer snapshot of a million producers is 46 MB. */
const WHOLE_BYTES_MAX = 256 * 1024 * 1024
const CHECKPOINT_VERSION = 0

/** All bytes of a small file; null where there is none. Throws CorruptFileError above 256 MiB. */
export async function readWhole(disk: Disk, path: string): Promise<Buffer | null> {
  const file = openIfThere(disk, path)
  if (file === null) return null
  try {
    const size = file.sizeBytes()
    if (size > WHOLE_BYTES_MAX) throw new CorruptFileError(path, null, `${size} bytes, but at most ${WHOLE_BYTES_MAX} make sense`)
    const bytes = Buffer.allocUnsafe(size)
    let filled = 0
    while (filled < size) {
      const got = await file.readLater(filled, bytes.subarray(filled))
      if (got <= 0) break
      filled += got
    }
    return bytes.subarray(0, filled)
  } finally {
    file.close()
  }
}

/** Reads `recovery-point-offset-checkpoint` and its like: offset by `<topic>-<partition>`; empty where there is no file. */
export async function readOffsetCheckpoint(disk: Disk, path: string): Promise<Map<string, number>> {
  const offsets = new Map<string, number>()
  await readCheckpoint(disk, path, 3, ([topic, partition, offset], line) => {
    const key = `${topic}-${wholeNumber(path, line, partition, 'partition')}`
    if (offsets.has(key)) throw new CorruptFileError(path, line, `${key} stands here twice`)
    offsets.set(key, wholeNumber(path, line, offset, 'offset'))
  })
  return offsets
}

/** Writes such a file, whole and durably. Keys are `<topic>-<partition>`. */
export async function writeOffsetCheckpoint(disk: Disk, path: string, entries: ReadonlyMap<string, number>): Promise<void> {
  const lines: string[] = []
  for (const [key, offset] of entries) {
    const dash = key.lastIndexOf('-')
    lines.push(`${key.slice(0, dash)} ${key.slice(dash + 1)} ${offset}`)
  }
  await writeCheckpoint(disk, path, lines)
}

/** Reads a `leader-epoch-checkpoint`, oldest first; empty where there is no file. */
export async function readLeaderEpochs(disk: Disk, path: string): Promise<LeaderEpoch[]> {
  const entries: LeaderEpoch[] = []
  await readCheckpoint(disk, path, 2, ([epochText, offsetText], line) => {
    const epoch = wholeNumber(path, line, epochText, 'epoch')
    const startOffset = wholeNumber(path, line, offsetText, 'start offset')
    const last = entries.at(-1)
    if (last !== undefined && (epoch <= last.epoch || startOffset < last.startOffset)) {
      throw new CorruptFileError(path, line, `epoch ${epoch} at ${startOffset} doesn't follow epoch ${last.epoch} at ${last.startOffset}`)
    }
    entries.push({ epoch, startOffset })
  })
  return entries
}

/** Writes a `leader-epoch-checkpoint`, whole and durably. */
export async function writeLeaderEpochs(disk: Disk, path: string, entries: readonly LeaderEpoch[]): Promise<void> {
  await writeCheckpoint(
    disk,
    path,
    entries.map((entry) => `${entry.epoch} ${entry.startOffset}`),
  )
}

/** The topic id (22 characters of base64url) in a `partition.metadata`; null where there is no file or the id is zero. */
export async function readPartitionMetadata(disk: Disk, path: string): Promise<string | null> {
  const text = (await readWhole(disk, path))?.toString('utf8')
  if (text === undefined) return null
  const [version, id] = text.split('\n')
  if (version !== 'version: 0') throw new CorruptFileError(path, 1, `expected 'version: 0', found ${quoted(version)}`)
  const topicId = /^topic_id: ([A-Za-z0-9_-]{22})$/.exec(id ?? '')?.[1]
  if (topicId === undefined) throw new CorruptFileError(path, 2, `expected 'topic_id: <22 characters>', found ${quoted(id)}`)
  return topicId === ZERO_UUID ? null : topicId
}

/** Writes a `partition.metadata`, whole and durably. */
export async function writePartitionMetadata(disk: Disk, path: string, topicId: string): Promise<void> {
  await writeWhole(disk, path, Buffer.from(`version: 0\ntopic_id: ${topicId}`))
}

async function writeCheckpoint(disk: Disk, path: string, lines: readonly string[]): Promise<void> {
  const body = lines.length === 0 ? '' : `${lines.join('\n')}\n`
  await writeWhole(disk, path, Buffer.from(`${CHECKPOINT_VERSION}\n${lines.length}\n${body}`))
}

type OnLine = (words: string[], line: number) => void

/** Kafka's text form: version, count, then that many lines of `wordCount` words. */
async function readCheckpoint(disk: Disk, path: string, wordCount: number, onLine: OnLine): Promise<void> {
  const text = (await readWhole(disk, path))?.toString('utf8')
  if (text === undefined) return
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const version = wholeNumber(path, 1, lines[0], 'version')
  if (version !== CHECKPOINT_VERSION) throw new CorruptFileError(path, 1, `version ${version}; only version 0 is known`)
  const count = wholeNumber(path, 2, lines[1], 'number of entries')
  if (count !== lines.length - 2) throw new CorruptFileError(path, 2, `says ${count} entries, but there are ${lines.length - 2}`)
  for (let at = 2; at < lines.length; at++) {
    const words = lines[at]!.trim().split(/\s+/)
    if (words.length !== wordCount) throw new CorruptFileError(path, at + 1, `expected ${wordCount} words, found ${quoted(lines[at])}`)
    onLine(words, at + 1)
  }
}

function wholeNumber(path: string, line: number, text: string | undefined, what: string): number {
  const value = /^\d{1,19}$/.test(text ?? '') ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new CorruptFileError(path, line, `expected the ${what}, found ${quoted(text)}`)
  return value
}

function quoted(text: string | undefined): string {
  return text === undefined ? 'the end of the file' : `'${text.slice(0, 80)}'`
}
