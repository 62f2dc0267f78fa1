/**
 * Loaded into the broker's process before the broker is (`--import`): tells what the process holds, which only it knows. A question is
 * `memory`, `live`, or a path, to which a heap snapshot is written.
 */
import { PerformanceObserver, constants } from 'node:perf_hooks'
import { writeHeapSnapshot } from 'node:v8'

export interface HeapFigures {
  /** After the last full collection that the process made of itself; 0: there was none. */
  readonly collectedBytes: number
  readonly heapBytes: number
  /** Of buffers and the like, outside of the heap. */
  readonly externalBytes: number
}

let collectedBytes = 0
new PerformanceObserver((list) => {
  const entries = list.getEntries() as unknown as { detail: { kind: number } }[]
  if (entries.some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) collectedBytes = process.memoryUsage().heapUsed
}).observe({ entryTypes: ['gc'] })

process.on('message', (question: string) => {
  if (question === 'live') {
    // twice: what the first one finalizes, the second one frees
    globalThis.gc!()
    globalThis.gc!()
  } else if (question !== 'memory') writeHeapSnapshot(question)
  const { heapUsed, external } = process.memoryUsage()
  process.send!({ collectedBytes, heapBytes: heapUsed, externalBytes: external } satisfies HeapFigures)
})
// the broker ends as it would without
process.channel!.unref()
