import { EnvError, type Disk, type Logger } from '@ottla/env'
import { writeChunks, writeWhole } from '@ottla/env/files'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'
import { DataTree, type FrozenTree } from './tree.ts'
import { readWhole } from './whole-file.ts'

/** What a snapshot does not say itself: where in the log it stands. `attributes` belong to layers above (membership, secrets). */
export interface SnapshotPlace {
  readonly index: number
  readonly term: number
  readonly attributes: Readonly<Record<string, string>>
}

export interface LoadedSnapshot extends SnapshotPlace {
  readonly tree: DataTree
  /** How many newer ones could not be read. */
  readonly damagedCount: number
}

const KEPT_COUNT = 3
const NAME = /^snapshot\.([0-9a-f]{1,16})$/
const META = '.meta'
/** Behind the name of one that is being written (`writeChunks`). */
const TEMPORARY = '.tmp'
const BEGINNING: SnapshotPlace = { index: 0, term: 0, attributes: {} }

/** The files `snapshot.<zxid>` (ZooKeeper's form) and `snapshot.<zxid>.meta` (JSON) of a directory. */
export class SnapshotFiles {
  readonly #disk: Disk
  readonly #log: Logger
  readonly #directory: string

  constructor(env: { disk: Disk; log: Logger }, directory: string) {
    this.#disk = env.disk
    this.#log = env.log
    this.#directory = directory
  }

  /** The newest that is whole, or an empty tree where there is none. */
  async load(): Promise<LoadedSnapshot> {
    let damagedCount = 0
    for (const zxid of (await this.#list()).toReversed()) {
      try {
        const place = readPlace(await this.#read(this.#path(zxid) + META))
        return { ...place, tree: decodeSnapshot(await this.#read(this.#path(zxid)), zxid), damagedCount }
      } catch (error) {
        if (error instanceof EnvError && error.code !== 'not-found') throw error
        damagedCount++
        this.#log.warn('A snapshot can not be read; the one before it is taken', { path: this.#path(zxid), error })
      }
    }
    return { ...BEGINNING, tree: new DataTree(), damagedCount }
  }

  /** Writes both files so that a crash leaves the whole of them or nothing, and removes all but the newest three. */
  async write(tree: FrozenTree, place: SnapshotPlace): Promise<void> {
    const path = this.#path(tree.lastZxid)
    const meta = Buffer.from(`${JSON.stringify({ version: 1, zxid: tree.lastZxid, ...place })}\n`)
    await writeWhole(this.#disk, path + META, meta)
    await writeChunks(this.#disk, path, encodeSnapshot(tree))
    await this.#prune()
  }

  /** Up to which entry the oldest snapshot goes: the log before it is of no more use. 0 while there are fewer than are kept. */
  async oldestIndex(): Promise<number> {
    const zxids = await this.#list()
    if (zxids.length < KEPT_COUNT) return 0
    for (const zxid of zxids) {
      try {
        return readPlace(await this.#read(this.#path(zxid) + META)).index
      } catch (error) {
        if (error instanceof EnvError && error.code !== 'not-found') throw error
      }
    }
    return 0
  }

  /** Whether there is any, good or not. */
  async any(): Promise<boolean> {
    return (await this.#list()).length > 0
  }

  /** Zxids, oldest first. */
  async #list(): Promise<number[]> {
    const zxids: number[] = []
    for (const { name } of await this.#disk.list(this.#directory)) {
      const match = NAME.exec(name)
      if (match !== null) zxids.push(Number.parseInt(match[1]!, 16))
    }
    return zxids.toSorted((a, b) => a - b)
  }

  async #read(path: string): Promise<Buffer> {
    const file = this.#disk.open(path, 'read')
    return readWhole(file).finally(() => file.close())
  }

  /** Also removes what a crash left half done. */
  async #prune(): Promise<void> {
    const kept = new Set((await this.#list()).slice(-KEPT_COUNT).map((zxid) => nameOf(zxid)))
    for (const { name } of await this.#disk.list(this.#directory)) {
      if (!name.startsWith('snapshot.')) continue
      const isTemporary = name.endsWith(TEMPORARY)
      if (isTemporary || !kept.has(name.replace(META, ''))) await this.#disk.remove(`${this.#directory}/${name}`)
    }
    await this.#disk.syncDirectory(this.#directory)
  }

  #path(zxid: number): string {
    return `${this.#directory}/${nameOf(zxid)}`
  }
}

function nameOf(zxid: number): string {
  return `snapshot.${zxid.toString(16)}`
}

function readPlace(bytes: Buffer): SnapshotPlace {
  const { version, index, term, attributes } = JSON.parse(bytes.toString()) as SnapshotPlace & { version: number }
  if (version !== 1 || !Number.isSafeInteger(index) || !Number.isSafeInteger(term)) throw new SyntaxError('not the side file of a snapshot')
  return { index, term, attributes: attributes ?? {} }
}
