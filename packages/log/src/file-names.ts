/** Names in a partition's directory (formats §5). */
const OFFSET_DIGITS = 20

/** Of the files that a segment is made of. */
export const SEGMENT_SUFFIXES = ['.log', '.index', '.timeindex', '.txnindex'] as const

export type SegmentSuffix = (typeof SEGMENT_SUFFIXES)[number] | '.snapshot'

/** `00000000000000000042.log` */
export function fileName(offset: number, suffix: SegmentSuffix): string {
  return String(offset).padStart(OFFSET_DIGITS, '0') + suffix
}

/** The offset in the name of a file with this suffix, or null. */
export function offsetOf(name: string, suffix: string): number | null {
  if (!name.endsWith(suffix) || name.length !== OFFSET_DIGITS + suffix.length) return null
  const digits = name.slice(0, OFFSET_DIGITS)
  return /^\d+$/.test(digits) ? Number(digits) : null
}

const DIRECTORY_NAME_MAX = 255
const DIRECTORY = /^(.{1,249})-(\d{1,10})$/

/** KRaft's own log, where a directory comes from a KRaft broker: no partition of a topic. */
export const METADATA_LOG = '__cluster_metadata-0'

/** Topic and partition of a directory `<topic>-<partition>`, or null. */
export function topicPartitionOf(name: string): { topic: string; partition: number } | null {
  if (name === METADATA_LOG) return null
  const match = DIRECTORY.exec(name)
  if (match === null || !/^[a-zA-Z0-9._-]+$/.test(match[1]!)) return null
  return { topic: match[1]!, partition: Number(match[2]) }
}

export const DELETED_SUFFIX = '.deleted'
/** The name of a partition's directory that is about to go, or is kept aside: `<topic>-<partition>.<32 hex digits>-delete`, or `-stray`. */
export function directoryNameAs(as: 'delete' | 'stray', topic: string, partition: number, hexDigits: string): string {
  const suffix = `-${partition}.${hexDigits}-${as}`
  return topic.slice(0, DIRECTORY_NAME_MAX - suffix.length) + suffix
}

export const DELETED_DIRECTORY = /\.[0-9a-f]{32}-delete$/

/** In a log directory: its last process ended as it should. */
export const CLEAN_MARKER = '.kafka_cleanshutdown'
