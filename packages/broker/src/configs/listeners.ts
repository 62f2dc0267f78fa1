import { ErrorCode, KafkaError } from '@ottla/protocol'
import { splitList } from './parse.ts'

/** Where a broker listens, or what it tells its clients. `host` is empty for all interfaces; port 0 is any free one. */
export interface ListenerAddress {
  /** In capitals. */
  readonly name: string
  readonly securityProtocol: 'PLAINTEXT'
  readonly host: string
  readonly port: number
}

/** No host's name. */
export const ALL_INTERFACES: ReadonlySet<string> = new Set(['', '0.0.0.0', '::'])

const ADDRESS = /^([A-Za-z0-9_-]+):\/\/(\[[0-9a-fA-F:.%]+\]|[^:/[\]]*):(\d{1,5})$/
const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

/** The listeners in a value such as `PLAINTEXT://127.0.0.1:9092`; at least one. Throws KafkaError INVALID_CONFIG. */
export function parseListeners(list: readonly string[], protocolMap: string): ListenerAddress[] {
  if (list.length === 0) throw refused('listeners', list, 'at least one listener is needed')
  return parseAddresses('listeners', list, protocolMap)
}

/** The same for `advertised.listeners`: none, or real addresses, of listeners that there are. */
export function parseAdvertisedListeners(
  list: readonly string[],
  listeners: readonly ListenerAddress[],
  protocolMap: string,
): ListenerAddress[] {
  const key = 'advertised.listeners'
  const advertised = parseAddresses(key, list, protocolMap)
  for (const { name, host, port } of advertised) {
    if (!listeners.some((listener) => listener.name === name)) throw refused(key, list, `no listener has the name ${name}`)
    if (ALL_INTERFACES.has(host)) throw refused(key, list, `clients can't connect to '${host}': name a host`)
    if (port === 0) throw refused(key, list, "clients can't connect to port 0")
  }
  return advertised
}

function parseAddresses(key: string, list: readonly string[], protocolMap: string): ListenerAddress[] {
  const protocols = parseProtocolMap(protocolMap)
  const listeners = list.map((text) => parseListener(key, text, protocols))
  for (const [at, listener] of listeners.entries()) {
    const before = listeners.slice(0, at)
    if (before.some((other) => other.name === listener.name)) throw refused(key, list, `the name ${listener.name} stands here twice`)
    const clash = (other: ListenerAddress) => other.port === listener.port && other.host === listener.host
    if (listener.port !== 0 && before.some(clash)) throw refused(key, list, `port ${listener.port} stands here twice`)
  }
  return listeners
}

function parseListener(key: string, text: string, protocols: ReadonlyMap<string, string>): ListenerAddress {
  const [, name, host, port] = ADDRESS.exec(text) ?? []
  if (name === undefined || Number(port) > 65535) throw refused(key, [text], 'must be NAME://host:port')
  const protocol = protocols.get(name.toUpperCase())
  if (protocol === undefined) throw refused(key, [text], `the name ${name.toUpperCase()} is not in listener.security.protocol.map`)
  if (protocol !== 'PLAINTEXT') throw refused(key, [text], `${protocol} is not served yet; use PLAINTEXT`)
  return { name: name.toUpperCase(), securityProtocol: protocol, host: host!.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function parseProtocolMap(text: string): Map<string, string> {
  const key = 'listener.security.protocol.map'
  const protocols = new Map<string, string>()
  for (const pair of splitList(text)) {
    const [, name, protocol] = /^([^:]+):([^:]+)$/.exec(pair) ?? []
    if (name === undefined) throw refused(key, [text], `'${pair}' must be NAME:PROTOCOL`)
    if (!PROTOCOLS.includes(protocol!.toUpperCase())) throw refused(key, [text], `'${protocol}' must be one of [${PROTOCOLS.join(', ')}]`)
    protocols.set(name.toUpperCase(), protocol!.toUpperCase())
  }
  return protocols
}

function refused(key: string, list: readonly string[], why: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_CONFIG, `${key}=${list.join(',')}: ${why}`)
}
