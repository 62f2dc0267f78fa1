import type { ZooKeeper } from '@ottla/zookeeper'
import { childrenOf, isFields, readFields } from '../znodes.ts'
import { numbered, OPERATIONS, PATTERNS, PERMISSIONS, RESOURCES } from './access-kinds.ts'
import type { MetadataImage } from './metadata-image.ts'

interface AclZnode {
  readonly acls: readonly {
    readonly principal: string
    readonly permissionType: string
    readonly operation: string
    readonly host: string
  }[]
}
interface TokenZnode {
  readonly owner: string
  readonly tokenRequester?: string
  readonly renewers: readonly string[]
  readonly issueTimestamp: number
  readonly maxTimestamp: number
  readonly expiryTimestamp: number
  readonly tokenId: string
}

const hasAcls = (value: unknown): boolean => isFields(value) && (value['acls'] === undefined || areAll(value['acls'], isFields))
const isToken = (value: unknown): boolean =>
  isFields(value) && typeof value['tokenId'] === 'string' && areAll(value['renewers'], (one) => typeof one === 'string')
const areAll = (list: unknown, is: (one: unknown) => boolean): boolean => Array.isArray(list) && list.every(is)

/** The rights and the delegation tokens that the tree has; each entry gets an id, which the tree has none of. */
export async function readTreeAccess(image: MetadataImage, zooKeeper: ZooKeeper, randomId: () => string): Promise<void> {
  for (const [root, pattern] of [
    ['/kafka-acl', 'literal'],
    ['/kafka-acl-extended/prefixed', 'prefixed'],
  ] as const) {
    for (const type of await childrenOf(zooKeeper, root)) {
      for (const name of await childrenOf(zooKeeper, `${root}/${type}`)) {
        const { acls = [] } = await readFields<Partial<AclZnode>>(zooKeeper, `${root}/${type}/${name}`, hasAcls)
        for (const acl of acls) {
          const id = randomId()
          image.accessControlEntries.set(id, {
            id,
            resourceType: numbered(RESOURCES, type, 'resource type'),
            resourceName: name.replaceAll('%2F', '/'),
            patternType: numbered(PATTERNS, pattern, 'pattern type'),
            principal: acl.principal,
            host: acl.host,
            operation: numbered(OPERATIONS, acl.operation, 'operation'),
            permissionType: numbered(PERMISSIONS, acl.permissionType, 'permission'),
          })
        }
      }
    }
  }
  for (const id of await childrenOf(zooKeeper, '/delegation_token/tokens')) {
    const token = await readFields<TokenZnode>(zooKeeper, `/delegation_token/tokens/${id}`, isToken)
    image.delegationTokens.set(token.tokenId, {
      owner: token.owner,
      requester: token.tokenRequester ?? token.owner,
      renewers: [...token.renewers],
      issueTimestamp: token.issueTimestamp,
      maxTimestamp: token.maxTimestamp,
      expirationTimestamp: token.expiryTimestamp,
      tokenId: token.tokenId,
    })
  }
}
