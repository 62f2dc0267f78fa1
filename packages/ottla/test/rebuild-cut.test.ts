import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadBrokerConfig, warmBroker, type BrokerConfig } from '@ottla/broker'
import { World, type Host } from '@ottla/env/sim'
import { rebuild, type RebuildOptions } from '../src/rebuild.ts'
import { startServer, type Server } from '../src/server.ts'

const LIMIT_MS = 3_600_000
const SETTINGS = {
  listeners: 'PLAINTEXT://127.0.0.1:0',
  'log.dirs': '/data/one,/data/two',
  'keeper.dir': '/data/keeper',
  'broker.id': '1',
}
const OPTIONS: RebuildOptions = { configs: new Map(), makeMissing: false, brokerDefaults: false, fromKeeper: false, write: true }

const configOf = (): BrokerConfig => loadBrokerConfig(new Map(Object.entries(SETTINGS))).config

const topicsOf = ({ broker }: Server): Record<string, string> =>
  Object.fromEntries([...broker.topics.all()].map(({ name, id, partitions }) => [name, `${id} ${partitions.length}`]))

/** A stopped broker's directories; answers its topics. */
async function filled(host: Host): Promise<Record<string, string>> {
  const server = await startServer(host, configOf())
  for (const name of ['a', 'b']) {
    await server.broker.topics.create({ name, assignment: [[1], [1], [1]], overrides: new Map([['retention.ms', '77']]) })
  }
  const topics = topicsOf(server)
  await server.stop()
  return topics
}

async function flip(host: Host): Promise<void> {
  const { name } = (await host.disk.list('/data/keeper')).find((entry) => entry.name.startsWith('entries.'))!
  const file = host.disk.open(`/data/keeper/${name}`, 'write')
  file.write(100, [Buffer.from('flipped')])
  await file.sync()
  file.close()
}

for (const [lost, stride] of [
  ['removed', 2],
  ['damaged', 1],
] as const) {
  test(`a rebuild whose power is lost behind any step: the next start has the tree, or says that there is none (${lost})`, async () => {
    await warmBroker()
    let refusedCount = 0
    let wholeCount = 0
    for (let cut = 1; ; cut += stride) {
      const world = new World(cut)
      const host = world.host('broker')
      const topics = await world.complete(filled(host), LIMIT_MS)
      await world.complete(lost === 'removed' ? host.disk.remove('/data/keeper') : flip(host), LIMIT_MS)
      await world.complete(host.disk.syncDirectory('/data'), LIMIT_MS)
      let steps = 0
      let isCut = false
      let isDone = false
      host.disk.watcher = () => {
        if (++steps >= cut) isCut = true
        return isCut
      }
      void rebuild(host, configOf(), OPTIONS).then(
        () => (isDone = true),
        () => {},
      )
      await world.run(() => isCut || isDone, LIMIT_MS)
      host.disk.watcher = null
      if (isDone) break
      host.crash()
      const found = await world.complete(
        (async () => {
          const server = await startServer(host, configOf()).catch((error: Error) => error)
          if (!(server instanceof Error)) return server
          assert.match(server.message, /ottla rebuild/, `cut ${cut}`)
          return null
        })(),
        LIMIT_MS,
      )
      if (found === null) {
        refusedCount++
        await world.complete(rebuild(host, configOf(), OPTIONS), LIMIT_MS)
      } else wholeCount++
      await world.complete(
        (async () => {
          const server = found ?? (await startServer(host, configOf()))
          assert.deepEqual(topicsOf(server), topics, `cut ${cut}`)
          await server.stop()
        })(),
        LIMIT_MS,
      )
    }
    assert.ok(refusedCount > 10 && wholeCount > 0, `${refusedCount} refused, ${wholeCount} whole`)
  })
}
