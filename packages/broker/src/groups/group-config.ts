/** What an operator sets about groups. Times in milliseconds, sizes as the names say. */
export interface GroupConfig {
  /** `group.min.session.timeout.ms`, `group.max.session.timeout.ms`: what a member may ask for. */
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  /** `group.initial.rebalance.delay.ms`: how long an empty group waits, after its first member, for more of them. */
  readonly initialRebalanceDelayMs: number
  /** `group.max.size`: members of one group. */
  readonly maxSize: number
  /**
   * How long an answer to a heartbeat is held back, so that news of a rebalance needs no further heartbeat. 0: never. Best above a client's
   * heartbeat.interval.ms (3 s), for then the next heartbeat follows at once, and auto.commit.interval.ms (5 s), for a commit ends a hold.
   */
  readonly heartbeatHoldMaxMs: number
  /** `offset.metadata.max.bytes`: of the text beside one committed offset; Kafka counts UTF-16 units. */
  readonly offsetMetadataMaxBytes: number
  /** `offsets.retention.minutes` and `offsets.retention.check.interval.ms`. */
  readonly offsetsRetentionMs: number
  readonly offsetsRetentionCheckIntervalMs: number
}

export const GROUP_CONFIG_DEFAULTS: GroupConfig = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 100,
  maxSize: 2_147_483_647,
  heartbeatHoldMaxMs: 7_000,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMs: 10_080 * 60_000,
  offsetsRetentionCheckIntervalMs: 600_000,
}
