import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, before } from 'node:test'
import { nodeEnv } from '@ottla/env/node'
import { openKeeper, type Keeper } from '@ottla/keeper'
import { ZooKeeperClient } from '@ottla/zookeeper'
import { zooKeeperConformance } from '@ottla/zookeeper/conformance'
import { CLIENTS } from './clients.ts'

const directory = mkdtempSync(`${tmpdir()}/keeper-`)
const env = nodeEnv({ logLevel: 'error' })
let keeper: Keeper

before(async () => {
  keeper = await openKeeper(env, `${directory}/data`, { snapshotAfterTxns: 20, clients: CLIENTS })
})
after(async () => {
  await keeper.close()
  rmSync(directory, { recursive: true })
})

zooKeeperConformance('keeper in this process', () => keeper.connect())

zooKeeperConformance('keeper over a socket', () => connected(''))

zooKeeperConformance('keeper over a socket, below a znode', async () => {
  const whole = await connected('')
  if ((await whole.exists('/below')) === null) await whole.create('/below', null)
  await whole.close()
  return connected('/below')
})

async function connected(chroot: string): Promise<ZooKeeperClient> {
  const { host, port } = keeper.addresses[0]!
  const client = new ZooKeeperClient(env, { connect: `${host}:${port}${chroot}` })
  await new Promise<void>((resolve) => client.onSession((event) => event === 'connected' && resolve()))
  return client
}
