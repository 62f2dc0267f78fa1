import type { Entry } from '@ottla/env'
import { recordBatch } from '@ottla/protocol'
import { eachHeader } from './batch-reader.ts'
import { fileName, offsetOf, SEGMENT_SUFFIXES } from './file-names.ts'
import type { LogHome } from './log-home.ts'

/**
 * A compaction that was stopped while it put its output in place (formats §5): `.swap` files are complete, unless a `.cleaned` one of a
 * smaller or equal offset says that not all of that round is. A complete one replaces the segments in its range. What the next step relies
 * on is made durable before it: this may be stopped too.
 */
export async function finishSwaps(home: LogHome, directory: string, entries: readonly Entry[]): Promise<void> {
  const { disk } = home.env
  const found = filesOf(entries)
  const cleaned = Math.min(...found.filter((file) => file.state === '.cleaned').map((file) => file.base), Infinity)
  const swaps = found.filter((file) => file.state === '.swap')
  const whole = swaps.filter((file) => file.base < cleaned)
  for (const file of swaps) if (file.base >= cleaned) await disk.remove(`${directory}/${file.name}`)
  for (const swap of whole) {
    if (swap.suffix !== '.log') continue
    const end = Math.max(await endOf(home, `${directory}/${swap.name}`), swap.base + 1)
    for (const old of found) {
      // this may be the new one; else the new one, empty if need be, is about to take its place
      const staysIn = old.suffix === '.txnindex' && old.base === swap.base
      if (old.state === '' && old.base >= swap.base && old.base < end && !staysIn) await disk.remove(`${directory}/${old.name}`)
    }
  }
  await disk.syncDirectory(directory)
  // the batches first: an index that is left then only has to follow them
  whole.sort((a, b) => Number(b.suffix === '.log') - Number(a.suffix === '.log'))
  for (const { base, suffix, name } of whole) await disk.rename(`${directory}/${name}`, `${directory}/${fileName(base, suffix)}`)
  await disk.syncDirectory(directory)
}

interface SegmentFile {
  readonly name: string
  readonly base: number
  readonly suffix: (typeof SEGMENT_SUFFIXES)[number]
  readonly state: '' | '.cleaned' | '.swap'
}

function filesOf(entries: readonly Entry[]): SegmentFile[] {
  const found: SegmentFile[] = []
  for (const { name } of entries) {
    for (const suffix of SEGMENT_SUFFIXES) {
      for (const state of ['', '.cleaned', '.swap'] as const) {
        const base = offsetOf(name, suffix + state)
        if (base !== null) found.push({ name, base, suffix, state })
      }
    }
  }
  return found
}

async function endOf(home: LogHome, path: string): Promise<number> {
  const file = home.env.disk.open(path, 'read')
  let end = -1
  try {
    await eachHeader(file, 0, file.sizeBytes(), (bytes, at) => {
      end = recordBatch.lastOffset(bytes, at) + 1
      return true
    })
  } finally {
    file.close()
  }
  return end
}
