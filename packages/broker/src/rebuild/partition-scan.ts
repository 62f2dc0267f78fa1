import type { Entry, Env } from '@ottla/env'
import { CLEAN_MARKER, CorruptFileError, fileName, offsetOf, readPartitionMetadata, topicPartitionOf, walkSegment } from '@ottla/log'
import { recordBatch } from '@ottla/protocol'

/** A partition's directory, and what its files tell of the topic. */
export interface FoundPartition {
  readonly directory: string
  readonly topic: string
  readonly partition: number
  /** Null: no `partition.metadata` tells it. */
  readonly topicId: string | null
  /** Why not, where the file is there and damaged. */
  readonly metadataDamage: string | null
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
    for (const { name, directory: isDirectory } of entries) {
      const found = isDirectory ? topicPartitionOf(name) : null
      if (found === null) continue
      const directory = `${path}/${name}`
      const files = await env.disk.list(directory)
      partitions.push({ directory, ...found, ...(await topicIdIn(env, directory)), ...(await batchesIn(env, directory, files, isClean)) })
    }
  }
  return partitions
}

async function topicIdIn(env: Env, directory: string): Promise<Pick<FoundPartition, 'topicId' | 'metadataDamage'>> {
  try {
    return { topicId: await readPartitionMetadata(env.disk, `${directory}/partition.metadata`), metadataDamage: null }
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error
    return { topicId: null, metadataDamage: error.message }
  }
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
