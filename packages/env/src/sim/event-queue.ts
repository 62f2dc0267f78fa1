import type { Host } from './host.ts'

/** What happens, as it goes into the trace. */
export const KIND = {
  timer: 1,
  disk: 2,
  connect: 3,
  accept: 4,
  drained: 5,
  deliver: 6,
  room: 7,
  closed: 8,
  endOfTurn: 9,
  world: 10,
  elsewhere: 11,
} as const
export type Kind = (typeof KIND)[keyof typeof KIND]

export interface Event {
  readonly atMs: number
  readonly order: number
  /** Null: of the world itself. */
  readonly host: Host | null
  /** It does not happen in another life of the host. */
  readonly life: number
  readonly kind: Kind
  /** Null: cancelled. */
  run: (() => void) | null
}

/** A heap: earliest first, of the same time in the order of scheduling. */
export class EventQueue {
  readonly #heap: Event[] = []

  push(event: Event): void {
    const heap = this.#heap
    let i = heap.push(event) - 1
    while (i > 0) {
      const up = (i - 1) >> 1
      if (!isBefore(event, heap[up]!)) break
      heap[i] = heap[up]!
      i = up
    }
    heap[i] = event
  }

  get first(): Event | undefined {
    return this.#heap[0]
  }

  pop(): Event | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return top
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
