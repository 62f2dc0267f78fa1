import { bytes, int32, list, message, string, type Decoded } from '@ottla/wire'

/**
 * What a member of type `consumer` says in JoinGroup, behind an int16 version 0-3. Owned partitions KIP-429, generations KIP-792,
 * racks KIP-881.
 */
export const ConsumerProtocolSubscription = message('ConsumerProtocolSubscription', {
  topics: list(string()),
  userData: bytes('0+', null),
  ownedPartitions: list({ topic: string(), partitions: list(int32()) }, '1+'),
  generationId: int32('2+', -1),
  rackId: string('3+', null),
}, 'none')
export type ConsumerProtocolSubscription = Decoded<typeof ConsumerProtocolSubscription.fields>

/** What the leader of type `consumer` assigns in SyncGroup, behind an int16 version 0-3. */
export const ConsumerProtocolAssignment = message('ConsumerProtocolAssignment', {
  assignedPartitions: list({ topic: string(), partitions: list(int32()) }),
  userData: bytes('0+', null),
}, 'none')
export type ConsumerProtocolAssignment = Decoded<typeof ConsumerProtocolAssignment.fields>
