/** Knows the steps of a server by what they do to its disk, counts them, and says when a life is to end: right behind one of them. */
import type { Dice, DiskOperation, Host } from '@ottla/env/sim'
import { LOG_DIRECTORY } from './stage.ts'

/** When a step comes: `run`: while it serves, `start` and `stop`: on its way up and down. */
export type Phase = 'run' | 'start' | 'stop'

interface Step {
  readonly name: string
  /** By phase, how often it is drawn: the more the rarer it is. */
  readonly weights: Partial<Record<Phase, number>>
  readonly operations: readonly DiskOperation[]
  readonly path: RegExp
}

const step = (name: string, weights: Step['weights'], operations: readonly DiskOperation[], path: RegExp): Step => ({
  name,
  weights,
  operations,
  path,
})

/** The first that fits is it. */
const STEPS: readonly Step[] = [
  step('keeper: write', { run: 2, start: 1, stop: 2 }, ['write'], /\/keeper\//),
  step('keeper: sync', { run: 4, start: 2, stop: 2 }, ['sync', 'syncDirectory'], /\/keeper/),
  step('keeper: name', { start: 4, stop: 1 }, ['open', 'rename', 'remove', 'createDirectory'], /\/keeper\//),
  step('topic creation: directory', { run: 5 }, ['createDirectory'], /-\d+$/),
  step('topic creation: metadata', { run: 4 }, ['open', 'write', 'sync', 'rename'], /partition\.metadata/),
  step('topic deletion: rename', { run: 6 }, ['rename'], /-\d+$/),
  step('topic deletion: remove', { run: 8, start: 2 }, ['remove'], /-delete$/),
  step('compaction: write', { run: 7 }, ['open', 'write', 'sync'], /\.cleaned$/),
  step('compaction: swap', { run: 7 }, ['rename'], /\.cleaned$/),
  step('compaction: in place', { run: 8, start: 3 }, ['rename'], /\.swap$/),
  step('retention: rename', { run: 9 }, ['rename'], /\.(log|index|timeindex|txnindex)$/),
  step('retention: remove', { run: 3, start: 2 }, ['remove'], /\.(deleted|cleaned|swap)$/),
  step('roll: new segment', { run: 4 }, ['open'], /\.log$/),
  step('records: write', { run: 4 }, ['write'], /\.log$/),
  step('records: sync', { run: 3, start: 1, stop: 1 }, ['sync'], /\.log$/),
  step('records: cut', { start: 9 }, ['truncate'], /\.log$/),
  step('index: write', { run: 2, start: 2, stop: 1 }, ['open', 'write', 'truncate'], /\.(index|timeindex|txnindex)$/),
  step('index: sync', { run: 2, start: 2, stop: 1 }, ['sync'], /\.(index|timeindex|txnindex)$/),
  step('producer snapshot: write', { run: 3, stop: 2 }, ['open', 'write', 'sync'], /\.snapshot(\.tmp)?$/),
  step('producer snapshot: rename', { run: 2, stop: 2 }, ['rename'], /\.snapshot\.tmp$/),
  step('producer snapshot: remove', { run: 4, start: 2 }, ['remove'], /\.snapshot$/),
  step('epochs', { run: 4, start: 2 }, ['open', 'write', 'sync', 'rename'], /leader-epoch-checkpoint/),
  step('checkpoint: write', { run: 2, stop: 1 }, ['open', 'write', 'sync'], /offset-checkpoint\.tmp$/),
  step('checkpoint: rename', { run: 3, stop: 2 }, ['rename'], /offset-checkpoint\.tmp$/),
  step('clean marker', { start: 6, stop: 16 }, ['open', 'write', 'sync', 'rename', 'remove'], /cleanshutdown/),
  step('names of partitions: sync', { run: 4, start: 2, stop: 1 }, ['syncDirectory'], new RegExp(`^${LOG_DIRECTORY}$`)),
  step('names of segments: sync', { run: 3, start: 1, stop: 1 }, ['syncDirectory'], /-\d+$/),
]

/** The steps by what they belong to. */
export const STEP_KINDS: ReadonlyMap<string, readonly string[]> = Map.groupBy(
  STEPS.map(({ name }) => name),
  (name) => name.split(':')[0]!,
)

/** A step that may come in this phase, the rare ones more often. While the server runs, one that has come in this world before. */
export function drawStep(dice: Dice, phase: Phase, seen: ReadonlyMap<string, number>): string {
  const weights = STEPS.map((each) => (phase !== 'run' || seen.has(each.name) ? (each.weights[phase] ?? 0) : 0))
  let left = dice.below(weights.reduce((sum, weight) => sum + weight, 0))
  return STEPS[weights.findIndex((weight) => (left -= weight) < 0)]!.name
}

const VERSIONS_MAX = 20

export class DiskWatch {
  readonly seen = new Map<string, number>()
  readonly cutBehind = new Map<string, number>()
  /** A life is to end now. */
  due = false
  readonly #versions = new Map<string, Buffer[]>()
  #step: string | null = null
  #countdown = 0
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
    host.disk.watcher = (operation, path) => this.#done(operation, path)
  }

  /** The life is to end behind the `count`-th such step from now on; null: behind none. */
  arm(name: string | null, countdown: number): void {
    this.#step = name
    this.#countdown = countdown
    this.due = false
  }

  /** What a file that is replaced whole has been, oldest first. */
  older(path: string): readonly Buffer[] {
    return this.#versions.get(path) ?? []
  }

  #keep(path: string): void {
    const versions = this.#versions.get(path) ?? []
    if (versions.length < VERSIONS_MAX) versions.push(Buffer.from(this.#host.disk.peek(path)!))
    this.#versions.set(path, versions)
  }

  #done(operation: DiskOperation, path: string): boolean {
    if (operation === 'rename' && path.endsWith('.tmp')) this.#keep(path.slice(0, -'.tmp'.length))
    // the program is as good as dead
    if (this.due) return true
    const done = STEPS.find(({ operations, path: fits }) => operations.includes(operation) && fits.test(path))?.name
    if (done === undefined) return false
    count(this.seen, done)
    if (done !== this.#step || --this.#countdown > 0) return false
    this.due = true
    count(this.cutBehind, done)
    return this.#host.world.dice.chance(0.5)
  }
}

export function count(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by)
}
