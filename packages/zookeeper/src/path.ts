import { ZooKeeperError } from './errors.ts'

/**
 * Throws BadArguments unless `path` names a znode: absolute, no slash at the end (but "/" itself), no empty, "." or ".." component,
 * none of the characters that ZooKeeper forbids. With `sequential` the path is the front of a name and may end with a slash.
 */
export function validatePath(path: string, sequential = false): void {
  const problem = problemOf(sequential ? path + '1' : path)
  if (problem !== null) throw new ZooKeeperError('BadArguments', path, `the path is not valid: ${problem}`)
}

/** The same as a question. */
export function isValidPath(path: string): boolean {
  return problemOf(path) === null
}

function problemOf(path: string): string | null {
  if (path.charCodeAt(0) !== 47) return 'it must begin with "/"'
  if (path.length === 1) return null
  let start = 1
  for (let at = 1; at <= path.length; at++) {
    const code = at === path.length ? 47 : path.charCodeAt(at)
    if (code !== 47) {
      if (isForbidden(code)) return `it has the character U+${code.toString(16).padStart(4, '0').toUpperCase()} at ${at}`
      continue
    }
    if (at === start) return at === path.length ? 'it must not end with "/"' : 'it has an empty component'
    const length = at - start
    if (path.charCodeAt(start) === 46 && (length === 1 || (length === 2 && path.charCodeAt(start + 1) === 46))) {
      return 'it has a component "." or ".."'
    }
    start = at + 1
  }
  return null
}

/** UTF-16 units: controls, surrogates and the private area up to U+F8FF, and U+FFF0 on (protocol.md 7). */
function isForbidden(code: number): boolean {
  return code <= 0x1f || (code >= 0x7f && code <= 0x9f) || (code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0
}

/** The path of a znode's parent; of "/" there is none: "/". */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at <= 0 ? '/' : path.slice(0, at)
}

/** The last component of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The path of the child `name` below `parent`. */
export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

/** ZooKeeper's ten digits behind a sequential name; the counter is a signed 32-bit number. */
export function sequenceSuffix(counter: number): string {
  return counter < 0 ? `-${String(-counter).padStart(9, '0')}` : String(counter).padStart(10, '0')
}
