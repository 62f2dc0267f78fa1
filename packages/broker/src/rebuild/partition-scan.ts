import type { Entry, Env } from '@ottla/env'
import { CLEAN_MARKER, fileName, offsetOf, walkSegment } from '@ottla/log'
import { recordBatch } from '@ottla/protocol'
import { partitionsOf, type PartitionDirectory } from '../stopped-directories/directory-names.ts'
import { topicIdIn, type ToldTopic } from '../stopped-directories/directory-scan.ts'

/** A partition's directory, and what its files tell of the topic. */
export interface FoundPartition extends PartitionDirectory, ToldTopic {
  /** Of what was read of its batches: the newest leader epoch, -1 none. */
  readonly leaderEpoch: number
  /** Above every producer id of what was read. */
  readonly nextProducerId: number
  /** Its newest batches carry the broker's time. */
  readonly logAppendTime: boolean
}

type Batches = Pick<FoundPartition, 'leaderEpoch' | 'nextProducerId' | 'logAppendTime'>

/**
 * Looks at every partition's directory in `logDirs`. Of the batches of a directory that was stopped in order one is read, for its newest
 * snapshot knows all producers; after a kill those behind the newest snapshot.
 */
export async function scanPartitions(env: Env, logDirs: readonly string[]): Promise<FoundPartition[]> {
  const partitions: FoundPartition[] = []
  for (const path of logDirs) {
    const entries = await env.disk.list(path)
    const isClean = entries.some(({ name }) => name === CLEAN_MARKER)
    for (const found of partitionsOf(path, entries)) {
      const { directory } = found
      const files = await env.disk.list(directory)
      partitions.push({ ...found, ...(await topicIdIn(env, directory)), ...(await batchesIn(env, directory, files, isClean)) })
    }
  }
  return partitions
}

async function batchesIn(env: Env, directory: string, files: readonly Entry[], isClean: boolean): Promise<Batches> {
  const found = { leaderEpoch: -1, nextProducerId: 0, logAppendTime: false }
  const bases = files.flatMap(({ name, sizeBytes }) => (sizeBytes > 0 ? (offsetOf(name, '.log') ?? []) : [])).sort((a, b) => a - b)
  const snapshot = Math.max(0, ...files.map(({ name }) => offsetOf(name, '.snapshot') ?? 0))
  // without the file, the newest epoch is in the newest batch
  const isBrief = isClean && files.some(({ name }) => name === 'leader-epoch-checkpoint')
  const first = isClean ? bases.length - 1 : bases.findLastIndex((base) => base <= snapshot)
  for (const base of bases.slice(Math.max(0, first))) {
    for await (const { bytes, crcIsRight } of walkSegment(env.disk, `${directory}/${fileName(base, '.log')}`)) {
      if (!crcIsRight) break
      found.logAppendTime = recordBatch.hasLogAppendTime(bytes, 0)
      if (recordBatch.magic(bytes, 0) < 2) continue
      found.leaderEpoch = Math.max(found.leaderEpoch, recordBatch.leaderEpoch(bytes, 0))
      found.nextProducerId = Math.max(found.nextProducerId, recordBatch.producerId(bytes, 0) + 1)
      if (isBrief) break
    }
  }
  return found
}
