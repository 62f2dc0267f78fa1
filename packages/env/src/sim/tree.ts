import { EnvError } from '../env.ts'
import type { Dice } from './dice.ts'
import { Inode } from './inode.ts'

export class Directory {
  readonly children = new Map<string, Node>()
  modifiedMs = 0
}

export type Node = Inode | Directory

/** A name and what stands there. */
interface Place {
  readonly parent: Directory
  readonly name: string
  readonly node: Node | undefined
}

/** A change of names that no syncDirectory has made durable. */
interface Change {
  readonly directories: readonly Directory[]
  readonly before: readonly Place[]
  readonly after: readonly Place[]
}

/**
 * The names of a disk. A crash takes back any of the unsynced changes, not the last ones only; one that moves a file is whole or not at all,
 * and goes with the changes to that file or name that came before it.
 */
export class Tree {
  readonly root = new Directory()
  #pending: Change[] = []

  find(path: string): Node | undefined {
    let node: Node | undefined = this.root
    for (const name of namesOf(path)) {
      if (!(node instanceof Directory)) return undefined
      node = node.children.get(name)
    }
    return node
  }

  directory(path: string): Directory {
    const found = this.find(path)
    if (found instanceof Directory) return found
    throw new EnvError('not-found', `There is no directory ${path}`)
  }

  /** The directory that has `path`, and the name there. */
  place(path: string): { parent: Directory; name: string } {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) throw new EnvError('io', `${path} is the root`)
    return { parent: this.directory(`/${names.join('/')}`), name }
  }

  createDirectory(path: string, nowMs: number): void {
    let at = ''
    for (const name of namesOf(path)) {
      const parent = this.directory(at)
      at += `/${name}`
      const found = parent.children.get(name)
      if (found instanceof Inode) throw new EnvError('exists', `${at} is a file`)
      if (found === undefined) this.put(parent, name, new Directory(), nowMs)
    }
  }

  put(parent: Directory, name: string, node: Node, nowMs: number): void {
    this.#change([parent], [{ parent, name, node }], nowMs)
  }

  rename(from: string, to: string, nowMs: number): void {
    const old = this.place(from)
    const node = old.parent.children.get(old.name)
    if (node === undefined) throw new EnvError('not-found', `There is no ${from}`)
    const fresh = this.place(to)
    const there = fresh.parent.children.get(fresh.name)
    if (there === node) return
    if (`${to}/`.startsWith(`${from}/`)) throw new EnvError('io', `${from} can't be moved into itself`)
    if (node instanceof Inode && there instanceof Directory) throw new EnvError('io', `${to} is a directory`)
    if (node instanceof Directory && there instanceof Inode) throw new EnvError('not-found', `${to} is no directory`)
    if (there instanceof Directory && there.children.size > 0) throw new EnvError('exists', `${to} is not empty`)
    const directories = old.parent === fresh.parent ? [old.parent] : [old.parent, fresh.parent]
    this.#change(
      directories,
      [
        { ...old, node: undefined },
        { ...fresh, node },
      ],
      nowMs,
    )
  }

  /** From the leaves up, so that a crash may leave a part. */
  remove(path: string, nowMs: number): void {
    const found = this.find(path)
    if (found === undefined) return
    const { parent, name } = this.place(path)
    if (found instanceof Directory) for (const child of found.children.keys()) this.remove(`${path}/${child}`, nowMs)
    this.#change([parent], [{ parent, name, node: undefined }], nowMs)
  }

  /** Makes the directory's names durable, and what can't be told apart from them. */
  sync(directory: Directory): void {
    const synced = new Set([directory])
    const left: Change[] = []
    for (const change of this.#pending.toReversed()) {
      if (change.directories.some((one) => synced.has(one))) for (const one of change.directories) synced.add(one)
      else left.push(change)
    }
    this.#pending = left.toReversed()
  }

  /** Answers how many changes there were to lose, and how many were lost. */
  crash(dice: Dice): { unsynced: number; lost: number } {
    const loseRate = [0, 0.2, 0.5, 1][dice.below(4)]!
    const pending = this.#pending
    this.#pending = []
    const kept: Change[] = []
    const losing: Change[] = []
    for (const change of pending) {
      if (losing.some((one) => followsOn(change, one)) || dice.chance(loseRate)) losing.push(change)
      else kept.push(change)
    }
    if (losing.length > 0) {
      for (const { before } of pending.toReversed()) for (const place of before) setEntry(place)
      for (const { after } of kept) for (const place of after) setEntry(place)
    }
    return { unsynced: pending.length, lost: losing.length }
  }

  /** All names become durable. */
  settle(): void {
    this.#pending = []
  }

  /** The paths of all files. */
  *paths(from: Directory = this.root, path = ''): Generator<string> {
    for (const [name, node] of from.children) {
      if (node instanceof Inode) yield `${path}/${name}`
      else yield* this.paths(node, `${path}/${name}`)
    }
  }

  /** All files that have a name. */
  *files(from: Directory = this.root): Generator<Inode> {
    for (const node of from.children.values()) {
      if (node instanceof Inode) yield node
      else yield* this.files(node)
    }
  }

  #change(directories: readonly Directory[], after: readonly Place[], nowMs: number): void {
    const before = after.map(({ parent, name }) => ({ parent, name, node: parent.children.get(name) }))
    for (const place of after) setEntry(place)
    for (const directory of directories) directory.modifiedMs = nowMs
    this.#pending.push({ directories, before, after })
  }
}

/** Whether `change` makes no sense without `earlier`: it is about the same file or directory, or about the same name. */
function followsOn(change: Change, earlier: Change): boolean {
  return change.before.some((place) =>
    [...earlier.before, ...earlier.after].some(
      (other) => (place.parent === other.parent && place.name === other.name) || (place.node !== undefined && place.node === other.node),
    ),
  )
}

function setEntry({ parent, name, node }: Place): void {
  if (node === undefined) parent.children.delete(name)
  else parent.children.set(name, node)
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}
