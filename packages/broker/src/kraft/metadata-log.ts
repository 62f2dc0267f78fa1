import type { Disk, Entry, Env } from '@ottla/env'
import { offsetOf, walkSegment } from '@ottla/log'
import { controlType, ControlType, decodeBatch, recordBatch } from '@ottla/protocol'
import { SnapshotFooterRecord, VotersRecord } from '@ottla/protocol/data/control-records'
import { decodeMetadataRecord } from '@ottla/protocol/data/metadata-records'
import { Reader } from '@ottla/wire'
import { MetadataImage } from './metadata-image.ts'

/** The metadata as the newest checkpoint and the records after it tell it. */
export interface ReadMetadata {
  readonly image: MetadataImage
  /** The quorum's voters where the log says them (KIP-853). */
  readonly voters: VotersRecord['voters'] | null
}

interface Checkpoint {
  readonly name: string
  /** The first offset that it doesn't cover. */
  readonly endOffset: number
  readonly epoch: number
}

const CHECKPOINT = /^(\d{20})-(\d{10})\.checkpoint$/

/**
 * Reads `directory`, a `__cluster_metadata-0`. A checkpoint that is not whole is passed over for an older one, and a torn end of the log is
 * left out: nothing there was committed, for the quorum syncs before it counts a record. Rejects with a sentence where records are missing,
 * damaged, or of a kind that is not known.
 */
export async function readMetadata(env: Pick<Env, 'disk' | 'log'>, directory: string): Promise<ReadMetadata> {
  const entries = await env.disk.list(directory)
  for (const checkpoint of [...checkpointsOf(entries), null]) {
    const reading = new Reading(env.disk)
    if (checkpoint !== null && !(await reading.checkpoint(`${directory}/${checkpoint.name}`, checkpoint))) {
      env.log.warn(`${directory}/${checkpoint.name} is not whole; an older one is taken`)
      continue
    }
    const segments = segmentsOf(entries)
    const first = segments[0]?.baseOffset ?? reading.image.endOffset
    if (first > reading.image.endOffset)
      throw new Error(`${directory}: the records ${reading.image.endOffset} to ${first - 1} are in no checkpoint and no segment`)
    for (const [at, { name, sizeBytes }] of segments.entries()) {
      const read = await reading.segment(`${directory}/${name}`)
      if (read === sizeBytes) continue
      if (at < segments.length - 1) throw new Error(`${directory}/${name} is damaged at ${read}, and segments follow`)
      env.log.warn(`${directory}/${name}: its last ${sizeBytes - read} bytes are no whole batch, and are left out`)
    }
    return { image: reading.image, voters: reading.voters }
  }
  throw new Error(`${directory} can't be read`)
}

/** Newest first. */
function checkpointsOf(entries: readonly Entry[]): Checkpoint[] {
  const checkpoints: Checkpoint[] = []
  for (const { name } of entries) {
    const match = CHECKPOINT.exec(name)
    if (match !== null) checkpoints.push({ name, endOffset: Number(match[1]), epoch: Number(match[2]) })
  }
  return checkpoints.sort((a, b) => b.endOffset - a.endOffset || b.epoch - a.epoch)
}

function segmentsOf(entries: readonly Entry[]): { name: string; baseOffset: number; sizeBytes: number }[] {
  const segments: { name: string; baseOffset: number; sizeBytes: number }[] = []
  for (const { name, sizeBytes } of entries) {
    const baseOffset = offsetOf(name, '.log')
    if (baseOffset !== null) segments.push({ name, baseOffset, sizeBytes })
  }
  return segments.sort((a, b) => a.baseOffset - b.baseOffset)
}

class Reading {
  readonly image = new MetadataImage()
  voters: VotersRecord['voters'] | null = null
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** False: it lacks its end. */
  async checkpoint(path: string, { endOffset, epoch }: Checkpoint): Promise<boolean> {
    let whole = false
    for await (const { bytes, crcIsRight } of walkSegment(this.#disk, path)) {
      if (!crcIsRight) return false
      whole = this.#batch(bytes, path)
    }
    if (!whole) return false
    this.image.endOffset = endOffset
    this.image.epoch = epoch
    return true
  }

  /** The bytes up to the first batch that is not good. Batches below the image's end are in it already. */
  async segment(path: string): Promise<number> {
    let goodBytes = 0
    for await (const { bytes, position, crcIsRight } of walkSegment(this.#disk, path)) {
      if (!crcIsRight) break
      goodBytes = position + bytes.length
      const lastOffset = recordBatch.lastOffset(bytes, 0)
      if (lastOffset < this.image.endOffset) continue
      this.#batch(bytes, path)
      this.image.endOffset = lastOffset + 1
      this.image.epoch = recordBatch.leaderEpoch(bytes, 0)
    }
    return goodBytes
  }

  /** Whether it holds a checkpoint's last record. */
  #batch(bytes: Buffer, path: string): boolean {
    let ends = false
    const isControl = recordBatch.isControl(bytes, 0)
    for (const record of decodeBatch(bytes, 0, { checkCrc: false })) {
      try {
        if (!isControl) this.image.apply(decodeMetadataRecord(record.value ?? Buffer.alloc(0)))
        else if (controlType(record) === ControlType.SNAPSHOT_FOOTER)
          ends = SnapshotFooterRecord.decode(new Reader(record.value!), 0).version >= 0
        else if (controlType(record) === ControlType.KRAFT_VOTERS) this.voters = VotersRecord.decode(new Reader(record.value!), 0).voters
      } catch (error) {
        throw new Error(`${path}, record ${record.offset}: ${(error as Error).message}`, { cause: error })
      }
    }
    return ends
  }
}
