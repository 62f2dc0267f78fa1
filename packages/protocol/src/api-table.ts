/** One API of Kafka's protocol. Version ranges are written as `'3'`, `'0-13'`, `'9+'` or `'none'`. */
export interface ApiRow {
  readonly key: number
  readonly name: string
  /** What is declared: every version that Kafka 3.9 or 4.4 speaks. */
  readonly versions: string
  /** The versions whose strings and lists are compact and whose structs end with tags (KIP-482). */
  readonly flexible: string
  /** What the broker answers and lists in ApiVersions; null: nothing. */
  readonly served: string | null
}

/**
 * Every API that a broker's listener knows. ApiVersions, headers and authorisation are derived from it, and it loads no message.
 * Requests that only ZooKeeper-mode brokers (4-7) or KRaft controllers send one another (52-54, 56, 58, 59, 62, 63, 67, 70, 73, 82) are
 * not declared.
 */
export const API_TABLE = [
  { key: 0, name: 'Produce', versions: '0-13', flexible: '9+', served: '0-13' },
  { key: 1, name: 'Fetch', versions: '0-18', flexible: '12+', served: '0-18' },
  { key: 2, name: 'ListOffsets', versions: '0-11', flexible: '6+', served: '0-11' },
  { key: 3, name: 'Metadata', versions: '0-13', flexible: '9+', served: '0-13' },
  { key: 8, name: 'OffsetCommit', versions: '0-10', flexible: '8+', served: '0-10' },
  { key: 9, name: 'OffsetFetch', versions: '0-10', flexible: '6+', served: '0-10' },
  { key: 10, name: 'FindCoordinator', versions: '0-6', flexible: '3+', served: '0-6' },
  { key: 11, name: 'JoinGroup', versions: '0-9', flexible: '6+', served: '0-9' },
  { key: 12, name: 'Heartbeat', versions: '0-4', flexible: '4+', served: '0-4' },
  { key: 13, name: 'LeaveGroup', versions: '0-5', flexible: '4+', served: '0-5' },
  { key: 14, name: 'SyncGroup', versions: '0-5', flexible: '4+', served: '0-5' },
  { key: 15, name: 'DescribeGroups', versions: '0-6', flexible: '5+', served: '0-6' },
  { key: 16, name: 'ListGroups', versions: '0-5', flexible: '3+', served: '0-5' },
  { key: 17, name: 'SaslHandshake', versions: '0-1', flexible: 'none', served: null },
  { key: 18, name: 'ApiVersions', versions: '0-5', flexible: '3+', served: '0-5' },
  { key: 19, name: 'CreateTopics', versions: '0-7', flexible: '5+', served: '0-7' },
  { key: 20, name: 'DeleteTopics', versions: '0-6', flexible: '4+', served: '0-6' },
  { key: 21, name: 'DeleteRecords', versions: '0-2', flexible: '2+', served: '0-2' },
  { key: 22, name: 'InitProducerId', versions: '0-6', flexible: '2+', served: '0-6' },
  { key: 23, name: 'OffsetForLeaderEpoch', versions: '0-4', flexible: '4+', served: null },
  { key: 24, name: 'AddPartitionsToTxn', versions: '0-5', flexible: '3+', served: null },
  { key: 25, name: 'AddOffsetsToTxn', versions: '0-4', flexible: '3+', served: null },
  { key: 26, name: 'EndTxn', versions: '0-5', flexible: '3+', served: null },
  { key: 27, name: 'WriteTxnMarkers', versions: '0-2', flexible: '1+', served: null },
  { key: 28, name: 'TxnOffsetCommit', versions: '0-6', flexible: '3+', served: null },
  { key: 29, name: 'DescribeAcls', versions: '0-3', flexible: '2+', served: null },
  { key: 30, name: 'CreateAcls', versions: '0-3', flexible: '2+', served: null },
  { key: 31, name: 'DeleteAcls', versions: '0-3', flexible: '2+', served: null },
  { key: 32, name: 'DescribeConfigs', versions: '0-4', flexible: '4+', served: '0-4' },
  { key: 33, name: 'AlterConfigs', versions: '0-2', flexible: '2+', served: null },
  { key: 34, name: 'AlterReplicaLogDirs', versions: '0-2', flexible: '2+', served: null },
  { key: 35, name: 'DescribeLogDirs', versions: '0-5', flexible: '2+', served: null },
  { key: 36, name: 'SaslAuthenticate', versions: '0-2', flexible: '2+', served: null },
  { key: 37, name: 'CreatePartitions', versions: '0-3', flexible: '2+', served: null },
  { key: 38, name: 'CreateDelegationToken', versions: '0-3', flexible: '2+', served: null },
  { key: 39, name: 'RenewDelegationToken', versions: '0-2', flexible: '2+', served: null },
  { key: 40, name: 'ExpireDelegationToken', versions: '0-2', flexible: '2+', served: null },
  { key: 41, name: 'DescribeDelegationToken', versions: '0-3', flexible: '2+', served: null },
  { key: 42, name: 'DeleteGroups', versions: '0-3', flexible: '2+', served: '0-3' },
  { key: 43, name: 'ElectLeaders', versions: '0-2', flexible: '2+', served: null },
  { key: 44, name: 'IncrementalAlterConfigs', versions: '0-1', flexible: '1+', served: '0-1' },
  { key: 45, name: 'AlterPartitionReassignments', versions: '0-1', flexible: '0+', served: null },
  { key: 46, name: 'ListPartitionReassignments', versions: '0', flexible: '0+', served: null },
  { key: 47, name: 'OffsetDelete', versions: '0', flexible: 'none', served: '0' },
  { key: 48, name: 'DescribeClientQuotas', versions: '0-1', flexible: '1+', served: null },
  { key: 49, name: 'AlterClientQuotas', versions: '0-1', flexible: '1+', served: null },
  { key: 50, name: 'DescribeUserScramCredentials', versions: '0', flexible: '0+', served: null },
  { key: 51, name: 'AlterUserScramCredentials', versions: '0', flexible: '0+', served: null },
  { key: 55, name: 'DescribeQuorum', versions: '0-2', flexible: '0+', served: null },
  { key: 57, name: 'UpdateFeatures', versions: '0-2', flexible: '0+', served: null },
  { key: 60, name: 'DescribeCluster', versions: '0-2', flexible: '0+', served: '0-2' },
  { key: 61, name: 'DescribeProducers', versions: '0', flexible: '0+', served: null },
  { key: 64, name: 'UnregisterBroker', versions: '0', flexible: '0+', served: null },
  { key: 65, name: 'DescribeTransactions', versions: '0', flexible: '0+', served: null },
  { key: 66, name: 'ListTransactions', versions: '0-2', flexible: '0+', served: null },
  { key: 68, name: 'ConsumerGroupHeartbeat', versions: '0-1', flexible: '0+', served: null },
  { key: 69, name: 'ConsumerGroupDescribe', versions: '0-1', flexible: '0+', served: null },
  { key: 71, name: 'GetTelemetrySubscriptions', versions: '0', flexible: '0+', served: null },
  { key: 72, name: 'PushTelemetry', versions: '0', flexible: '0+', served: null },
  { key: 74, name: 'ListConfigResources', versions: '0-1', flexible: '0+', served: null },
  { key: 75, name: 'DescribeTopicPartitions', versions: '0', flexible: '0+', served: null },
  { key: 76, name: 'ShareGroupHeartbeat', versions: '1', flexible: '0+', served: null },
  { key: 77, name: 'ShareGroupDescribe', versions: '1', flexible: '0+', served: null },
  { key: 78, name: 'ShareFetch', versions: '1-2', flexible: '0+', served: null },
  { key: 79, name: 'ShareAcknowledge', versions: '1-2', flexible: '0+', served: null },
  { key: 80, name: 'AddRaftVoter', versions: '0-1', flexible: '0+', served: null },
  { key: 81, name: 'RemoveRaftVoter', versions: '0', flexible: '0+', served: null },
  { key: 83, name: 'InitializeShareGroupState', versions: '0', flexible: '0+', served: null },
  { key: 84, name: 'ReadShareGroupState', versions: '0', flexible: '0+', served: null },
  { key: 85, name: 'WriteShareGroupState', versions: '0-1', flexible: '0+', served: null },
  { key: 86, name: 'DeleteShareGroupState', versions: '0', flexible: '0+', served: null },
  { key: 87, name: 'ReadShareGroupStateSummary', versions: '0-1', flexible: '0+', served: null },
  { key: 88, name: 'StreamsGroupHeartbeat', versions: '0-1', flexible: '0+', served: null },
  { key: 89, name: 'StreamsGroupDescribe', versions: '0-1', flexible: '0+', served: null },
  { key: 90, name: 'DescribeShareGroupOffsets', versions: '0-1', flexible: '0+', served: null },
  { key: 91, name: 'AlterShareGroupOffsets', versions: '0', flexible: '0+', served: null },
  { key: 92, name: 'DeleteShareGroupOffsets', versions: '0', flexible: '0+', served: null },
  { key: 93, name: 'StreamsGroupTopologyDescriptionUpdate', versions: '0', flexible: '0+', served: null },
  { key: 94, name: 'UnregisterController', versions: '0', flexible: '0+', served: null },
] as const satisfies readonly ApiRow[]

export type ApiName = (typeof API_TABLE)[number]['name']

const rowByName = new Map<string, ApiRow>(API_TABLE.map((row) => [row.name, row]))
const rowByKey = new Map<number, ApiRow>(API_TABLE.map((row) => [row.key, row]))

/** The row of a key that a peer named; undefined where there is none. */
export function apiRow(key: number): ApiRow | undefined {
  return rowByKey.get(key)
}

export function apiRowByName(name: ApiName): ApiRow {
  return rowByName.get(name)!
}
