import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, before } from 'node:test'
import { nodeEnv } from '@ottla/env/node'
import { openKeeper, type Keeper } from '@ottla/keeper'
import { zooKeeperConformance } from '@ottla/zookeeper/conformance'

const directory = mkdtempSync(`${tmpdir()}/keeper-`)
let keeper: Keeper

before(async () => {
  keeper = await openKeeper(nodeEnv({ logLevel: 'error' }), `${directory}/data`, { snapshotAfterTxns: 20 })
})
after(async () => {
  await keeper.close()
  rmSync(directory, { recursive: true })
})

zooKeeperConformance('keeper in this process', () => keeper.connect())
