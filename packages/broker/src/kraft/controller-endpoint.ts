import type { VotersRecord } from '@ottla/protocol/data/control-records'

/** Where the controller of a KRaft cluster listens. */
export interface ControllerEndpoint {
  readonly name: string
  readonly host: string
  readonly port: number
}

const DEFAULT: ControllerEndpoint = { name: 'CONTROLLER', host: 'localhost', port: 9093 }

/** `host:port`, or null; the host may be empty. */
export function addressIn(text: string): { host: string; port: number } | null {
  const [, host, port] = /^(?:\d+@)?(?:[A-Za-z0-9_-]+:\/\/)?(\[[0-9a-fA-F:.%]+\]|[^:/[\]@]*):(\d{1,5})$/.exec(text.trim()) ?? []
  return host === undefined ? null : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** What Kafka's own keys in the broker's file say of the controller, else what its metadata said before, else Kafka's default. */
export function controllerOf(file: ReadonlyMap<string, string>, before: VotersRecord['voters'] | null): ControllerEndpoint {
  const first = (key: string): string => (file.get(key) ?? '').split(',')[0]!
  const name = first('controller.listener.names').trim().toUpperCase() || before?.[0]?.endpoints[0]?.name || DEFAULT.name
  const listener = [file.get('advertised.listeners'), file.get('listeners')]
    .flatMap((list) => (list ?? '').split(','))
    .find((one) => one.trim().toUpperCase().startsWith(`${name}://`))
  for (const text of [first('controller.quorum.voters'), first('controller.quorum.bootstrap.servers'), listener ?? '']) {
    const address = addressIn(text)
    if (address !== null) return { name, host: address.host || DEFAULT.host, port: address.port }
  }
  return before?.[0]?.endpoints[0] ?? { ...DEFAULT, name }
}
