import { BatchBuilder } from '@ottla/protocol'
import { DEFAULT_LOG_CONFIG, type LogConfig } from '../src/index.ts'

export interface BatchShape {
  readonly count?: number
  readonly valueBytes?: number
  /** Of the first record; each next one is 1 ms later. */
  readonly timestamp?: number
  readonly codec?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly text?: string
}

/** A valid batch as a client would send it. */
export function batch(shape: BatchShape = {}): Buffer {
  const { count = 1, valueBytes = 20, timestamp = 1000, text = 'v', ...options } = shape
  const builder = new BatchBuilder(options)
  for (let i = 0; i < count; i++) {
    builder.append(Buffer.from(`k${i}`), Buffer.alloc(valueBytes, `${text}${i} `), [], timestamp + i)
  }
  return builder.build()
}

export function config(changes: Partial<LogConfig> = {}): LogConfig {
  return { ...DEFAULT_LOG_CONFIG, ...changes }
}

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
export const CLIENT = { acks: 1, origin: 'client' } as const
