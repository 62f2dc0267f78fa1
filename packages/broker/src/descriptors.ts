import type { Env } from '@ottla/env'
import type { BrokerConfig } from './configs/broker-config.ts'

/** What one of `log.dirs` keeps open where nothing is short. */
const SEGMENTS_MAX = 1000
/** Fewer are of no use; the keeper, listeners and files that are open for a moment take the rest. */
const COUNT_MIN = 16
const OTHERS_COUNT = 100

/** How the files and connections that the process may have open are shared out, so that it runs out of neither. */
export interface Descriptors {
  /** Of each directory: a segment that acks wait for takes two. */
  readonly openSegmentsMax: number
  readonly connectionsMax: number
}

/** Says so where the limit makes segments take turns. */
export function shareDescriptors(env: Pick<Env, 'disk' | 'log'>, { logDirs, maxConnections }: BrokerConfig): Descriptors {
  const { openFilesMax } = env.disk
  const directoryCount = logDirs.length
  const most = Math.floor((openFilesMax - OTHERS_COUNT) / 4 / directoryCount)
  const openSegmentsMax = Math.max(COUNT_MIN, Math.min(SEGMENTS_MAX, most))
  const left = openFilesMax - OTHERS_COUNT - 2 * openSegmentsMax * directoryCount
  const connectionsMax = Math.min(maxConnections, Math.max(COUNT_MIN, left))
  if (openSegmentsMax < SEGMENTS_MAX) {
    env.log.warn(
      `this process may have ${openFilesMax} files and connections open: ${openSegmentsMax * directoryCount} segments are open at once and the ` +
        `others take turns, and ${connectionsMax} clients may be connected; for more, raise ulimit -n, or LimitNOFILE= of its service`,
    )
  }
  return { openSegmentsMax, connectionsMax }
}
