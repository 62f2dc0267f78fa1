/** Decay and loss of single files of a server at rest: which, where, and what may come of it. */
import type { Dice, SimDisk } from '@ottla/env/sim'
import { recordBatch } from '@ottla/protocol'
import { LOG_DIRECTORY } from './stage.ts'

/** What a start may make of it. */
export interface Damage {
  readonly what: string
  /** The topic whose partition may be offline, or be cut (`mayCut`), or answer reads of a damaged batch with an error; null: none may. */
  readonly topic: string | null
  readonly mayCut: boolean
  /** Nothing else will do. */
  readonly mustBeOffline: boolean
}

const DERIVED: readonly (readonly [name: string, path: RegExp])[] = [
  ['offset index', /\.index$/],
  ['time index', /\.timeindex$/],
  ['producer snapshot', /\.snapshot$/],
  ['leader epochs', /leader-epoch-checkpoint$/],
  ['high watermarks', /replication-offset-checkpoint$/],
  ['partition metadata', /partition\.metadata$/],
]

/** Does some damage to the topics' files; null where there was nothing to damage. `isClean`: the server was stopped in good order. */
export function damage(disk: SimDisk, dice: Dice, topics: readonly string[], isClean: boolean): Damage | null {
  const kind = dice.below(3)
  if (kind === 0) return flipRecord(disk, dice, topics[dice.below(topics.length)]!, isClean)
  const [name, fits] = DERIVED[dice.below(DERIVED.length)]!
  const paths = disk.paths().filter((path) => path.startsWith(LOG_DIRECTORY) && fits.test(path) && topicOf(path, topics) !== undefined)
  const path = paths[dice.below(paths.length)]
  if (path === undefined) return null
  const topic = /metadata/.test(name) ? topicOf(path, topics)! : null
  // the epochs are a text without a checksum: a flipped digit is another truth, in Kafka's as well
  if (kind === 1 || name === 'leader epochs') {
    disk.lose(path)
    return { what: `${name} lost`, topic, mayCut: false, mustBeOffline: false }
  }
  const size = disk.peek(path)!.length
  if (size === 0) return null
  disk.flipBit(path, dice.below(size), dice.below(8))
  return { what: `${name} flipped`, topic, mayCut: false, mustBeOffline: false }
}

function topicOf(path: string, topics: readonly string[]): string | undefined {
  return path.endsWith('replication-offset-checkpoint') ? '' : topics.find((topic) => path.includes(`/${topic}-0/`))
}

/** A look-up goes by it, and no checksum is asked: as in Kafka, the batch may be taken for one that lies before what is read. */
const LAST_OFFSET_DELTA = 23

/** One bit of one batch, where its checksum tells. */
function flipRecord(disk: SimDisk, dice: Dice, topic: string, isClean: boolean): Damage | null {
  const directory = `${LOG_DIRECTORY}/${topic}-0/`
  const logs = disk.paths().filter((path) => path.startsWith(directory) && path.endsWith('.log'))
  const batches = logs.flatMap((path) => batchesOf(disk, path))
  const batch = batches[dice.below(batches.length)]
  if (batch === undefined) return null
  const drawn = 16 + dice.below(batch.sizeBytes - 20)
  const at = drawn < LAST_OFFSET_DELTA ? drawn : drawn + 4
  disk.flipBit(batch.path, batch.position + at, dice.below(8))
  const recoveryPoint = recoveryPointOf(disk, topic)
  const isBelow = batch.baseOffset < recoveryPoint
  // recovery reads from the producer snapshot on that the recovery point has in its segment, or from that segment's base
  const segment = segmentOf(logs, recoveryPoint)
  const isRead = !isClean && batch.path >= segment && batch.baseOffset >= snapshotBefore(disk, directory, recoveryPoint)
  const where = isBelow
    ? isRead
      ? 'below the recovery point, where recovery reads'
      : 'below the recovery point'
    : 'above the recovery point'
  return {
    what: `record flipped ${where}${isClean ? ', after a clean stop' : ''}`,
    topic,
    mayCut: !isClean && !isBelow,
    mustBeOffline: isBelow && isRead,
  }
}

interface StoredBatch {
  readonly path: string
  readonly position: number
  readonly sizeBytes: number
  readonly baseOffset: number
}

function batchesOf(disk: SimDisk, path: string): StoredBatch[] {
  const bytes = disk.peek(path)!
  const found: StoredBatch[] = []
  for (let position = 0; position + recordBatch.BATCH_HEADER_BYTES <= bytes.length;) {
    const sizeBytes = recordBatch.sizeBytes(bytes, position)
    if (sizeBytes < recordBatch.BATCH_HEADER_BYTES || position + sizeBytes > bytes.length) break
    found.push({ path, position, sizeBytes, baseOffset: recordBatch.baseOffset(bytes, position) })
    position += sizeBytes
  }
  return found
}

function segmentOf(logs: readonly string[], offset: number): string {
  return logs.toSorted().findLast((path) => Number(path.slice(-24, -4)) <= offset) ?? ''
}

function snapshotBefore(disk: SimDisk, directory: string, offset: number): number {
  const snapshots = disk.paths().filter((path) => path.startsWith(directory) && path.endsWith('.snapshot'))
  return Math.max(0, ...snapshots.map((path) => Number(path.slice(-29, -9))).filter((each) => each <= offset))
}

function recoveryPointOf(disk: SimDisk, topic: string): number {
  const text = String(disk.peek(`${LOG_DIRECTORY}/recovery-point-offset-checkpoint`) ?? '')
  return Number(new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}
