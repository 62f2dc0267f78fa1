import { ErrorCode, errorName, KafkaError } from '@ottla/protocol'

/**
 * `connect`: nobody answers there. `disconnected`: a connection ended with requests unanswered. `timeout`: no answer or no result in time.
 * `unsupported`: the broker lacks the API or a version of it. `protocol`: what came is not Kafka's protocol. `closed`: this client was
 * closed. `buffer-full`: more records wait than may. `no-offset`: nowhere to start reading. `usage`: the call makes no sense.
 */
export type ClientErrorKind =
  | 'connect'
  | 'disconnected'
  | 'timeout'
  | 'unsupported'
  | 'protocol'
  | 'closed'
  | 'buffer-full'
  | 'no-offset'
  | 'usage'

/** What the client itself finds wrong; a broker's refusal is a KafkaError. The message is a sentence that says what to do. */
export class ClientError extends Error {
  readonly kind: ClientErrorKind

  constructor(kind: ClientErrorKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ClientError'
    this.kind = kind
  }

  /** The same call may succeed later. */
  get retriable(): boolean {
    return this.kind === 'connect' || this.kind === 'disconnected' || this.kind === 'timeout'
  }
}

/** Whether what failed with `error` may be tried again. */
export function isRetriable(error: unknown): boolean {
  return (error instanceof KafkaError || error instanceof ClientError) && error.retriable
}

/** What to do, for the refusals that people meet. */
const ADVICE: Readonly<Record<number, string>> = {
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]: 'create the topic, or check its name',
  [ErrorCode.LEADER_NOT_AVAILABLE]: 'it has no leader yet: try again, or see whether its brokers run',
  [ErrorCode.NOT_LEADER_OR_FOLLOWER]: 'its leader moved: read metadata and try again',
  [ErrorCode.REQUEST_TIMED_OUT]: 'the broker could not finish in time: try again, or give it more time',
  [ErrorCode.MESSAGE_TOO_LARGE]: 'send smaller batches, or raise max.message.bytes of the topic',
  [ErrorCode.RECORD_LIST_TOO_LARGE]: 'send smaller batches, or raise segment.bytes of the topic',
  [ErrorCode.NOT_ENOUGH_REPLICAS]: 'too few replicas are in sync: start brokers, or lower min.insync.replicas',
  [ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND]: 'too few replicas are in sync: start brokers, or lower min.insync.replicas',
  [ErrorCode.OFFSET_OUT_OF_RANGE]: 'seek to an offset that the partition has, or set autoOffsetReset',
  [ErrorCode.INVALID_TOPIC_EXCEPTION]: 'choose a name of at most 249 of [a-zA-Z0-9._-] that is not internal',
  [ErrorCode.TOPIC_ALREADY_EXISTS]: 'use the topic that exists, or choose another name',
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED]: 'ask for the right to use the topic',
  [ErrorCode.GROUP_AUTHORIZATION_FAILED]: 'ask for the right to use the group',
  [ErrorCode.CLUSTER_AUTHORIZATION_FAILED]: 'ask for the right to do this on the cluster',
  [ErrorCode.UNSUPPORTED_COMPRESSION_TYPE]: 'choose another codec',
  [ErrorCode.UNSUPPORTED_VERSION]: 'use a newer broker',
  [ErrorCode.INVALID_REPLICATION_FACTOR]: 'choose a replication factor of at most the number of brokers',
  [ErrorCode.NON_EMPTY_GROUP]: 'stop the members of the group first',
  [ErrorCode.GROUP_ID_NOT_FOUND]: 'check the name of the group',
  [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]: 'stop the members that read the topic first',
  [ErrorCode.UNKNOWN_MEMBER_ID]: 'the group has other members now: stop them, or join anew',
  [ErrorCode.ILLEGAL_GENERATION]: 'the group moved on to its next generation: join anew',
  [ErrorCode.REBALANCE_IN_PROGRESS]: 'the group is rebalancing: try again when it is done',
  [ErrorCode.FENCED_INSTANCE_ID]: 'another member has this group.instance.id: give each its own',
  [ErrorCode.INCONSISTENT_GROUP_PROTOCOL]: 'use an assignor that every member of the group has',
  [ErrorCode.INVALID_SESSION_TIMEOUT]: 'choose a session timeout that the broker allows (6 s to 30 min by default)',
  [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER]: 'records before these may be lost: look at the partition before you send them again',
  [ErrorCode.COORDINATOR_NOT_AVAILABLE]: 'the coordinator is not ready: try again',
  [ErrorCode.INVALID_RECORD]: 'check the records: a compacted topic, for one, wants a key in each',
  [ErrorCode.INVALID_TIMESTAMP]: "check the records' timestamps against the topic's limits",
}

/** A broker's refusal as an error: what was asked, the code's name, the broker's own words if any, and what to do. */
export function refusal(code: number, what: string, brokerMessage?: string | null): KafkaError {
  const said = brokerMessage === undefined || brokerMessage === null || brokerMessage === '' ? '' : ` (${brokerMessage.replace(/\.$/, '')})`
  const advice = ADVICE[code]
  return new KafkaError(code, `${what} was refused: ${errorName(code)}${said}${advice === undefined ? '' : `; ${advice}`}.`)
}
