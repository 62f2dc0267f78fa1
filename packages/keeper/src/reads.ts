import { errorNumber, isValidPath, PERMISSIONS, type ErrorName, type Identity } from '@ottla/zookeeper'
import { isPermitted } from './access.ts'
import type { ReadRequest, Result } from './requests.ts'
import type { DataTree } from './tree.ts'
import type { Watcher, Watches } from './watches.ts'
import { statOf } from './znode.ts'

/** Answers a request from the tree as it is, and leaves the watches that it asks for. */
export function read(
  tree: DataTree,
  watches: Watches,
  watcher: Watcher,
  identities: readonly Identity[],
  request: Exclude<ReadRequest, { type: 'sync' }>,
): Result {
  const path = request.path
  if (!isValidPath(path)) return failure('BadArguments')
  switch (request.type) {
    case 'addWatch':
      watches.add(watcher, request.mode, path)
      return { type: 'addWatch' }
    case 'removeWatch':
      return watches.remove(watcher, request.mode, path) ? { type: 'removeWatch' } : failure('NoWatcher')
    case 'getAcl': {
      const node = tree.node(path)
      if (node === undefined) return failure('NoNode')
      if (!isPermitted(node.acl, PERMISSIONS.read | PERMISSIONS.admin, identities)) return failure('NoAuth')
      return { type: 'getAcl', acl: node.acl, stat: statOf(node) }
    }
  }
  const node = tree.node(path)
  if (node === undefined) {
    // Whoever asks whether it exists waits for it.
    if (request.type === 'exists' && request.watch === true) watches.add(watcher, 'data', path)
    return failure('NoNode')
  }
  if (!isPermitted(node.acl, PERMISSIONS.read, identities)) return failure('NoAuth')
  if (request.watch === true) watches.add(watcher, request.type === 'getChildren' ? 'child' : 'data', path)
  const stat = statOf(node)
  switch (request.type) {
    case 'exists':
      return { type: 'exists', stat }
    case 'getData':
      return { type: 'getData', data: node.data, stat }
    case 'getChildren':
      return { type: 'getChildren', children: node.children === null ? [] : [...node.children], stat }
  }
}

export function failure(code: ErrorName): Result {
  return { type: 'error', number: errorNumber(code) }
}
