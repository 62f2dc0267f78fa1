import type { Disk, Logger } from '@ottla/env'
import { isNotFound } from '@ottla/env/files'
import { ZooKeeperError, type TreeReader } from '@ottla/zookeeper'
import { readEntryTxn } from './entry-txn.ts'
import { decodeEntry, ENTRY_KIND, entryEnd, nextEntry, startsBatch, type LogEntry } from './log-entry.ts'
import { HEADER, listSegments } from './log-recovery.ts'
import { SnapshotFiles } from './snapshot-files.ts'
import type { DataTree } from './tree.ts'
import { readWhole } from './whole-file.ts'
import { statOf } from './znode.ts'
import { epochOf } from './zxid.ts'

/** What a keeper's directory still gives. */
export interface Salvaged extends TreeReader {
  /** The last transaction that the tree has. */
  readonly lastZxid: number
  /** What `openKeeper` would not get over, as a sentence; null: nothing. */
  readonly damage: string | null
  /** The last transaction seen behind the damage: those after `lastZxid` up to it are lost, and maybe more. Null: none is seen. */
  readonly lostZxid: number | null
  /** Writes the tree into another, empty directory, such that a keeper goes on from it, in an epoch above all that there was. */
  writeTo(directory: string): Promise<void>
}

/** Whether a keeper has ever written into `directory`. */
export async function hasTree(env: { disk: Disk; log: Logger }, directory: string): Promise<boolean> {
  try {
    return (await listSegments(env.disk, directory)).length > 0 || (await new SnapshotFiles(env, directory).any())
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/**
 * Reads a keeper's directory as far as it can be read, and changes nothing in it: the newest snapshot that is whole, and the log behind it up
 * to the first entry that is not. Damage below the snapshot loses nothing.
 */
export async function salvage(env: { disk: Disk; log: Logger }, directory: string): Promise<Salvaged> {
  const { tree, index, term, damagedCount, attributes } = await new SnapshotFiles(env, directory).load()
  const reading = new SalvagedLog(tree, index, term)
  if (damagedCount > 0 && index === 0) reading.damaged(`no snapshot in ${directory} can be read`)
  const segments = await listSegments(env.disk, directory)
  const from = Math.max(
    0,
    segments.findLastIndex(({ firstIndex }) => firstIndex <= index + 1),
  )
  for (const segment of segments.slice(from)) {
    const file = env.disk.open(segment.path, 'read')
    const bytes = await readWhole(file).finally(() => file.close())
    reading.segment(segment.path, bytes, segment.firstIndex, segment === segments.at(-1))
  }
  return {
    lastZxid: tree.lastZxid,
    damage: reading.damage,
    lostZxid: reading.lostZxid,
    getData: async (path) => {
      const node = nodeOf(tree, path)
      return { data: node.data, stat: statOf(node) }
    },
    getChildren: async (path) => {
      const node = nodeOf(tree, path)
      return { children: [...(node.children ?? [])], stat: statOf(node) }
    },
    writeTo: (other) => {
      const place = { index: reading.index, term: Math.max(reading.term, epochOf(reading.lostZxid ?? tree.lastZxid)) + 1, attributes }
      return new SnapshotFiles(env, other).write(tree.freeze(), place)
    },
  }
}

function nodeOf(tree: DataTree, path: string): NonNullable<ReturnType<DataTree['node']>> {
  const node = tree.node(path)
  if (node === undefined) throw new ZooKeeperError('NoNode', path)
  return node
}

/** Applies entries while one follows the other, and looks at the rest. */
class SalvagedLog {
  readonly #tree: DataTree
  index: number
  term: number
  damage: string | null = null
  lostZxid: number | null = null
  #hole: string | null = null

  constructor(tree: DataTree, index: number, term: number) {
    this.#tree = tree
    this.index = index
    this.term = term
  }

  damaged(sentence: string): void {
    this.damage ??= sentence
  }

  segment(path: string, bytes: Buffer, firstIndex: number, isLast: boolean): void {
    const headed = bytes.subarray(0, HEADER.length).equals(HEADER)
    if (!headed && !isLast) this.damaged(`${path} is not a log of this version`)
    let at = HEADER.length
    while (at < bytes.length) {
      const end = entryEnd(bytes, at)
      if (end !== -1) {
        if (!headed) this.damaged(`${path} is not a log of this version`)
        this.#entry(decodeEntry(bytes, at, end), startsBatch(bytes, at), `${path}, at ${at}`)
        at = end
        continue
      }
      this.#hole ??= `${path} is damaged at ${at}, in entry ${Math.max(firstIndex, this.index + 1)}`
      if (!isLast) this.damaged(this.#hole)
      at = nextEntry(bytes, at, firstIndex)
      if (at === -1) break
    }
  }

  /** What a crash left of the last batch may have holes, and was never answered. */
  #entry(entry: LogEntry, isBatchStart: boolean, place: string): void {
    if (this.#hole !== null && isBatchStart) this.damaged(this.#hole)
    if (entry.index <= this.index) return
    if (entry.index !== this.index + 1) this.#hole ??= `${place}: entry ${entry.index} in the place of ${this.index + 1}`
    else if (entry.kind !== ENTRY_KIND.txn) this.#hole ??= `${place}: an entry of unknown kind ${entry.kind}; a newer version wrote it`
    else {
      this.#tree.apply(readEntryTxn(entry.payload).txn)
      this.index = entry.index
      this.term = entry.term
      return
    }
    if (isBatchStart) this.damaged(this.#hole)
    if (this.damage !== null && entry.kind === ENTRY_KIND.txn) this.lostZxid = readEntryTxn(entry.payload).txn.header.zxid
  }
}
