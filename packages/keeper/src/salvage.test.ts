import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice, World, type Host } from '@ottla/env/sim'
import { openKeeper } from './keeper.ts'
import { hasTree, salvage } from './salvage.ts'

const DIRECTORY = '/keeper'
const COPY = '/copy'
const LIMIT_MS = 600_000
const WRITES = 60
const FLIPS = 300

type Files = ReadonlyMap<string, Buffer>

async function filesIn({ disk }: Host, directory: string): Promise<Files> {
  const files = new Map<string, Buffer>()
  for (const { name, sizeBytes } of await disk.list(directory)) {
    const file = disk.open(`${directory}/${name}`, 'read')
    const bytes = Buffer.alloc(sizeBytes)
    await file.readLater(0, bytes)
    file.close()
    files.set(name, bytes)
  }
  return files
}

async function put({ disk }: Host, directory: string, files: Files): Promise<void> {
  await disk.remove(directory)
  await disk.createDirectory(directory)
  for (const [name, bytes] of files) {
    const file = disk.open(`${directory}/${name}`, 'create')
    file.write(0, [bytes])
    file.close()
  }
}

/** A keeper's files, and what `/a` was after each of its transactions. */
async function written(host: Host): Promise<{ files: Files; valueAt: Map<number, string> }> {
  const keeper = await openKeeper(host, DIRECTORY, { snapshotAfterTxns: 25, segmentBytes: 1500 })
  const zooKeeper = keeper.connect()
  const valueAt = new Map<number, string>()
  await zooKeeper.create('/a', Buffer.from('0'))
  for (let number = 1; number <= WRITES; number++) {
    const { mzxid } = await zooKeeper.setData('/a', Buffer.from(`${number}`))
    valueAt.set(mzxid, `${number}`)
    if (number % 7 === 0) await Promise.all([1, 2, 3].map((at) => zooKeeper.create(`/b${number}-${at}`, Buffer.alloc(40))))
  }
  await keeper.close()
  return { files: await filesIn(host, DIRECTORY), valueAt }
}

/** The last that is not after `zxid`. */
function at(valueAt: Map<number, string>, zxid: number): string {
  return [...valueAt].filter(([one]) => one <= zxid).at(-1)?.[1] ?? '0'
}

const valueIn = async (tree: { getData(path: string): Promise<{ data: Buffer | null }> }): Promise<string> =>
  (await tree.getData('/a')).data!.toString()

test('whatever bit is flipped: what is read is the tree as it was at one moment, and what openKeeper would say is said', async () => {
  const world = new World(1)
  const host = world.host('keeper')
  const dice = new Dice(1, 5)
  let damagedCount = 0
  await world.complete(
    (async () => {
      const { files, valueAt } = await written(host)
      const last = Math.max(...valueAt.keys())
      const names = [...files.keys()].filter((name) => !name.endsWith('lock')).sort()
      assert.ok(names.filter((name) => name.startsWith('entries.')).length > 1)
      for (let flip = 0; flip < FLIPS; flip++) {
        const name = names[dice.below(names.length)]!
        const bytes = Buffer.from(files.get(name)!)
        const place = dice.below(bytes.length)
        bytes[place]! ^= 1 << dice.below(8)
        const where = `bit flipped in ${name} at ${place}`
        const flipped = new Map(files).set(name, bytes)
        await put(host, COPY, flipped)
        const salvaged = await salvage(host, COPY)
        assert.deepEqual(await filesIn(host, COPY), flipped, where)
        if (salvaged.lastZxid === 0) continue
        assert.equal(await valueIn(salvaged), at(valueAt, salvaged.lastZxid), where)
        if (salvaged.damage !== null && salvaged.lastZxid < last) damagedCount++
        const opened = await openKeeper(host, COPY).catch((error: Error) => error)
        assert.equal(opened instanceof Error, salvaged.damage !== null, `${where}: ${salvaged.damage}, but ${String(opened)}`)
        if (!(opened instanceof Error)) {
          assert.equal(await valueIn(opened.connect()), await valueIn(salvaged), where)
          await opened.close()
        }
        await goesOn(host, salvaged, last)
      }
    })(),
    LIMIT_MS,
  )
  assert.ok(damagedCount > 10, `${damagedCount} lost something`)
})

/** A keeper on what was salvaged says the same, and gives no zxid twice. */
async function goesOn(host: Host, salvaged: Awaited<ReturnType<typeof salvage>>, last: number): Promise<void> {
  await host.disk.remove('/made')
  await host.disk.createDirectory('/made')
  await salvaged.writeTo('/made')
  const keeper = await openKeeper(host, '/made')
  const zooKeeper = keeper.connect()
  assert.equal(await valueIn(zooKeeper), await valueIn(salvaged))
  const { mzxid } = await zooKeeper.setData('/a', null)
  assert.ok(mzxid > last, `zxid ${mzxid} after ${last}`)
  await keeper.close()
}

test('a directory without a tree, and none', async () => {
  const world = new World(1)
  const host = world.host('keeper')
  await world.complete(
    (async () => {
      assert.equal(await hasTree(host, DIRECTORY), false)
      await host.disk.createDirectory(DIRECTORY)
      assert.equal(await hasTree(host, DIRECTORY), false)
      await (await openKeeper(host, DIRECTORY)).close()
      // nobody has connected yet
      assert.equal(await hasTree(host, DIRECTORY), false)
      await written(host)
      assert.equal(await hasTree(host, DIRECTORY), true)
    })(),
    LIMIT_MS,
  )
})
