import { API_TABLE, apiRow } from '@ottla/protocol'
import { versionRange } from '@ottla/wire'
import type { Handler } from './handler.ts'

type Load = () => Promise<Handler>
const load = <M>(module: Promise<M>, name: keyof M): Promise<Handler> => module.then((loaded) => loaded[name] as Handler)

/** Every API that is answered here, by key. A handler is loaded when it is first asked for, or soon after the start. */
const HANDLERS: Readonly<Record<number, Load>> = {
  0: () => load(import('./handlers/00-produce.ts'), 'produce'),
  1: () => load(import('./handlers/01-fetch.ts'), 'fetch'),
  2: () => load(import('./handlers/02-list-offsets.ts'), 'listOffsets'),
  3: () => load(import('./handlers/03-metadata.ts'), 'metadata'),
  8: () => load(import('./handlers/08-offset-commit.ts'), 'offsetCommit'),
  9: () => load(import('./handlers/09-offset-fetch.ts'), 'offsetFetch'),
  10: () => load(import('./handlers/10-find-coordinator.ts'), 'findCoordinator'),
  11: () => load(import('./handlers/11-join-group.ts'), 'joinGroup'),
  12: () => load(import('./handlers/12-heartbeat.ts'), 'heartbeat'),
  13: () => load(import('./handlers/13-leave-group.ts'), 'leaveGroup'),
  14: () => load(import('./handlers/14-sync-group.ts'), 'syncGroup'),
  15: () => load(import('./handlers/15-describe-groups.ts'), 'describeGroups'),
  16: () => load(import('./handlers/16-list-groups.ts'), 'listGroups'),
  18: () => load(import('./handlers/18-api-versions.ts'), 'apiVersions'),
  19: () => load(import('./handlers/19-create-topics.ts'), 'createTopics'),
  20: () => load(import('./handlers/20-delete-topics.ts'), 'deleteTopics'),
  21: () => load(import('./handlers/21-delete-records.ts'), 'deleteRecords'),
  22: () => load(import('./handlers/22-init-producer-id.ts'), 'initProducerId'),
  32: () => load(import('./handlers/32-describe-configs.ts'), 'describeConfigs'),
  42: () => load(import('./handlers/42-delete-groups.ts'), 'deleteGroups'),
  44: () => load(import('./handlers/44-incremental-alter-configs.ts'), 'incrementalAlterConfigs'),
  47: () => load(import('./handlers/47-offset-delete.ts'), 'offsetDelete'),
  60: () => load(import('./handlers/60-describe-cluster.ts'), 'describeCluster'),
}

/** What the first client needs: loaded before a broker listens. */
const FIRST = [18, 3, 0, 1]

export interface ServedApi {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** Finds handlers by key and version. */
export class HandlerTable {
  readonly #loaded: (Handler | Promise<Handler> | undefined)[] = []
  readonly #ranges: (readonly [number, number] | undefined)[] = []
  readonly served: readonly ServedApi[]

  constructor() {
    const served: ServedApi[] = []
    for (const row of API_TABLE) {
      if (row.served === null) continue
      const range = versionRange(row.served)
      this.#ranges[row.key] = range
      served.push({ apiKey: row.key, minVersion: range[0], maxVersion: range[1] })
    }
    this.served = served
  }

  /** Undefined where key or version is not served; a promise the first time that a handler is asked for. */
  find(apiKey: number, apiVersion: number): Handler | Promise<Handler> | undefined {
    const range = this.#ranges[apiKey]
    if (range === undefined || apiVersion < range[0] || apiVersion > range[1]) return undefined
    return this.#loaded[apiKey] ?? this.#load(apiKey)
  }

  async loadFirst(): Promise<void> {
    await Promise.all(FIRST.map((apiKey) => this.#load(apiKey)))
  }

  async loadAll(): Promise<void> {
    for (const { apiKey } of this.served) await this.#load(apiKey)
  }

  #load(apiKey: number): Promise<Handler> {
    const loading = this.#loaded[apiKey]
    if (loading !== undefined) return Promise.resolve(loading)
    const start = HANDLERS[apiKey]
    if (start === undefined) throw new Error(`${apiRow(apiKey)?.name} is served by the API table, but has no handler`)
    return (this.#loaded[apiKey] = start().then((handler) => (this.#loaded[apiKey] = handler)))
  }
}

/** Loads all that a broker may load, for a compile cache to be made of. */
export async function warmBroker(): Promise<void> {
  await import('./broker.ts')
  await new HandlerTable().loadAll()
}
