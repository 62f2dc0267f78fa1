const COUNTS = 2 ** 32
/** From here on zxids would not be exact as numbers. */
export const EPOCH_MAX = 2 ** 21 - 1

/** The epoch of a zxid: the term in which it was given. */
export function epochOf(zxid: number): number {
  return Math.floor(zxid / COUNTS)
}

/** The zxid after `last` in `epoch`, which is at least that of `last`. A used-up counter goes on in the next epoch. */
export function nextZxid(last: number, epoch: number): number {
  return epochOf(last) < epoch ? epoch * COUNTS + 1 : last + 1
}
