/** Bugs that a server could have, planted from outside into the disk that it runs on. */
import type { File } from '@ottla/env'
import { crc32c } from '@ottla/wire'
import type { Stage } from './stage.ts'

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

/** Records are written some time after their turn, and so after their ack. */
export function ackBeforeWrite(stage: Stage): void {
  tamper(stage, RECORDS, (file) => {
    const write = file.write.bind(file)
    file.write = (position, views) => {
      const copies = views.map((view) => Buffer.from(view))
      stage.host.clock.after(3, () => write(position, copies))
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
export function checkpointAhead(stage: Stage): void {
  tamper(stage, RECOVERY_POINTS, (file) => {
    const writeLater = file.writeLater.bind(file)
    file.writeLater = (position, views, durable) => {
      const text = Buffer.concat(views).toString('latin1')
      const [version, entries, ...lines] = text.split('\n')
      const ahead = lines.map((line) => line.replace(/\d+$/, (digits) => `${Number(digits) + 20}`))
      return writeLater(position, [Buffer.from([version, entries, ...ahead].join('\n'))], durable)
    }
  })
}

/** A producer snapshot knows no producer. */
export function producersForgotten(stage: Stage): void {
  tamper(stage, /\.snapshot\.tmp$/, (file) => {
    const writeLater = file.writeLater.bind(file)
    file.writeLater = (position, _views, durable) => {
      const empty = Buffer.alloc(10)
      empty.writeInt16BE(1, 0)
      empty.writeUInt32BE(crc32c(empty.subarray(6)), 2)
      return writeLater(position, [empty], durable)
    }
  })
}
