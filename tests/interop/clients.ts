/** The clients of the suite: how each is installed and started, and what it offers. */
import { fileURLToPath } from 'node:url'
import * as toolchains from './toolchains.ts'

export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]

/** A client that may be there: its row, before anything is installed. */
export interface ClientRow {
  readonly name: string
  readonly codecs: readonly Codec[]
  /** Whether it has consumer groups. */
  readonly consumes: boolean
  /** Whether it can produce with a producer id. */
  readonly idempotent: boolean
  /** Whether it has `follow`, in groups with the assignor `range`. */
  readonly followsByRange?: boolean
  /** Installs it; answers the command in front of `produce …` and `consume …`, or throws Missing. */
  install(): Promise<readonly string[]>
}

/** A client that is there. */
export interface Client extends ClientRow {
  readonly command: readonly string[]
}

const whole = { codecs: CODECS, consumes: true, idempotent: true }

/** A JVM that starts quickly, for there are many. */
export const JAVA = ['java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

export const CLIENTS: readonly ClientRow[] = [
  {
    name: 'ottla',
    ...whole,
    followsByRange: true,
    install: async () => [process.execPath, fileURLToPath(new URL('clients/ottla/client.ts', import.meta.url))],
  },
  {
    name: 'kcat',
    ...whole,
    async install() {
      await toolchains.kcat()
      return [process.execPath, `${await toolchains.javaScript()}/kcat/client.mjs`]
    },
  },
  { name: 'kafkajs', ...whole, install: async () => [process.execPath, `${await toolchains.javaScript()}/kafkajs/client.mjs`] },
  { name: 'platformatic', ...whole, install: async () => [process.execPath, `${await toolchains.javaScript()}/platformatic/client.mjs`] },
  {
    name: 'confluent-kafka',
    ...whole,
    followsByRange: true,
    install: async () => [
      await toolchains.python('clients/confluent-kafka'),
      fileURLToPath(new URL('clients/confluent-kafka/client.py', import.meta.url)),
    ],
  },
  { name: 'franz-go', ...whole, followsByRange: true, install: async () => [await toolchains.go()] },
  { name: 'java', ...whole, followsByRange: true, install: async () => [...JAVA, '-cp', await toolchains.java(), 'Client'] },
  { name: 'rskafka', codecs: CODECS, consumes: false, idempotent: false, install: async () => [await toolchains.rust()] },
]
