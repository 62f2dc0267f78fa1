import type { TestContext } from 'node:test'
import { nodeEnv } from '@ottla/env/node'
import { createClient, type Client, type ClientOptions } from '../src/index.ts'
import { FakeCluster } from './fake-cluster.ts'

export const env = nodeEnv({ logLevel: 'error' })

/** A fake cluster and a client of it that does not wait long between attempts; both end with the test. */
export async function setUp(
  t: TestContext,
  options: { brokers?: number } & Partial<ClientOptions> = {},
): Promise<{ cluster: FakeCluster; client: Client }> {
  const { brokers = 1, ...clientOptions } = options
  const cluster = await FakeCluster.start(env, brokers)
  const client = createClient(env, { bootstrap: cluster.bootstrap, retryBackoffMs: 1, retryBackoffMaxMs: 20, ...clientOptions })
  t.after(async () => {
    client.close()
    await cluster.stop()
  })
  return { cluster, client }
}
