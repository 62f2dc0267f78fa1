import { ErrorCode, KafkaError } from '@ottla/protocol'

/** What of a log its errors tell. */
interface NamedLog {
  readonly topic: string
  readonly partition: number
  readonly directory: string
  readonly failed: Error | null
  readonly logStartOffset: number
  readonly logEndOffset: number
}

export function outOfRange({ topic, partition, logStartOffset, logEndOffset }: NamedLog, offset: number): KafkaError {
  const sentence = `offset ${offset} of ${topic}-${partition}, which has [${logStartOffset}, ${logEndOffset})`
  return new KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, sentence)
}

/** What the disk did, in Kafka's words. `cause` null: the log is not there to be written to, though nothing failed. */
export function storageError({ directory, failed }: NamedLog, cause: Error | null): KafkaError {
  if (cause instanceof KafkaError) return cause
  const why = cause === null ? 'is closed or being cut' : `${failed === null ? 'could not be written' : 'is offline'}: ${cause.message}`
  return new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `the log ${directory} ${why}`)
}
