/** Single requests: each opcode's success, and each way to be refused. */
import { nothing, number, OPEN, type Client, type Probe } from './probe-session.ts'
import { Body } from './raw-client.ts'

const BAD_PATHS = [
  '',
  'relative',
  '/a/',
  '//',
  '/a//b',
  '/a/./b',
  '/a/..',
  '/nul\0',
  '/\u0001',
  '/\u007f',
  '/\ud7ff',
  '/\ue000',
  '/\uffef',
  '/\ufff0',
]

export async function requestScenes(probe: Probe): Promise<void> {
  await creates(probe)
  await probe.scene('paths', async (client, root) => {
    for (const path of BAD_PATHS) {
      const at = path.startsWith('/') && path !== '/' ? root + path : path
      await client.create(at)
      await client.delete(at)
      await client.setData(at, 'y')
      await client.setAcl(at, OPEN)
      await client.exists(at)
      await client.getData(at)
      await client.getAcl(at)
      await client.getChildren(at)
      await client.sync(at)
      if (at !== '') await client.countAll(at)
      await client.addWatch(at, 0)
      await client.watches(18, at, 3)
    }
    await client.exists(null)
    await client.getData(null)
    await client.getEphemerals(null)
  })
  await changes(probe)
  await reads(probe)
  await bounds(probe)
  await oddities(probe)
}

async function creates(probe: Probe): Promise<void> {
  await probe.scene('create', async (client, root) => {
    await client.create(`${root}/a`)
    await client.create(`${root}/a`)
    await client.create(`${root}/absent/a`)
    await client.create(`${root}/null`, { data: null })
    await client.create(`${root}/empty`, { data: '' })
    for (const name of ['null', 'empty', 'a']) await client.getData(`${root}/${name}`)
    await client.create(`${root}/ephemeral`, { flags: 1 })
    await client.create(`${root}/ephemeral/child`)
    await client.create('/')
    await client.create('/zookeeper')
    await client.create('/zookeeper/own')
    await client.delete('/zookeeper/own')
    for (const op of [1, 15, 19, 21]) {
      for (const flags of op === 19 ? [-1, 4, 5, 6, 7] : [-1, 0, 1, 2, 3, 4, 5, 6, 7])
        await client.create(`${root}/op${op}-${flags}-`, { op, flags, ttl: 1000 })
    }
    for (const ttl of [-1, 0, 2 ** 40 - 1, 2 ** 40]) await client.create(`${root}/ttl${ttl}`, { op: 21, flags: 5, ttl })
    await client.getChildren2(root)
    await client.exists(`${root}/op19-4-`)
    await client.exists(`${root}/op21-5-`)
  })
  await probe.scene('sequences', async (client, root) => {
    await client.create(`${root}/q-`, { flags: 2 })
    await client.create(`${root}/q-`, { flags: 3 })
    await client.create(`${root}/plain`)
    await client.delete(`${root}/plain`)
    await client.create(`${root}/`, { flags: 2 })
    await client.create(`${root}/q-`, { op: 21, flags: 6, ttl: 5 })
    await client.create(`${root}/absent/q-`, { flags: 2 })
    await client.create(`${root}//`, { flags: 2 })
    await client.create(`${root}/.`, { flags: 2 })
    await client.exists(root)
  })
}

async function changes(probe: Probe): Promise<void> {
  await probe.scene('set and delete', async (client, root) => {
    await client.create(`${root}/a`)
    await client.setData(`${root}/a`, 'y', 0)
    await client.setData(`${root}/a`, 'y', 0)
    await client.setData(`${root}/a`, 'y', -2)
    await client.setData(`${root}/a`, null)
    await client.getData(`${root}/a`)
    await client.setData(`${root}/a`, '')
    await client.getData(`${root}/a`)
    await client.setData(`${root}/absent`, 'y')
    await client.setData('/zookeeper/config', 'y')
    await client.create(`${root}/a/b`)
    await client.delete(`${root}/a`)
    await client.delete(`${root}/a`, 7)
    await client.delete(`${root}/a/b`, 1)
    await client.delete(`${root}/a/b`, 0)
    await client.delete(`${root}/a/b`)
    await client.delete(`${root}/absent/b`)
    await client.exists(`${root}/a`)
    await client.delete(`${root}/a`)
    for (const at of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config', '/zookeeper/absent']) await client.delete(at)
    await client.exists(root)
  })
  await probe.scene('acl', async (client, root) => {
    await client.create(`${root}/a`)
    await client.setAcl(`${root}/a`, ['31 world anyone', '1 ip 127.0.0.1', '31 world anyone'])
    await client.getAcl(`${root}/a`)
    await client.setAcl(`${root}/a`, OPEN, 1)
    await client.setAcl(`${root}/a`, OPEN, 1)
    await client.exists(`${root}/a`)
    await client.setAcl(`${root}/absent`, OPEN)
    await client.getAcl(`${root}/absent`)
    await client.getAcl('/')
    await client.getAcl('/zookeeper')
    await client.getAcl('/zookeeper/config')
    const odd = [
      '31 world somebody',
      '31 auth ',
      '31 auth me',
      '31 magic x',
      '31 digest user',
      '31 digest a:b:c',
      '31 digest a:b',
      '31 digest :',
      '31 x509 ',
    ]
    const ips = [
      '1 ip 10.0.0.0/8',
      '1 ip 10.0.0.0/33',
      '1 ip 300.0.0.1',
      '1 ip ::1',
      '1 ip ::1/64',
      '1 ip ::1/129',
      '1 ip host',
      '1 ip 10.0.0.1/',
      '1 ip 1.2.3',
    ]
    for (const entry of [
      ...odd,
      ...ips,
      '31 sasl bob',
      '31 x509 CN=a',
      '0 world anyone',
      '255 world anyone',
      '31 ip ',
      '31 super x',
      '31  ',
    ]) {
      await client.create(`${root}/${entry.replaceAll('/', '|')}`, { acl: [entry] })
    }
    await client.create(`${root}/none`, { acl: [] })
    await client.create(`${root}/null`, { acl: null })
    await client.setAcl(`${root}/a`, [])
    await client.setAcl(`${root}/a`, null)
    await client.setAcl(`${root}/a`, ['31 magic x'], 9)
  })
}

async function reads(probe: Probe): Promise<void> {
  await probe.scene('reads', async (client, root) => {
    await client.create(`${root}/a`)
    await client.create(`${root}/a/b`, { flags: 1 })
    await client.create(`${root}/a/c`)
    for (const at of [root, `${root}/a`, `${root}/a/b`, `${root}/absent`]) {
      await client.readEach(at)
    }
    await client.getData('/zookeeper/config')
    await client.getEphemerals(root)
    await client.getEphemerals('/nowhere')
    await client.getEphemerals('')
    const other = await probe.client('b')
    await other.getEphemerals('/')
    await other.close()
    await client.getData('/zookeeper/quota')
  })
}

async function bounds(probe: Probe): Promise<void> {
  await probe.scene('sizes', async (client, root) => {
    // a request of the largest size, and one byte more
    const overhead = 4 + 4 + 4 + `${root}/largest`.length + 4 + new Body().acl(OPEN).done().length + 4
    await client.create(`${root}/largest`, { data: 'x'.repeat(0xfffff - overhead) })
    await client.exists(`${root}/largest`)
    const other = await probe.client('b')
    await other.create(`${root}/larges2`, { data: 'x'.repeat(0xfffff - overhead + 1) })
    await client.create(`${root}/${'n'.repeat(2000)}`)
    await client.delete(`${root}/largest`)
  })
  for (const [name, bytes] of [
    ['negative', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['huge', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['nothing', Buffer.alloc(4)],
    ['three bytes', Buffer.from([0, 0, 0, 3, 1, 2, 3])],
    ['a header alone', new Body().int(8).int(7).int(4).done()],
    ['half a header', new Body().int(4).int(7).done()],
  ] as const) {
    await probe.scene(`a frame of ${name}`, async (client) => {
      client.raw.sendBytes(bytes)
      await client.listen('then')
    })
  }
}

async function oddities(probe: Probe): Promise<void> {
  for (const opcode of [0, 10, 13, 16, 23, 99, 108, -1, 1000]) {
    await probe.scene(`op ${opcode}`, async (client, root) => {
      const body = opcode === 16 ? new Body().text(null).text(null).text(null).long(-1) : new Body().text(root).int(-1)
      await client.askLast(`op ${opcode}`, opcode, body)
      const again = await probe.client('again', client.hello)
      await again.exists(root)
      await again.close()
    })
  }
  for (const opcode of [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 17, 18, 19, 21, 22, 101, 102, 103, 104, 105, 106]) {
    await probe.scene(`op ${opcode} without a body`, async (client) => {
      await client.ask(`op ${opcode}`, opcode, new Body(), nothing)
      await client.exists('/')
    })
    await probe.scene(`op ${opcode} with a lying length`, async (client) => {
      await client.ask(`op ${opcode}`, opcode, new Body().int(1_000_000).int(1), nothing)
      await client.exists('/')
    })
  }
  await probe.scene('small things', async (client, root) => {
    await client.ask('exists with more behind it', 3, new Body().text(root).bool(false).long(7), (fields, run) => run.stat(fields))
    await client.ask('getData with xid 0', 4, new Body().text('/absent').bool(false), nothing, 0)
    await client.ask('getData with a negative xid', 4, new Body().text('/absent').bool(false), nothing, -77)
    await client.ask('sasl', 102, new Body().text('token'), (fields) => String(fields.text()))
    await pipelined(client, root)
    await client.countAll(root)
  })
  await probe.scene('sasl null', async (client) => {
    await client.ask('sasl null', 102, new Body().text(null), nothing)
  })
  await probe.scene('closeSession', async (client, root) => {
    await client.create(`${root}/e`, { flags: 1 })
    await client.askLast('closeSession', -11, new Body())
  })
}

/** Reads behind writes of the same session see them, and answers come in order. */
async function pipelined(client: Client, root: string): Promise<void> {
  for (let at = 0; at < 3; at++) {
    client.raw.request(1000 + at * 2, 1, new Body().text(`${root}/p${at}`).text('x').acl(OPEN).int(0).done())
    client.raw.request(1001 + at * 2, 104, new Body().text(root).done())
  }
  await client.ask('getAllChildrenNumber behind creates', 104, new Body().text(root), (fields) =>
    fields.left === 4 ? number(fields, null!) : 'a path',
  )
}
