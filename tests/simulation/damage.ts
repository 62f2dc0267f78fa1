/** Decay and loss of single files of a server at rest: which, where, and what may come of it. */
import type { Dice, SimDisk } from '@ottla/env/sim'
import { recordBatch } from '@ottla/protocol'
import { LOG_DIRECTORY } from './stage.ts'

/** What a start may make of it; all that is not allowed here is to be as before. */
export interface Damage {
  readonly what: string
  readonly path: string
  /** What the file was. */
  readonly before: Buffer
  /** The topics whose partition may be offline, or be cut (`mayCut`), or answer reads of a damaged batch with an error. */
  readonly topics: readonly string[]
  readonly mayCut: boolean
  /** Nothing else will do. */
  readonly mustBeOffline: boolean
  /** The start may be refused with such words. */
  readonly refusal: RegExp | null
  /** A topic may be unknown: what the broker says of its directory. */
  readonly stranger: RegExp | null
}

type How = 'lost' | 'flipped' | 'stale'

interface DamagedFile {
  readonly name: string
  readonly path: RegExp
  readonly ways: readonly How[]
  /** Whose partitions may be offline for it. */
  readonly topics: 'none' | 'its own' | 'all'
  readonly refusal?: RegExp
  readonly stranger?: RegExp
}

const ALL_WAYS: readonly How[] = ['lost', 'flipped', 'stale']
const SOME_WAYS: readonly How[] = ['lost', 'flipped']

const FILES: readonly DamagedFile[] = [
  { name: 'offset index', path: /\.index$/, ways: SOME_WAYS, topics: 'none' },
  { name: 'time index', path: /\.timeindex$/, ways: SOME_WAYS, topics: 'none' },
  { name: 'producer snapshot', path: /\.snapshot$/, ways: SOME_WAYS, topics: 'none' },
  // a text without a checksum: by an epoch that is another one a consumer is told that the log was cut, and says so
  { name: 'leader epochs', path: /leader-epoch-checkpoint$/, ways: ALL_WAYS, topics: 'its own' },
  { name: 'partition metadata', path: /partition\.metadata$/, ways: SOME_WAYS, topics: 'its own' },
  { name: 'high watermarks', path: /replication-offset-checkpoint$/, ways: ALL_WAYS, topics: 'none' },
  // a text without a checksum: a digit that is another one may say that more was synced than there is
  { name: 'recovery points', path: /recovery-point-offset-checkpoint$/, ways: ALL_WAYS, topics: 'all' },
  { name: 'log starts', path: /log-start-offset-checkpoint$/, ways: ALL_WAYS, topics: 'none' },
  { name: 'cleaned offsets', path: /cleaner-offset-checkpoint$/, ways: ALL_WAYS, topics: 'none' },
  { name: 'meta.properties', path: /meta\.properties$/, ways: ALL_WAYS, topics: 'none', refusal: /meta\.properties/ },
  {
    name: 'snapshot of the keeper',
    path: /keeper\/.*snapshot\.[0-9a-f]+(\.meta)?$/,
    ways: SOME_WAYS,
    topics: 'none',
    refusal: /restore|meta\.properties/,
  },
  {
    name: 'log of the keeper',
    path: /keeper\/.*entries\.[0-9a-f]+$/,
    ways: SOME_WAYS,
    topics: 'none',
    refusal: /restore|meta\.properties/,
    stranger: /belongs to no topic of this cluster; it is left as it is/,
  },
]

export interface Scene {
  readonly disk: SimDisk
  readonly dice: Dice
  readonly topics: readonly string[]
  /** The server was stopped in good order. */
  readonly isClean: boolean
  /** What a file that is replaced whole was before, oldest first. */
  older(path: string): readonly Buffer[]
}

/** Does some damage to the topics' files, or to those of the whole server; null where there was nothing to damage. */
export function damage(scene: Scene): Damage | null {
  const { disk, dice, topics } = scene
  if (dice.below(4) === 0) return flipRecord(scene, topics[dice.below(topics.length)]!)
  const file = FILES[dice.below(FILES.length)]!
  const how = file.ways[dice.below(file.ways.length)]!
  const paths = disk.paths().filter((path) => file.path.test(path) && isOurs(path, topics))
  const path = paths[dice.below(paths.length)]
  if (path === undefined) return null
  const before = Buffer.from(disk.peek(path)!)
  if (how === 'lost') disk.lose(path)
  else if (how === 'stale') {
    const versions = scene.older(path).filter((bytes) => !bytes.equals(before))
    if (versions.length === 0) return null
    disk.replace(path, versions[dice.below(versions.length)]!)
  } else if (before.length === 0) return null
  else disk.flipBit(path, dice.below(before.length), dice.below(8))
  const own = topicOf(path, topics)
  return {
    what: `${file.name} ${how}`,
    path,
    before,
    topics: file.topics === 'all' ? topics : file.topics === 'its own' && own !== undefined ? [own] : [],
    mayCut: false,
    mustBeOffline: false,
    refusal: file.refusal ?? null,
    stranger: file.stranger ?? null,
  }
}

/** Of one of the topics, or no partition's at all. */
function isOurs(path: string, topics: readonly string[]): boolean {
  return !/-\d+\/[^/]+$/.test(path) || topicOf(path, topics) !== undefined
}

function topicOf(path: string, topics: readonly string[]): string | undefined {
  return topics.find((topic) => path.includes(`/${topic}-0/`))
}

/** A look-up goes by it, and no checksum is asked: as in Kafka, the batch may be taken for one that lies before what is read. */
const LAST_OFFSET_DELTA = 23

/** One bit of one batch, where its checksum tells. */
function flipRecord({ disk, dice, isClean }: Scene, topic: string): Damage | null {
  const directory = `${LOG_DIRECTORY}/${topic}-0/`
  const logs = disk.paths().filter((path) => path.startsWith(directory) && path.endsWith('.log'))
  const batches = logs.flatMap((path) => batchesOf(disk, path))
  const batch = batches[dice.below(batches.length)]
  if (batch === undefined) return null
  const drawn = 16 + dice.below(batch.sizeBytes - 20)
  const at = drawn < LAST_OFFSET_DELTA ? drawn : drawn + 4
  const before = Buffer.from(disk.peek(batch.path)!)
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
    path: batch.path,
    before,
    topics: [topic],
    mayCut: !isClean && !isBelow,
    mustBeOffline: isBelow && isRead,
    refusal: null,
    stranger: null,
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
