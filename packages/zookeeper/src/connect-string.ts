import type { Address } from '@ottla/env'
import { isValidPath } from './path.ts'

export interface ConnectString {
  readonly hosts: readonly Address[]
  /** The znode that is the root for this client; "/" where none is given. */
  readonly chroot: string
}

const PORT = 2181

/** Reads `host[:port],host[:port]…[/chroot]`, an IPv6 address in brackets. Throws RangeError with what is wrong. */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/')
  const chroot = slash === -1 ? '/' : text.slice(slash)
  if (!isValidPath(chroot)) throw new RangeError(`'${chroot}' in '${text}' is no path of a znode`)
  const hosts = text.slice(0, slash === -1 ? undefined : slash).split(',')
  return { hosts: hosts.map((host) => parseHost(host.trim(), text)), chroot }
}

function parseHost(host: string, text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(host)
  const name = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? PORT : Number(match[3])
  if (name === undefined || port < 1 || port > 65535) {
    throw new RangeError(`'${host}' in '${text}' is not host:port; an IPv6 address stands in brackets, as in [::1]:2181`)
  }
  return { host: name, port }
}
