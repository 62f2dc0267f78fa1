import type { Env } from '../env.ts'
import { NodeClock } from './clock.ts'
import { NodeDisk } from './disk.ts'
import { NodeLogger, type LogLevel, type LogSink } from './logger.ts'
import { NodeLoop } from './loop.ts'
import { loadNative } from './native.ts'
import { NodeNet } from './net.ts'
import { NodeRandom } from './random.ts'

export type { LogLevel, LogSink } from './logger.ts'

export interface NodeEnvOptions {
  /** The least that is written; `info` unless told. */
  readonly logLevel?: LogLevel
  /** Standard error unless told. A terminal gets text, all else a JSON object a line. */
  readonly logTo?: LogSink
  /** False: nothing but Node's public interfaces. So it also is where OTTLA_NATIVE=off, or koffi does not load. */
  readonly native?: boolean
}

/** The real world: this machine's disk, network, time and chance. One for a process (or worker) is enough: its loop is the real one. */
export function nodeEnv(options: NodeEnvOptions = {}): Env {
  const native = options.native === false ? () => null : loadNative
  const loop = new NodeLoop()
  const log = new NodeLogger(options.logLevel ?? 'info', options.logTo)
  return {
    clock: new NodeClock(loop),
    random: new NodeRandom(),
    loop,
    disk: new NodeDisk(native),
    net: new NodeNet(loop, native, log),
    log,
  }
}
