import { GroupMetadataKey, GroupMetadataValue } from '@ottla/protocol/data/classic-groups'
import { ConsumerProtocolSubscription } from '@ottla/protocol/data/consumer-protocol'
import { LegacyOffsetCommitValue, OffsetCommitKey, OffsetCommitValue } from '@ottla/protocol/data/offsets'
import { GroupRecordType } from '@ottla/protocol/data/record-types'
import { Reader, Writer, type Fields, type Encodable, type Decoded } from '@ottla/wire'
import type { Message } from '@ottla/wire'
import type { PartitionOffset } from './committed-offsets.ts'
import type { GroupRecord } from './group-log.ts'
import type { GroupSnapshot } from './group-requests.ts'

/** The versions that Kafka 3.9 to 4.x write. Readers take any that exist. */
const GROUP_METADATA_VERSION = 3
const OFFSET_COMMIT_VERSION = 3
/** The only version that carries a time of expiry. */
const OFFSET_COMMIT_EXPIRING_VERSION = 1

/** What one record of `__consumer_offsets` says. Null where something is deleted, or where the record is of no kind known here. */
export type GroupFact =
  | {
      readonly kind: 'offset'
      readonly groupId: string
      readonly topic: string
      readonly partition: number
      readonly offset: PartitionOffset | null
    }
  | { readonly kind: 'group'; readonly groupId: string; readonly group: GroupSnapshot | null }
  | { readonly kind: 'other'; readonly type: number }

export function offsetRecord(groupId: string, committed: PartitionOffset): GroupRecord {
  const { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs } = committed
  const version = expireTimestampMs === null ? OFFSET_COMMIT_VERSION : OFFSET_COMMIT_EXPIRING_VERSION
  const value = { offset, leaderEpoch, metadata, commitTimestamp: commitTimestampMs, expireTimestamp: expireTimestampMs ?? -1 }
  return { key: offsetKey(groupId, committed), value: prefixed(version, OffsetCommitValue, version, value) }
}

export function offsetTombstone(groupId: string, at: { readonly topic: string; readonly partition: number }): GroupRecord {
  return { key: offsetKey(groupId, at), value: null }
}

export function groupRecord(group: GroupSnapshot): GroupRecord {
  const value = prefixed(GROUP_METADATA_VERSION, GroupMetadataValue, GROUP_METADATA_VERSION, {
    protocolType: group.protocolType ?? '',
    generation: group.generationId,
    protocol: group.protocolName,
    leader: group.leader,
    currentStateTimestamp: group.stateTimestampMs,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.metadata,
      assignment: member.assignment,
    })),
  })
  return { key: groupKey(group.groupId), value }
}

export function groupTombstone(groupId: string): GroupRecord {
  return { key: groupKey(groupId), value: null }
}

/** Reads a record; throws DecodeError where it is not what its key's type says. Copies what it keeps. */
export function groupFact(key: Buffer, value: Buffer | null): GroupFact {
  const reader = new Reader(key)
  const type = reader.int16()
  if (type === GroupRecordType.GroupMetadata) {
    const { group: groupId } = GroupMetadataKey.decode(reader, 0)
    return { kind: 'group', groupId, group: value === null ? null : groupOf(groupId, new Reader(value)) }
  }
  if (type !== GroupRecordType.OffsetCommit && type !== GroupRecordType.LegacyOffsetCommit) return { kind: 'other', type }
  const { group: groupId, topic, partition } = OffsetCommitKey.decode(reader, 0)
  if (value === null) return { kind: 'offset', groupId, topic, partition, offset: null }
  const valueReader = new Reader(value)
  const version = valueReader.int16()
  const legacy = type === GroupRecordType.LegacyOffsetCommit && version === 0
  const stored = legacy
    ? { ...LegacyOffsetCommitValue.decode(valueReader, 0), leaderEpoch: -1, expireTimestamp: -1 }
    : OffsetCommitValue.decode(valueReader, version)
  const offset = {
    topic,
    partition,
    offset: stored.offset,
    leaderEpoch: stored.leaderEpoch,
    metadata: stored.metadata,
    commitTimestampMs: stored.commitTimestamp,
    expireTimestampMs: stored.expireTimestamp === -1 ? null : stored.expireTimestamp,
  }
  return { kind: 'offset', groupId, topic, partition, offset }
}

function groupOf(groupId: string, reader: Reader): GroupSnapshot {
  const stored: Decoded<typeof GroupMetadataValue.fields> = GroupMetadataValue.decode(reader, reader.int16())
  return {
    groupId,
    generationId: stored.generation,
    protocolType: stored.protocolType === '' ? null : stored.protocolType,
    protocolName: stored.protocol,
    leader: stored.leader,
    stateTimestampMs: stored.currentStateTimestamp,
    members: stored.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 has one timeout for both.
      rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      metadata: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  }
}

/**
 * The topics that members of type `consumer` subscribe to, from what they say under the group's protocol; null where that is not in
 * the consumer protocol's form.
 */
export function subscribedTopics(group: GroupSnapshot): Set<string> | null {
  const topics = new Set<string>()
  try {
    for (const member of group.members) {
      const reader = new Reader(member.metadata)
      // Later versions only add at the end.
      const version = Math.min(reader.int16(), 3)
      for (const topic of ConsumerProtocolSubscription.decode(reader, Math.max(version, 0)).topics) topics.add(topic)
    }
  } catch {
    return null
  }
  return topics
}

const groupKey = (groupId: string): Buffer => prefixed(GroupRecordType.GroupMetadata, GroupMetadataKey, 0, { group: groupId })

function offsetKey(group: string, { topic, partition }: { readonly topic: string; readonly partition: number }): Buffer {
  return prefixed(GroupRecordType.OffsetCommit, OffsetCommitKey, 0, { group, topic, partition })
}

/** Keys begin with their type, values with their version. */
function prefixed<F extends Fields>(prefix: number, message: Message<F>, version: number, value: Encodable<F>): Buffer {
  const writer = new Writer()
  writer.int16(prefix)
  message.encode(writer, version, value)
  return writer.toBuffer()
}
