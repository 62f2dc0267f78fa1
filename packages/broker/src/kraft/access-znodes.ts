import { json, type Znode } from '../znodes.ts'
import { named, OPERATIONS, PATTERNS, PERMISSIONS, RESOURCES } from './access-kinds.ts'
import type { MetadataImage } from './metadata-image.ts'

/** Access control entries by resource: literal names below /kafka-acl, prefixes below /kafka-acl-extended/prefixed. */
export function accessControlZnodes(image: MetadataImage): Znode[] {
  const parents = new Set<string>()
  const acls = new Map<string, object[]>()
  for (const entry of image.accessControlEntries.values()) {
    const type = named(RESOURCES, entry.resourceType, 'resource type')
    const pattern = named(PATTERNS, entry.patternType, 'pattern type')
    const roots = pattern === 'literal' ? ['/kafka-acl'] : ['/kafka-acl-extended', `/kafka-acl-extended/${pattern}`]
    const parent = `${roots.at(-1)}/${type}`
    for (const path of [...roots, parent]) parents.add(path)
    const path = `${parent}/${entry.resourceName.replaceAll('/', '%2F')}`
    const rules = acls.get(path) ?? []
    acls.set(path, rules)
    rules.push({
      principal: entry.principal,
      permissionType: named(PERMISSIONS, entry.permissionType, 'permission'),
      operation: named(OPERATIONS, entry.operation, 'operation'),
      host: entry.host,
    })
  }
  return [
    ...[...parents].sort().map((path) => ({ path, data: null })),
    ...[...acls].map(([path, rules]) => ({ path, data: json({ version: 1, acls: rules }) })),
  ]
}

export function delegationTokenZnodes(image: MetadataImage): Znode[] {
  if (image.delegationTokens.size === 0) return []
  const tokens = [...image.delegationTokens.values()].map((token) => ({
    path: `/delegation_token/tokens/${token.tokenId}`,
    data: json({
      version: 3,
      owner: token.owner,
      tokenRequester: token.requester,
      renewers: token.renewers,
      issueTimestamp: token.issueTimestamp,
      maxTimestamp: token.maxTimestamp,
      expiryTimestamp: token.expirationTimestamp,
      tokenId: token.tokenId,
    }),
  }))
  return [{ path: '/delegation_token', data: null }, { path: '/delegation_token/tokens', data: null }, ...tokens]
}
