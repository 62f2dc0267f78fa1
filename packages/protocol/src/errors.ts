/** One of Kafka's error codes. */
export interface ErrorRow {
  readonly code: number
  /** The same request may succeed later. */
  readonly retriable: boolean
  /** The client's view of the cluster is out of date: it reads metadata before it tries again. */
  readonly refreshMetadata: boolean
}

const final = <const C extends number>(code: C) => ({ code, retriable: false, refreshMetadata: false }) as const
const retriable = <const C extends number>(code: C) => ({ code, retriable: true, refreshMetadata: false }) as const
const refreshing = <const C extends number>(code: C) => ({ code, retriable: true, refreshMetadata: true }) as const

/** Every error of Kafka's protocol, by name. */
export const ERROR_TABLE = {
  UNKNOWN_SERVER_ERROR: final(-1),
  NONE: final(0),
  OFFSET_OUT_OF_RANGE: final(1),
  CORRUPT_MESSAGE: retriable(2),
  UNKNOWN_TOPIC_OR_PARTITION: refreshing(3),
  INVALID_FETCH_SIZE: final(4),
  LEADER_NOT_AVAILABLE: refreshing(5),
  NOT_LEADER_OR_FOLLOWER: refreshing(6),
  REQUEST_TIMED_OUT: retriable(7),
  BROKER_NOT_AVAILABLE: final(8),
  REPLICA_NOT_AVAILABLE: refreshing(9),
  MESSAGE_TOO_LARGE: final(10),
  STALE_CONTROLLER_EPOCH: final(11),
  OFFSET_METADATA_TOO_LARGE: final(12),
  NETWORK_EXCEPTION: refreshing(13),
  COORDINATOR_LOAD_IN_PROGRESS: retriable(14),
  COORDINATOR_NOT_AVAILABLE: retriable(15),
  NOT_COORDINATOR: retriable(16),
  INVALID_TOPIC_EXCEPTION: final(17),
  RECORD_LIST_TOO_LARGE: final(18),
  NOT_ENOUGH_REPLICAS: retriable(19),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: retriable(20),
  INVALID_REQUIRED_ACKS: final(21),
  ILLEGAL_GENERATION: final(22),
  INCONSISTENT_GROUP_PROTOCOL: final(23),
  INVALID_GROUP_ID: final(24),
  UNKNOWN_MEMBER_ID: final(25),
  INVALID_SESSION_TIMEOUT: final(26),
  REBALANCE_IN_PROGRESS: final(27),
  INVALID_COMMIT_OFFSET_SIZE: final(28),
  TOPIC_AUTHORIZATION_FAILED: final(29),
  GROUP_AUTHORIZATION_FAILED: final(30),
  CLUSTER_AUTHORIZATION_FAILED: final(31),
  INVALID_TIMESTAMP: final(32),
  UNSUPPORTED_SASL_MECHANISM: final(33),
  ILLEGAL_SASL_STATE: final(34),
  UNSUPPORTED_VERSION: final(35),
  TOPIC_ALREADY_EXISTS: final(36),
  INVALID_PARTITIONS: final(37),
  INVALID_REPLICATION_FACTOR: final(38),
  INVALID_REPLICA_ASSIGNMENT: final(39),
  INVALID_CONFIG: final(40),
  NOT_CONTROLLER: retriable(41),
  INVALID_REQUEST: final(42),
  UNSUPPORTED_FOR_MESSAGE_FORMAT: final(43),
  POLICY_VIOLATION: final(44),
  OUT_OF_ORDER_SEQUENCE_NUMBER: final(45),
  DUPLICATE_SEQUENCE_NUMBER: final(46),
  INVALID_PRODUCER_EPOCH: final(47),
  INVALID_TXN_STATE: final(48),
  INVALID_PRODUCER_ID_MAPPING: final(49),
  INVALID_TRANSACTION_TIMEOUT: final(50),
  CONCURRENT_TRANSACTIONS: retriable(51),
  TRANSACTION_COORDINATOR_FENCED: final(52),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: final(53),
  SECURITY_DISABLED: final(54),
  OPERATION_NOT_ATTEMPTED: final(55),
  KAFKA_STORAGE_ERROR: refreshing(56),
  LOG_DIR_NOT_FOUND: final(57),
  SASL_AUTHENTICATION_FAILED: final(58),
  UNKNOWN_PRODUCER_ID: final(59),
  REASSIGNMENT_IN_PROGRESS: final(60),
  DELEGATION_TOKEN_AUTH_DISABLED: final(61),
  DELEGATION_TOKEN_NOT_FOUND: final(62),
  DELEGATION_TOKEN_OWNER_MISMATCH: final(63),
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: final(64),
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: final(65),
  DELEGATION_TOKEN_EXPIRED: final(66),
  INVALID_PRINCIPAL_TYPE: final(67),
  NON_EMPTY_GROUP: final(68),
  GROUP_ID_NOT_FOUND: final(69),
  FETCH_SESSION_ID_NOT_FOUND: retriable(70),
  INVALID_FETCH_SESSION_EPOCH: retriable(71),
  LISTENER_NOT_FOUND: refreshing(72),
  TOPIC_DELETION_DISABLED: final(73),
  FENCED_LEADER_EPOCH: refreshing(74),
  UNKNOWN_LEADER_EPOCH: retriable(75),
  UNSUPPORTED_COMPRESSION_TYPE: final(76),
  STALE_BROKER_EPOCH: final(77),
  OFFSET_NOT_AVAILABLE: retriable(78),
  MEMBER_ID_REQUIRED: final(79),
  PREFERRED_LEADER_NOT_AVAILABLE: refreshing(80),
  GROUP_MAX_SIZE_REACHED: final(81),
  FENCED_INSTANCE_ID: final(82),
  ELIGIBLE_LEADERS_NOT_AVAILABLE: refreshing(83),
  ELECTION_NOT_NEEDED: refreshing(84),
  NO_REASSIGNMENT_IN_PROGRESS: final(85),
  GROUP_SUBSCRIBED_TO_TOPIC: final(86),
  INVALID_RECORD: final(87),
  UNSTABLE_OFFSET_COMMIT: retriable(88),
  THROTTLING_QUOTA_EXCEEDED: retriable(89),
  PRODUCER_FENCED: final(90),
  RESOURCE_NOT_FOUND: final(91),
  DUPLICATE_RESOURCE: final(92),
  UNACCEPTABLE_CREDENTIAL: final(93),
  INCONSISTENT_VOTER_SET: final(94),
  INVALID_UPDATE_VERSION: final(95),
  FEATURE_UPDATE_FAILED: final(96),
  PRINCIPAL_DESERIALIZATION_FAILURE: final(97),
  SNAPSHOT_NOT_FOUND: final(98),
  POSITION_OUT_OF_RANGE: final(99),
  UNKNOWN_TOPIC_ID: refreshing(100),
  DUPLICATE_BROKER_REGISTRATION: final(101),
  BROKER_ID_NOT_REGISTERED: final(102),
  INCONSISTENT_TOPIC_ID: refreshing(103),
  INCONSISTENT_CLUSTER_ID: final(104),
  TRANSACTIONAL_ID_NOT_FOUND: final(105),
  FETCH_SESSION_TOPIC_ID_ERROR: retriable(106),
  INELIGIBLE_REPLICA: final(107),
  NEW_LEADER_ELECTED: final(108),
  OFFSET_MOVED_TO_TIERED_STORAGE: final(109),
  FENCED_MEMBER_EPOCH: final(110),
  UNRELEASED_INSTANCE_ID: final(111),
  UNSUPPORTED_ASSIGNOR: final(112),
  STALE_MEMBER_EPOCH: final(113),
  MISMATCHED_ENDPOINT_TYPE: final(114),
  UNSUPPORTED_ENDPOINT_TYPE: final(115),
  UNKNOWN_CONTROLLER_ID: final(116),
  UNKNOWN_SUBSCRIPTION_ID: final(117),
  TELEMETRY_TOO_LARGE: final(118),
  INVALID_REGISTRATION: final(119),
  TRANSACTION_ABORTABLE: final(120),
  INVALID_RECORD_STATE: final(121),
  SHARE_SESSION_NOT_FOUND: retriable(122),
  INVALID_SHARE_SESSION_EPOCH: retriable(123),
  FENCED_STATE_EPOCH: final(124),
  INVALID_VOTER_KEY: final(125),
  DUPLICATE_VOTER: final(126),
  VOTER_NOT_FOUND: final(127),
  INVALID_REGULAR_EXPRESSION: final(128),
  REBOOTSTRAP_REQUIRED: final(129),
  STREAMS_INVALID_TOPOLOGY: final(130),
  STREAMS_INVALID_TOPOLOGY_EPOCH: final(131),
  STREAMS_TOPOLOGY_FENCED: final(132),
  SHARE_SESSION_LIMIT_REACHED: retriable(133),
  GROUP_DELETION_FAILED: final(134),
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: final(135),
  CONTROLLER_ID_NOT_REGISTERED: final(136),
} satisfies Record<string, ErrorRow>

export type ErrorName = keyof typeof ERROR_TABLE

const entries = Object.entries(ERROR_TABLE) as [ErrorName, ErrorRow][]
const nameByCode = new Map(entries.map(([name, row]) => [row.code, name]))

/** Codes by name: `ErrorCode.OFFSET_OUT_OF_RANGE` is 1. */
export const ErrorCode = Object.fromEntries(entries.map(([name, row]) => [name, row.code])) as {
  readonly [N in ErrorName]: (typeof ERROR_TABLE)[N]['code']
}

/** The name of a code; a code that no Kafka of our time knows is named by its number. */
export function errorName(code: number): string {
  return nameByCode.get(code) ?? `UNKNOWN_ERROR_CODE_${code}`
}

/** The table's row of a code; a code that it lacks counts as an unknown server error. */
export function errorRow(code: number): ErrorRow {
  return ERROR_TABLE[nameByCode.get(code) ?? 'UNKNOWN_SERVER_ERROR']
}

/** What a request is refused with: Kafka's code, and a sentence that says what to do. */
export class KafkaError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'KafkaError'
    this.code = code
  }

  /** The same request may succeed later. */
  get retriable(): boolean {
    return errorRow(this.code).retriable
  }

  /** The client should read metadata before it tries again. */
  get refreshMetadata(): boolean {
    return errorRow(this.code).refreshMetadata
  }
}
