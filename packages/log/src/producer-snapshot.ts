import type { Disk } from '@ottla/env'
import { crc32c, readInt64, writeInt64 } from '@ottla/wire'
import { CorruptFileError, readWhole } from './checkpoint.ts'
import { ProducerState } from './producer-batches.ts'

const VERSION = 1
const HEADER_BYTES = 10
const ENTRY_BYTES = 46

/** The bytes of a `<offset>.snapshot`: of each producer its newest batch (formats §5). */
export function encodeProducerSnapshot(states: ReadonlyMap<number, ProducerState>): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + states.size * ENTRY_BYTES)
  bytes.writeInt16BE(VERSION, 0)
  bytes.writeInt32BE(states.size, 6)
  let at = HEADER_BYTES
  for (const state of states.values()) {
    writeEntry(bytes, at, state)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
  return bytes
}

/** The producers in the file `path`; none where there is no such file. Rejects with CorruptFileError where it isn't whole. */
export async function readProducerSnapshot(disk: Disk, path: string): Promise<ProducerState[]> {
  const bytes = await readWhole(disk, path)
  return bytes === null ? [] : decodeProducerSnapshot(bytes, path)
}

/** The producers in the bytes of the file `path`. Throws CorruptFileError where it isn't whole. */
export function decodeProducerSnapshot(bytes: Buffer, path: string): ProducerState[] {
  const count = checkedCount(bytes, path)
  const states: ProducerState[] = []
  for (let entry = 0; entry < count; entry++) states.push(readEntry(bytes, HEADER_BYTES + entry * ENTRY_BYTES))
  return states
}

function writeEntry(bytes: Buffer, at: number, state: ProducerState): void {
  const batch = state.lastBatch
  writeInt64(bytes, at, state.producerId)
  bytes.writeInt16BE(state.epoch, at + 8)
  bytes.writeInt32BE(state.lastSequence, at + 10)
  writeInt64(bytes, at + 14, batch === null ? -1 : batch.lastOffset)
  bytes.writeInt32BE(batch === null ? 0 : batch.lastOffset - batch.baseOffset, at + 22)
  writeInt64(bytes, at + 26, state.lastTimestamp)
  bytes.writeInt32BE(state.coordinatorEpoch, at + 34)
  writeInt64(bytes, at + 38, state.currentTxnFirstOffset)
}

function readEntry(bytes: Buffer, at: number): ProducerState {
  const state = new ProducerState(readInt64(bytes, at), bytes.readInt16BE(at + 8))
  const lastOffset = readInt64(bytes, at + 14)
  state.lastTimestamp = readInt64(bytes, at + 26)
  state.coordinatorEpoch = bytes.readInt32BE(at + 34)
  state.currentTxnFirstOffset = readInt64(bytes, at + 38)
  if (lastOffset >= 0) state.add(bytes.readInt32BE(at + 10), lastOffset - bytes.readInt32BE(at + 22), lastOffset, state.lastTimestamp)
  return state
}

function checkedCount(bytes: Buffer, path: string): number {
  if (bytes.length < HEADER_BYTES) throw new CorruptFileError(path, null, `${bytes.length} bytes are too few for a producer snapshot`)
  const version = bytes.readInt16BE(0)
  if (version !== VERSION) throw new CorruptFileError(path, null, `version ${version}; only version ${VERSION} is known`)
  if (crc32c(bytes.subarray(6)) !== bytes.readUInt32BE(2)) throw new CorruptFileError(path, null, 'its checksum does not match')
  const count = bytes.readInt32BE(6)
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) {
    throw new CorruptFileError(path, null, `says ${count} producers, but has ${bytes.length} bytes`)
  }
  return count
}
