export { CREATOR_ALL_ACL, OPEN_ACL, PERMISSIONS, READ_ACL, type Acl, type Identity } from './acl.ts'
export { ERRORS, errorName, errorNumber, ZooKeeperError, type ErrorName } from './errors.ts'
export { readAcl, readBuffer, readCount, readString, readStrings, writeAcl, writeBuffer, writeString, writeStrings } from './jute.ts'
export { ZooKeeperClient, type ClientEnv, type ClientOptions, type Session } from './client.ts'
export { createIfAbsent, createPath } from './create-path.ts'
export { parseConnectString, type ConnectString } from './connect-string.ts'
export {
  PASSWORD_BYTES,
  readConnectRequest,
  readConnectResponse,
  writeConnectRequest,
  writeConnectResponse,
  type ConnectRequest,
  type ConnectResponse,
} from './handshake.ts'
export { readNotification, writeNotification } from './notification.ts'
export { OPCODES, XIDS } from './opcodes.ts'
export {
  isSequential,
  MultiError,
  operationResultOf,
  type CreateMode,
  type CreateOptions,
  type Operation,
  type OperationResult,
  type SessionEvent,
  type WatchEvent,
  type WatchEventType,
  type WatchMode,
} from './operations.ts'
export { childPath, isValidPath, nameOf, parentOf, sequenceSuffix, validatePath } from './path.ts'
export { readPersistedStat, writePersistedStat, type PersistedStat } from './persisted-stat.ts'
export { BadArgumentError, opcodeOf, readRequest, writeRequest } from './request-codec.ts'
export { readReply, writeReply } from './reply-codec.ts'
export type { ClientRequest, HeldWatches, ReadOperation, Reply, WatchSelection } from './requests.ts'
export { readStat, writeStat, type Stat } from './stat.ts'
export { readTxn, writeTxn, type CreateKind, type Txn, type TxnHeader, type TxnRecord } from './txns.ts'
export { WatchListeners, type WatchListener } from './watch-listeners.ts'
export type { TreeReader, ZooKeeper } from './zookeeper.ts'
