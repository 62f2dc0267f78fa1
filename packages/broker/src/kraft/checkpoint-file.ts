import type { Disk } from '@ottla/env'
import { BatchBuilder, ControlType } from '@ottla/protocol'
import { KRaftVersionRecord, SnapshotFooterRecord, SnapshotHeaderRecord, VotersRecord } from '@ottla/protocol/data/control-records'
import { encodeMetadataRecord } from '@ottla/protocol/data/metadata-records'
import type { VersionedRecord } from './image-records.ts'

const BATCH_BYTES_MAX = 1024 * 1024
const KRAFT_VERSION = 1

export interface CheckpointToWrite {
  /** The first offset that it doesn't cover. */
  readonly endOffset: number
  readonly epoch: number
  /** ms; when its last record was made. */
  readonly timestamp: number
  readonly voters: VotersRecord['voters']
  readonly records: readonly VersionedRecord[]
}

/** Writes `<endOffset>-<epoch>.checkpoint` into the metadata log `directory`, whole and durably: header, quorum, records, footer. */
export async function writeCheckpoint(disk: Disk, directory: string, checkpoint: CheckpointToWrite): Promise<string> {
  const name = `${String(checkpoint.endOffset).padStart(20, '0')}-${String(checkpoint.epoch).padStart(10, '0')}.checkpoint`
  // a name that Kafka takes for what it was writing itself, and removes
  const temporary = `${directory}/${name}.part`
  await disk.remove(temporary)
  const file = disk.open(temporary, 'create')
  try {
    let position = 0
    for (const batch of batchesOf(checkpoint)) {
      await file.writeLater(position, [batch], false)
      position += batch.length
    }
    await file.sync()
  } finally {
    file.close()
  }
  await disk.rename(temporary, `${directory}/${name}`)
  await disk.syncDirectory(directory)
  return name
}

/** Offsets inside a checkpoint are its own: from 0 on. */
function* batchesOf({ epoch, timestamp, voters, records }: CheckpointToWrite): Generator<Buffer> {
  let offset = 0
  const builderOf = (isControl: boolean): BatchBuilder =>
    new BatchBuilder({ baseOffset: offset, leaderEpoch: epoch, isControl, sizeBytesMax: BATCH_BYTES_MAX })
  const head = builderOf(true)
  const header = SnapshotHeaderRecord.toBuffer(0, { version: 0, lastContainedLogTimestamp: timestamp })
  head.append(controlKey(ControlType.SNAPSHOT_HEADER), header, [], timestamp)
  head.append(
    controlKey(ControlType.KRAFT_VERSION),
    KRaftVersionRecord.toBuffer(0, { version: 0, kRaftVersion: KRAFT_VERSION }),
    [],
    timestamp,
  )
  head.append(controlKey(ControlType.KRAFT_VOTERS), VotersRecord.toBuffer(0, { version: 0, voters }), [], timestamp)
  offset += head.recordCount
  yield head.build()
  let builder = builderOf(false)
  for (const [record, version] of records) {
    const value = encodeMetadataRecord(record, version)
    if (builder.append(null, value, [], timestamp)) continue
    offset += builder.recordCount
    yield builder.build()
    builder = builderOf(false)
    builder.append(null, value, [], timestamp)
  }
  offset += builder.recordCount
  if (builder.recordCount > 0) yield builder.build()
  const foot = builderOf(true)
  foot.append(controlKey(ControlType.SNAPSHOT_FOOTER), SnapshotFooterRecord.toBuffer(0, { version: 0 }), [], timestamp)
  yield foot.build()
}

function controlKey(type: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(type, 2)
  return key
}
