import type { Address } from '@ottla/env'
import { ClientError } from './errors.ts'

/** `'host:port,[::1]:9092'` as addresses; a port that is left out is 9092. */
export function parseBootstrap(text: string): Address[] {
  const addresses = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseAddress)
  if (addresses.length === 0) throw new ClientError('usage', 'No bootstrap address is given; name at least one broker as host:port.')
  return addresses
}

function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[3] ?? 9092)
  if (match === null || port < 1 || port > 65535) {
    throw new ClientError('usage', `'${text}' is not an address; write host:port, or [address]:port for IPv6.`)
  }
  return { host: match[1] ?? match[2]!, port }
}
