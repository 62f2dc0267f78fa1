import { bool, bytes, float64, int32, int64, int8, list, message, nullable, string, uuid, type Decoded } from '@ottla/wire'

/** Metadata record 4: one key of a resource's configs; null takes it away. Resource types as in DescribeConfigs. */
export const ConfigRecord = message('ConfigRecord', {
  resourceType: int8(),
  resourceName: string(),
  name: string(),
  value: nullable(string()),
}, '0+')
export type ConfigRecord = Decoded<typeof ConfigRecord.fields>

/** Metadata record 14: one quota of an entity of users, client ids or addresses; a null name is the default one (KIP-546). */
export const ClientQuotaRecord = message('ClientQuotaRecord', {
  entity: list({ entityType: string(), entityName: nullable(string()) }),
  key: string(),
  value: float64(),
  remove: bool(),
}, '0+')
export type ClientQuotaRecord = Decoded<typeof ClientQuotaRecord.fields>

/** Metadata record 18: an access control entry. */
export const AccessControlEntryRecord = message('AccessControlEntryRecord', {
  id: uuid(),
  resourceType: int8(),
  resourceName: string(),
  patternType: int8(),
  principal: string(),
  host: string(),
  operation: int8(),
  permissionType: int8(),
}, '0+')
export type AccessControlEntryRecord = Decoded<typeof AccessControlEntryRecord.fields>

/** Metadata record 19: an access control entry is gone. */
export const RemoveAccessControlEntryRecord = message('RemoveAccessControlEntryRecord', {
  id: uuid(),
}, '0+')
export type RemoveAccessControlEntryRecord = Decoded<typeof RemoveAccessControlEntryRecord.fields>

/** Metadata record 11: what SCRAM keeps of a user's password: mechanism 1 SHA-256, 2 SHA-512 (KIP-900). */
export const UserScramCredentialRecord = message('UserScramCredentialRecord', {
  name: string(),
  mechanism: int8(),
  salt: bytes(),
  storedKey: bytes(),
  serverKey: bytes(),
  iterations: int32(),
}, '0+')
export type UserScramCredentialRecord = Decoded<typeof UserScramCredentialRecord.fields>

/** Metadata record 22: a user's credential is gone. */
export const RemoveUserScramCredentialRecord = message('RemoveUserScramCredentialRecord', {
  name: string(),
  mechanism: int8(),
}, '0+')
export type RemoveUserScramCredentialRecord = Decoded<typeof RemoveUserScramCredentialRecord.fields>

/** Metadata record 10: a delegation token. */
export const DelegationTokenRecord = message('DelegationTokenRecord', {
  owner: string(),
  requester: string(),
  renewers: list(string()),
  issueTimestamp: int64(),
  maxTimestamp: int64(),
  expirationTimestamp: int64(),
  tokenId: string(),
}, '0+')
export type DelegationTokenRecord = Decoded<typeof DelegationTokenRecord.fields>

/** Metadata record 26: a delegation token is gone. */
export const RemoveDelegationTokenRecord = message('RemoveDelegationTokenRecord', {
  tokenId: string(),
}, '0+')
export type RemoveDelegationTokenRecord = Decoded<typeof RemoveDelegationTokenRecord.fields>
