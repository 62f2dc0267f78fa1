/** Knows the steps of a server by what they do to its disk, counts them, and says when a life is to end: right behind one of them. */
import type { DiskOperation, Host } from '@ottla/env/sim'
import { LOG_DIRECTORY } from './stage.ts'

/** By step: the operations that make it, and the paths. The first that fits. */
const STEPS: readonly (readonly [step: string, operations: readonly DiskOperation[], path: RegExp])[] = [
  ['keeper: write', ['write'], /\/keeper\//],
  ['keeper: sync', ['sync', 'syncDirectory'], /\/keeper/],
  ['keeper: name', ['open', 'rename', 'remove', 'createDirectory'], /\/keeper\//],
  ['topic creation: directory', ['createDirectory'], /-\d+$/],
  ['topic creation: metadata', ['open', 'write', 'sync', 'rename'], /partition\.metadata/],
  ['topic deletion: rename', ['rename'], /-\d+$/],
  ['topic deletion: remove', ['remove'], /-delete$/],
  ['compaction', ['open', 'write', 'sync', 'rename', 'remove'], /\.(cleaned|swap)$/],
  ['retention: rename', ['rename'], /\.(log|index|timeindex|txnindex)$/],
  ['retention: remove', ['remove'], /\.deleted$/],
  ['roll: new segment', ['open'], /\.log$/],
  ['records: write', ['write'], /\.log$/],
  ['records: sync', ['sync'], /\.log$/],
  ['records: cut', ['truncate'], /\.log$/],
  ['index: write', ['open', 'write', 'truncate'], /\.(index|timeindex|txnindex)$/],
  ['index: sync', ['sync'], /\.(index|timeindex|txnindex)$/],
  ['producer snapshot: write', ['open', 'write', 'sync'], /\.snapshot(\.tmp)?$/],
  ['producer snapshot: rename', ['rename'], /\.snapshot\.tmp$/],
  ['producer snapshot: remove', ['remove'], /\.snapshot$/],
  ['epochs', ['open', 'write', 'sync', 'rename'], /leader-epoch-checkpoint/],
  ['checkpoint: write', ['open', 'write', 'sync'], /offset-checkpoint\.tmp$/],
  ['checkpoint: rename', ['rename'], /offset-checkpoint\.tmp$/],
  ['clean marker', ['open', 'write', 'sync', 'rename', 'remove'], /cleanshutdown/],
  ['names of partitions: sync', ['syncDirectory'], new RegExp(`^${LOG_DIRECTORY}$`)],
  ['names of segments: sync', ['syncDirectory'], /-\d+$/],
]

export const STEP_NAMES: readonly string[] = STEPS.map(([name]) => name)

export class DiskWatch {
  readonly seen = new Map<string, number>()
  readonly cutAfter = new Map<string, number>()
  /** A life is to end now. */
  due = false
  #step: string | null = null
  #countdown = 0
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
    host.disk.watcher = (operation, path) => this.#done(operation, path)
  }

  /** The life is to end behind the `count`-th such step from now on; null: behind none. */
  arm(step: string | null, count: number): void {
    this.#step = step
    this.#countdown = count
    this.due = false
  }

  #done(operation: DiskOperation, path: string): boolean {
    // the program is as good as dead
    if (this.due) return true
    const step = STEPS.find(([, operations, fits]) => operations.includes(operation) && fits.test(path))?.[0]
    if (step === undefined) return false
    count(this.seen, step)
    if (step !== this.#step || --this.#countdown > 0) return false
    this.due = true
    count(this.cutAfter, step)
    return this.#host.world.dice.chance(0.5)
  }
}

export function count(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by)
}
