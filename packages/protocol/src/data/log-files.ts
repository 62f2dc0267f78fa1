import { int16, int32, int64, list, message, uint32, type Decoded } from '@ottla/wire'

/** An entry of a transaction index, behind an int16 version 0. */
export const AbortedTxn = message('AbortedTxn', {
  producerId: int64(),
  firstOffset: int64(),
  lastOffset: int64(),
  lastStableOffset: int64(),
}, 'none')
export type AbortedTxn = Decoded<typeof AbortedTxn.fields>

/** A file of producer state, behind an int16 version 1. `crc` covers all that follows it. */
export const ProducerSnapshot = message('ProducerSnapshot', {
  crc: uint32(),
  producerEntries: list({
    producerId: int64(),
    epoch: int16(),
    lastSequence: int32(),
    lastOffset: int64(),
    offsetDelta: int32(),
    timestamp: int64(),
    coordinatorEpoch: int32(),
    currentTxnFirstOffset: int64(),
  }),
}, 'none')
export type ProducerSnapshot = Decoded<typeof ProducerSnapshot.fields>
