/** Each kind of watch, what it tells and in which order. */
import { nothing, type Client, type Probe } from './probe-session.ts'
import { Body } from './raw-client.ts'

export async function watchScenes(probe: Probe): Promise<void> {
  await oneShots(probe)
  await persistent(probe)
  await removal(probe)
  await again(probe)
}

/** With `b`, who changes what `a` watches. */
async function withOther(probe: Probe, title: string, play: (a: Client, b: Client, root: string) => Promise<void>): Promise<void> {
  await probe.scene(title, async (a, root) => {
    const b = await probe.client('b')
    await play(a, b, root)
    await b.close()
  })
}

async function oneShots(probe: Probe): Promise<void> {
  await withOther(probe, 'one shot', async (a, b, root) => {
    await a.exists(`${root}/n`, true)
    await a.exists(`${root}/n`, true)
    await a.getChildren(root, true)
    await b.create(`${root}/n`)
    await a.listen('made')
    await a.getData(`${root}/n`, true)
    await a.exists(`${root}/n`, true)
    await b.setData(`${root}/n`, 'y')
    await b.setData(`${root}/n`, 'z')
    await a.listen('set twice')
    await a.getData(`${root}/n`, true)
    await a.getChildren2(`${root}/n`, true)
    await a.getChildren(root, true)
    await b.setAcl(`${root}/n`, ['31 world anyone'])
    await a.listen('its ACL set')
    await b.delete(`${root}/n`)
    await a.listen('deleted')
    await a.getData(`${root}/n`, true)
    await a.getChildren(`${root}/n`, true)
    await b.create(`${root}/n`)
    await a.listen('made again')
    await a.getData(`${root}/n`, true)
    await a.setData(`${root}/n`, 'own')
    await a.getChildren(`${root}/n`, true)
    await a.create(`${root}/n/own`)
    await a.getData(`${root}/n`, true)
    await b.setData(`${root}/n`, 'y', 99)
    await a.listen('a write refused')
  })
  await withOther(probe, 'events of a multi', async (a, b, root) => {
    await a.exists(`${root}/n`, true)
    await a.getChildren(root, true)
    await a.addWatch(root, 1)
    const step = (op: number, body: Body): Body => new Body().int(op).bool(false).int(-1).raw(body.done())
    const all = new Body()
    all.raw(step(1, new Body().text(`${root}/n`).text(null).acl(['31 world anyone']).int(0)).done())
    all.raw(step(5, new Body().text(`${root}/n`).text('x').int(-1)).done())
    all.raw(step(2, new Body().text(`${root}/n`).int(-1)).done())
    await b.untold(14, all.int(-1).bool(true).int(-1))
    await a.listen('created, set, deleted in one')
  })
  await withOther(probe, 'a session that ends', async (a, b, root) => {
    await b.create(`${root}/e`, { flags: 1 })
    await b.create(`${root}/f`, { flags: 1 })
    await a.exists(`${root}/e`, true)
    await a.getChildren(root, true)
    await b.close()
    await a.listen('ended')
    await a.exists(root)
  })
}

async function persistent(probe: Probe): Promise<void> {
  await withOther(probe, 'persistent', async (a, b, root) => {
    await a.addWatch(`${root}/n`, 0)
    await a.addWatch(`${root}/n`, 7)
    await a.addWatch(`${root}/n`, -1)
    await a.addWatch('/', 0)
    await changes(b, root)
    await a.listen('all of it')
    await a.getData(`${root}/n`, true)
    await b.create(`${root}/n`)
    await a.exists(`${root}/n`, true)
    await b.setData(`${root}/n`, 'x')
    await a.listen('one-shot and persistent, once each')
  })
  await withOther(probe, 'recursive', async (a, b, root) => {
    await a.addWatch(root, 1)
    await a.addWatch(`${root}/n`, 1)
    await changes(b, root)
    await a.listen('all of it')
    await a.getChildren(`${root}`, true)
    await b.create(`${root}/n`)
    await a.listen('with a child watch of the same path')
  })
  await withOther(probe, 'both modes', async (a, b, root) => {
    await a.addWatch(root, 0)
    await a.addWatch(root, 1)
    await b.create(`${root}/n`)
    await a.listen('the second takes the place of the first, or not')
    await a.addWatch(root, 0)
    await b.setData(root, 'x')
    await b.create(`${root}/m`)
    await a.listen('and back')
  })
}

async function changes(b: Client, root: string): Promise<void> {
  await b.create(`${root}/n`)
  await b.create(`${root}/n/c`)
  await b.create(`${root}/n/c/d`)
  await b.setData(`${root}/n`, 'y')
  await b.setData(`${root}/n/c`, 'y')
  await b.delete(`${root}/n/c/d`)
  await b.delete(`${root}/n/c`)
  await b.delete(`${root}/n`)
}

async function removal(probe: Probe): Promise<void> {
  await withOther(probe, 'removal', async (a, b, root) => {
    for (const kind of [1, 2, 3, 4, 5, 0, 6, -1]) {
      await a.watches(17, root, kind)
      await a.watches(18, root, kind)
      await a.getData(root, true)
      await a.getChildren(root, true)
      await a.addWatch(root, 0)
      await a.watches(17, root, kind)
      await a.watches(18, root, kind)
      await a.watches(17, root, kind)
      await b.setData(root, 'x')
      await b.create(`${root}/kind${kind}`)
      await a.listen(`after the removal of kind ${kind}`)
      await a.watches(18, root, 3)
    }
    await a.addWatch(root, 1)
    for (const kind of [1, 2, 4, 5]) await a.watches(17, root, kind)
    await a.watches(17, `${root}/below`, 5)
    await a.watches(18, root, 5)
    await a.watches(17, root, 3)
    await a.addWatch(root, 1)
    await a.watches(18, root, 3)
    await a.watches(17, root, 3)
  })
}

async function again(probe: Probe): Promise<void> {
  await withOther(probe, 'watches again', async (a, b, root) => {
    for (const name of ['same', 'set', 'gone', 'parent', 'goneParent']) await b.create(`${root}/${name}`)
    const since = BigInt((await b.untold(5, new Body().text(root).text('x').int(-1))).frames[0]!.readBigInt64BE(4))
    await b.setData(`${root}/set`, 'y')
    await b.delete(`${root}/gone`)
    await b.create(`${root}/parent/child`)
    await b.delete(`${root}/goneParent`)
    await b.create(`${root}/came`)
    const at = (...names: string[]): string[] => names.map((name) => `${root}/${name}`)
    const old = new Body()
      .long(since)
      .texts(at('same', 'set', 'gone'))
      .texts(at('came', 'absent'))
      .texts(at('parent', 'same', 'goneParent'))
    await a.ask('setWatches', 101, old, nothing, -8)
    await b.setData(`${root}/same`, 'y')
    await b.create(`${root}/same/child`)
    await b.create(`${root}/absent`)
    await a.listen('what was watched again')
    const both = new Body().long(since).texts([]).texts([]).texts([]).texts(at('same')).texts(at('parent'))
    await a.ask('setWatches2', 105, both, nothing)
    await b.setData(`${root}/same`, 'z')
    await b.setData(`${root}/parent`, 'z')
    await b.create(`${root}/parent/deep`)
    await a.listen('persistent ones again')
    await a.watches(17, `${root}/same`, 4)
    await a.watches(17, `${root}/parent`, 5)
    await a.ask('setWatches of a bad path', 101, new Body().long(since).texts(['relative']).texts([]).texts([]), nothing)
  })
}
