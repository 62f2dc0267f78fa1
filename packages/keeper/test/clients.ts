import type { KeeperOptions } from '@ottla/keeper'

/** A port of the system's choosing, for clients in tests. */
export const CLIENTS: KeeperOptions['clients'] & {} = {
  addresses: [{ host: '127.0.0.1', port: 0 }],
  tickMs: 500,
  timeoutMsMin: 1000,
  timeoutMsMax: 40_000,
  connectionsPerHostMax: 0,
  requestBytesMax: 0xfffff,
  words: new Set(['*']),
  superDigest: null,
}
