/** Bugs that a server could have, planted from outside into the disk that it runs on. */
import type { File } from '@ottla/env'
import { LogDirectory } from '@ottla/log'
import { KeyOffsetMap } from '../../packages/log/src/cleaner/key-offset-map.ts'
import type { Stage } from './stage.ts'

/** Done before the world begins. What it answers takes it back, where it is not the stage's alone. */
export type Plant = (stage: Stage) => (() => void) | void

/** Has each file whose path fits changed by `change` when it is opened. */
function tamper({ host }: Stage, fits: RegExp, change: (file: File) => void): void {
  const { disk } = host
  const open = disk.open.bind(disk)
  disk.open = (path, mode) => {
    const file = open(path, mode)
    if (fits.test(path)) change(file)
    return file
  }
}

const RECORDS = /\.log$/
const RECOVERY_POINTS = /recovery-point-offset-checkpoint(\.tmp)?$/
const CLEANED = /cleaner-offset-checkpoint\.tmp$/

/** Records are written some time after their turn, and so after their ack. */
export function ackBeforeWrite(stage: Stage): void {
  tamper(stage, RECORDS, (file) => {
    const write = file.write.bind(file)
    file.write = (position, views) => {
      const copies = views.map((view) => Buffer.from(view))
      stage.host.clock.after(3, () => {
        try {
          write(position, copies)
        } catch {
          // nobody is there to be told
        }
      })
    }
  })
}

/** A write that an ack waits for is not durable. */
export function ackBeforeSync(stage: Stage): void {
  tamper(stage, RECORDS, (file) => {
    const writeLater = file.writeLater.bind(file)
    file.writeLater = (position, views) => writeLater(position, views, false)
  })
}

/** A sync of records does nothing. */
export function idleSync(stage: Stage): void {
  tamper(stage, RECORDS, (file) => {
    file.sync = () => new Promise((resolve) => void stage.host.clock.after(1, resolve))
  })
}

/** Recovery knows of no recovery point, and so cuts what lies below it too. */
export function cutBelowRecoveryPoint(stage: Stage): void {
  tamper(stage, RECOVERY_POINTS, (file) => {
    const readLater = file.readLater.bind(file)
    file.readLater = async (position, into) => {
      const length = await readLater(position, into)
      const text = Buffer.from(into.buffer, into.byteOffset, length)
      text.write(
        text.toString('latin1').replace(/\d+$/gm, (digits, at) => (at < 4 ? digits : '0'.repeat(digits.length))),
        'latin1',
      )
      return length
    }
  })
}

/** The checkpoint says that more is safe than is. */
export const checkpointAhead: Plant = (stage) => ahead(stage, RECOVERY_POINTS)

/** The checkpoint says that more was cleaned than was. */
export const cleanedAhead: Plant = (stage) => ahead(stage, CLEANED)

function ahead(stage: Stage, fits: RegExp): void {
  tamper(stage, fits, (file) => {
    const writeLater = file.writeLater.bind(file)
    file.writeLater = (position, views, durable) => {
      const text = Buffer.concat(views).toString('latin1')
      const [version, entries, ...lines] = text.split('\n')
      const ahead = lines.map((line) => line.replace(/\d+$/, (digits) => `${Number(digits) + 20}`))
      return writeLater(position, [Buffer.from([version, entries, ...ahead].join('\n'))], durable)
    }
  })
}

/** The names of a compaction are not made durable between its steps: only once it is over. */
export const swapUnsynced: Plant = (stage) => unsyncedWhile(stage, '.swap')

/** Segments that retention takes are not gone for good before the next one goes. */
export const retentionUnsynced: Plant = (stage) => unsyncedWhile(stage, '.deleted')

function unsyncedWhile({ host }: Stage, suffix: string): void {
  const { disk } = host
  const syncDirectory = disk.syncDirectory.bind(disk)
  disk.syncDirectory = async (path) => {
    if (!disk.paths().some((each) => each.startsWith(`${path}/`) && each.endsWith(suffix))) await syncDirectory(path)
  }
}

/** The cleaner takes the last value of a key for one that was overwritten. */
export function lastValueDropped(): () => void {
  const get = KeyOffsetMap.prototype.get
  KeyOffsetMap.prototype.get = function (key) {
    const offset = get.call(this, key)
    return offset < 0 ? offset : offset + 1
  }
  return () => {
    KeyOffsetMap.prototype.get = get
  }
}

/** A start knows no producer. */
export function producersForgotten(): () => void {
  const { openFound } = LogDirectory.prototype
  LogDirectory.prototype.openFound = async function (topic, partition, config) {
    const log = await openFound.call(this, topic, partition, config)
    log.configure({ ...config, producerIdExpirationMs: -1_000_000 })
    log.expireProducers()
    log.configure(config)
    return log
  }
  return () => {
    LogDirectory.prototype.openFound = openFound
  }
}
