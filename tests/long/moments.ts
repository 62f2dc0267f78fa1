/** When to kill: moments at which a log is in the middle of something. */
import { watch, type FSWatcher } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { LoadProducer } from './load.ts'

/**
 * `append`: any moment under load. `ack`: as soon as an acknowledgement has come, when what it speaks of is youngest. `roll`: a new
 * segment has just appeared. `snapshot`: so has the producer snapshot that goes with it. `checkpoint`: a checkpoint is being replaced.
 */
export type Moment = 'append' | 'ack' | 'roll' | 'snapshot' | 'checkpoint'

/** In turn. Kills at acks are those that show an ack without its write. */
export const MOMENTS: readonly Moment[] = ['append', 'ack', 'roll', 'ack', 'checkpoint', 'snapshot', 'ack']

/** If the moment does not come within this, something is wrong with the test. */
const COMES_WITHIN_MS = 20_000
const APPEND_WITHIN_MS = 400

const FILES: Readonly<Record<'roll' | 'snapshot' | 'checkpoint', RegExp>> = {
  roll: /-\d+\/\d{20}\.log$/,
  snapshot: /-\d+\/\d{20}\.snapshot/,
  checkpoint: /^(recovery-point|replication)-offset-checkpoint/,
}

/** Calls `strike` in the very event in which the moment comes; resolves after that. */
export async function atMoment(
  moment: Moment,
  logDirectory: string,
  producers: readonly LoadProducer[],
  strike: () => void,
): Promise<void> {
  if (moment === 'append') {
    await pause(Math.random() * APPEND_WITHIN_MS)
    strike()
    return
  }
  let watcher: FSWatcher | null = null
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve, reject) => {
    // not always the first: later ones come at other stages of what else goes on
    let left = 1 + Math.floor(Math.random() * 3)
    const happened = (): void => {
      if (--left !== 0) return
      strike()
      resolve()
    }
    timer = setTimeout(() => reject(new Error(`no ${moment} came within ${COMES_WITHIN_MS} ms`)), COMES_WITHIN_MS)
    if (moment === 'ack') {
      const chosen = producers[Math.floor(Math.random() * producers.length)]!
      chosen.onAck = happened
      return
    }
    watcher = watch(logDirectory, { recursive: true }, (event, name) => {
      if (event === 'rename' && name !== null && FILES[moment].test(name)) happened()
    })
  }).finally(() => {
    clearTimeout(timer)
    ;(watcher as FSWatcher | null)?.close()
    for (const producer of producers) producer.onAck = null
  })
}
