import { DecodeError, Reader, Writer, type Decoded, type Encodable, type Fields, type Message } from '@ottla/wire'
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  BrokerRegistrationChangeRecord,
  EndTransactionRecord,
  FenceBrokerRecord,
  NoOpRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
  UnregisterControllerRecord,
  ZkMigrationStateRecord,
} from './metadata-brokers.ts'
import {
  AccessControlEntryRecord,
  ClientQuotaRecord,
  ConfigRecord,
  DelegationTokenRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from './metadata-configs.ts'
import {
  ClearElrRecord,
  FeatureLevelRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RemoveTopicRecord,
  TopicRecord,
} from './metadata-topics.ts'

interface RowOf<N extends string, M> {
  readonly name: N
  readonly message: M
  /** The newest version that is known. */
  readonly versionMax: number
}
const row = <N extends string, S extends Fields>(name: N, message: Message<S>, versionMax = 0): RowOf<N, Message<S>> => ({
  name,
  message,
  versionMax,
})

/** The records of `__cluster_metadata`, by the number that stands in front of them. */
export const METADATA_RECORDS = {
  0: row('RegisterBroker', RegisterBrokerRecord, 4),
  1: row('UnregisterBroker', UnregisterBrokerRecord),
  2: row('Topic', TopicRecord),
  3: row('Partition', PartitionRecord, 2),
  4: row('Config', ConfigRecord),
  5: row('PartitionChange', PartitionChangeRecord, 2),
  7: row('FenceBroker', FenceBrokerRecord),
  8: row('UnfenceBroker', UnfenceBrokerRecord),
  9: row('RemoveTopic', RemoveTopicRecord),
  10: row('DelegationToken', DelegationTokenRecord),
  11: row('UserScramCredential', UserScramCredentialRecord),
  12: row('FeatureLevel', FeatureLevelRecord),
  14: row('ClientQuota', ClientQuotaRecord),
  15: row('ProducerIds', ProducerIdsRecord),
  17: row('BrokerRegistrationChange', BrokerRegistrationChangeRecord, 3),
  18: row('AccessControlEntry', AccessControlEntryRecord),
  19: row('RemoveAccessControlEntry', RemoveAccessControlEntryRecord),
  20: row('NoOp', NoOpRecord),
  21: row('ZkMigrationState', ZkMigrationStateRecord),
  22: row('RemoveUserScramCredential', RemoveUserScramCredentialRecord),
  23: row('BeginTransaction', BeginTransactionRecord),
  24: row('EndTransaction', EndTransactionRecord),
  25: row('AbortTransaction', AbortTransactionRecord),
  26: row('RemoveDelegationToken', RemoveDelegationTokenRecord),
  27: row('RegisterController', RegisterControllerRecord),
  28: row('ClearElr', ClearElrRecord),
  29: row('UnregisterController', UnregisterControllerRecord),
} as const

type Rows = typeof METADATA_RECORDS
type OneOf<R> = R extends RowOf<infer N, Message<infer S>> ? { readonly type: N; readonly version: number; readonly value: Decoded<S> } : never
type GivenOf<R> = R extends RowOf<infer N, Message<infer S>> ? { readonly type: N; readonly value: Encodable<S> } : never

/** One record of `__cluster_metadata`: which one it is, in which version, and what it says. */
export type MetadataRecord = OneOf<Rows[keyof Rows]>
/** One to be written. */
export type MetadataRecordToWrite = GivenOf<Rows[keyof Rows]>

const FRAME_VERSION = 1
const KEY_BY_NAME = new Map(Object.entries(METADATA_RECORDS).map(([key, { name }]) => [name as string, Number(key)]))

/** Takes the value of a record apart: frame version 1, the record's number, its version, its body. Throws DecodeError where it is not known. */
export function decodeMetadataRecord(bytes: Buffer): MetadataRecord {
  const reader = new Reader(bytes)
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION) throw new DecodeError(`a metadata record has frame version ${frameVersion}; only ${FRAME_VERSION} is known`)
  const key = reader.uvarint()
  const version = reader.uvarint()
  const known = (METADATA_RECORDS as Readonly<Record<number, RowOf<string, Message<Fields>>>>)[key]
  if (known === undefined) throw new DecodeError(`there is a metadata record of type ${key}, which is not known`)
  const { name, message, versionMax } = known
  if (version > versionMax) throw new DecodeError(`a metadata record ${name} has version ${version}; 0 to ${versionMax} are known`)
  const value = message.decode(reader, version)
  if (reader.left > 0) throw new DecodeError(`a metadata record ${name} has ${reader.left} bytes after its end`)
  return { type: name, version, value } as unknown as MetadataRecord
}

/** The value of such a record. */
export function encodeMetadataRecord({ type, value }: MetadataRecordToWrite, version: number): Buffer {
  const key = KEY_BY_NAME.get(type)!
  const writer = new Writer()
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(key)
  writer.uvarint(version)
  const { message } = (METADATA_RECORDS as Readonly<Record<number, RowOf<string, Message<Fields>>>>)[key]!
  message.encode(writer, version, value as never)
  return writer.toBuffer()
}
