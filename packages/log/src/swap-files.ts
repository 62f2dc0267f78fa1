import type { Entry } from '@ottla/env'
import { recordBatch } from '@ottla/protocol'
import { eachHeader } from './batch-reader.ts'
import { fileName, offsetOf } from './file-names.ts'
import type { LogHome } from './log-home.ts'

const SUFFIXES = ['.log', '.index', '.timeindex', '.txnindex'] as const

/**
 * A compaction that was stopped while it put its output in place (formats §5): `.swap` files are complete, unless a `.cleaned` one of a
 * smaller or equal offset says that not all of that round is. A complete one replaces the segments in its range.
 */
export async function finishSwaps(home: LogHome, directory: string, entries: readonly Entry[]): Promise<void> {
  const { disk } = home.env
  const at = (suffix: string): number[] => entries.map((entry) => offsetOf(entry.name, suffix)).filter((offset) => offset !== null)
  const cleaned = Math.min(...SUFFIXES.flatMap((suffix) => at(`${suffix}.cleaned`)), Infinity)
  const names = new Set(entries.map((entry) => entry.name))
  for (const base of at('.log.swap')) {
    if (base >= cleaned) {
      for (const suffix of SUFFIXES) await disk.remove(`${directory}/${fileName(base, suffix)}.swap`)
      continue
    }
    const end = await endOf(home, `${directory}/${fileName(base, '.log')}.swap`)
    for (const replaced of at('.log')) {
      if (replaced < base || replaced >= Math.max(end, base + 1)) continue
      for (const suffix of SUFFIXES) await disk.remove(`${directory}/${fileName(replaced, suffix)}`)
    }
    for (const suffix of SUFFIXES) {
      const name = fileName(base, suffix)
      if (names.has(`${name}.swap`)) await disk.rename(`${directory}/${name}.swap`, `${directory}/${name}`)
    }
  }
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
