/** Kafka's numbers of resource types, pattern types, operations and permissions, by place; '' is none that can be in an entry. */
export const RESOURCES = ['', '', 'Topic', 'Group', 'Cluster', 'TransactionalId', 'DelegationToken', 'User'] as const
export const PATTERNS = ['', '', '', 'literal', 'prefixed'] as const
export const OPERATIONS = [
  ...['', '', 'All', 'Read', 'Write', 'Create', 'Delete', 'Alter', 'Describe', 'ClusterAction', 'DescribeConfigs', 'AlterConfigs'],
  ...['IdempotentWrite', 'CreateTokens', 'DescribeTokens', 'TwoPhaseCommit'],
] as const
export const PERMISSIONS = ['', '', 'Deny', 'Allow'] as const

/** The name of a number. */
export function named(names: readonly string[], number: number, what: string): string {
  const name = names[number] ?? ''
  if (name === '') throw new Error(`the metadata has an access control entry of ${what} ${number}, which is not known`)
  return name
}

/** The number of a name. */
export function numbered(names: readonly string[], name: string, what: string): number {
  const number = names.indexOf(name)
  if (number < 2) throw new Error(`the tree has an access control entry of ${what} ${name}, which is not known`)
  return number
}
