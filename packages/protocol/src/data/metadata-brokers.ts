import { bool, int16, int32, int64, int8, list, message, nullable, string, tag, uint16, uuid, type Decoded } from '@ottla/wire'

const endpoint = { name: string(), host: string(), port: uint16(), securityProtocol: int16() }
const feature = { name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }

/** Metadata record 0: a broker and where it listens. Log directories KIP-858, cordoned ones KIP-1066. */
export const RegisterBrokerRecord = message('RegisterBrokerRecord', {
  brokerId: int32(),
  isMigratingZkBroker: bool('2+', false),
  incarnationId: uuid(),
  brokerEpoch: int64(),
  endPoints: list(endpoint),
  features: list(feature),
  rack: nullable(string()),
  fenced: bool('0+', true),
  inControlledShutdown: bool('1+', false),
  logDirs: tag(0, list(uuid(), '3+')),
  cordonedLogDirs: tag(1, nullable(list(uuid(), '4+'), '4+', null)),
}, '0+')
export type RegisterBrokerRecord = Decoded<typeof RegisterBrokerRecord.fields>

/** Metadata record 1: a broker is gone for good. */
export const UnregisterBrokerRecord = message('UnregisterBrokerRecord', {
  brokerId: int32(),
  brokerEpoch: int64(),
}, '0+')
export type UnregisterBrokerRecord = Decoded<typeof UnregisterBrokerRecord.fields>

/** Metadata record 7: a broker is fenced. */
export const FenceBrokerRecord = message('FenceBrokerRecord', {
  id: int32(),
  epoch: int64(),
}, '0+')
export type FenceBrokerRecord = Decoded<typeof FenceBrokerRecord.fields>

/** Metadata record 8: a broker is fenced no more. */
export const UnfenceBrokerRecord = message('UnfenceBrokerRecord', {
  id: int32(),
  epoch: int64(),
}, '0+')
export type UnfenceBrokerRecord = Decoded<typeof UnfenceBrokerRecord.fields>

/** Metadata record 17: what changed of a broker: 1 fenced or in controlled shutdown, -1 no more, 0 as before (KIP-841). */
export const BrokerRegistrationChangeRecord = message('BrokerRegistrationChangeRecord', {
  brokerId: int32(),
  brokerEpoch: int64(),
  fenced: tag(0, int8()),
  inControlledShutdown: tag(1, int8('1+')),
  logDirs: tag(2, list(uuid(), '2+')),
  cordonedLogDirs: tag(3, nullable(list(uuid(), '3+'), '3+', null)),
}, '0+')
export type BrokerRegistrationChangeRecord = Decoded<typeof BrokerRegistrationChangeRecord.fields>

/** Metadata record 27: a controller and where it listens (KIP-919). */
export const RegisterControllerRecord = message('RegisterControllerRecord', {
  controllerId: int32(),
  incarnationId: uuid(),
  zkMigrationReady: bool(),
  endPoints: list(endpoint),
  features: list(feature),
}, '0+')
export type RegisterControllerRecord = Decoded<typeof RegisterControllerRecord.fields>

/** Metadata record 29: a controller is gone for good. */
export const UnregisterControllerRecord = message('UnregisterControllerRecord', {
  controllerId: int32(),
}, '0+')
export type UnregisterControllerRecord = Decoded<typeof UnregisterControllerRecord.fields>

/** Metadata record 23: what follows up to its end counts as one, or not at all (KIP-868). */
export const BeginTransactionRecord = message('BeginTransactionRecord', {
  name: tag(0, nullable(string(), '0+', null)),
}, '0+')
export type BeginTransactionRecord = Decoded<typeof BeginTransactionRecord.fields>

/** Metadata record 24: all since the beginning counts (KIP-868). */
export const EndTransactionRecord = message('EndTransactionRecord', {}, '0+')
export type EndTransactionRecord = Decoded<typeof EndTransactionRecord.fields>

/** Metadata record 25: nothing since the beginning counts (KIP-868). */
export const AbortTransactionRecord = message('AbortTransactionRecord', {
  reason: tag(0, nullable(string(), '0+', null)),
}, '0+')
export type AbortTransactionRecord = Decoded<typeof AbortTransactionRecord.fields>

/** Metadata record 20: the quorum is alive. */
export const NoOpRecord = message('NoOpRecord', {}, '0+')
export type NoOpRecord = Decoded<typeof NoOpRecord.fields>

/** Metadata record 21: how far the migration from ZooKeeper is: 0 none, 1 pre-migration, 2 migration, 3 post-migration, 4 done (KIP-866). */
export const ZkMigrationStateRecord = message('ZkMigrationStateRecord', {
  zkMigrationState: int8(),
}, '0+')
export type ZkMigrationStateRecord = Decoded<typeof ZkMigrationStateRecord.fields>
