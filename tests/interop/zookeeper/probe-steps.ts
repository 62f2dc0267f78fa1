/** multi and multiRead, in all their shapes. */
import { OPEN, quoted, type Client, type Probe } from './probe-session.ts'
import { Body, type Fields } from './raw-client.ts'

type Step = readonly [opcode: number, body: Body]

const CREATE = (at: string, flags = 0, op = 1): Step => {
  const body = new Body().text(at).text('x').acl(OPEN).int(flags)
  return [op, op === 21 ? body.long(1000) : body]
}
const REMOVE = (at: string, version = -1): Step => [2, new Body().text(at).int(version)]
const SET = (at: string, data: string | null = 'y', version = -1): Step => [5, new Body().text(at).text(data).int(version)]
const CHECK = (at: string, version = -1): Step => [13, new Body().text(at).int(version)]
const GET = (at: string): Step => [4, new Body().text(at).bool(false)]
const LIST = (at: string): Step => [8, new Body().text(at).bool(false)]

/** Op 14 writes, 22 reads. */
function multi(client: Client, op: 14 | 22, what: string, steps: readonly Step[]): Promise<void> {
  const body = new Body()
  for (const [opcode, step] of steps) body.int(opcode).bool(false).int(-1).raw(step.done())
  body.int(-1).bool(true).int(-1)
  return client.ask(`${op === 14 ? 'multi' : 'multiRead'} ${what}`, op, body, results)
}

function results(fields: Fields, probe: Probe): string {
  const told: string[] = []
  for (;;) {
    const [type, isEnd, error] = [fields.int(), fields.bool(), fields.int()]
    if (isEnd) return `[${told.join(', ')}] end ${type} ${error}`
    told.push(`${type}:${error} ${result(type, fields, probe)}`.trim())
  }
}

function result(type: number, fields: Fields, probe: Probe): string {
  switch (type) {
    case -1:
      return `error ${fields.int()}`
    case 1:
      return quoted(fields.text())
    case 4:
      return `${quoted(fields.text())} ${probe.stat(fields)}`
    case 5:
      return probe.stat(fields)
    case 8:
      return String(fields.list(() => fields.text()))
    case 15:
    case 19:
    case 21:
      return `${quoted(fields.text())} ${probe.stat(fields)}`
  }
  return ''
}

export async function stepScenes(probe: Probe): Promise<void> {
  await probe.scene('multi', async (client, root) => {
    const at = (name: string): string => `${root}/${name}`
    await multi(client, 14, 'of nothing', [])
    await multi(client, 14, 'create set check delete', [CREATE(at('a')), SET(at('a'), 'y', 0), CHECK(at('a'), 1), REMOVE(at('a'), 1)])
    await multi(client, 14, 'create2', [CREATE(at('a'), 0, 15), CREATE(at('b'), 4, 19), CREATE(at('c'), 5, 21), CREATE(at('d'), 1, 15)])
    await multi(client, 14, 'sequences', [CREATE(at('q-'), 2), CREATE(at('q-'), 3), CREATE(at('q-'), 2, 15)])
    await multi(client, 14, 'null data', [SET(at('a'), null)])
    await client.getData(at('a'))
    await multi(client, 14, 'the second fails', [SET(at('a')), CREATE(at('a')), REMOVE(at('a'))])
    await multi(client, 14, 'a check fails', [CHECK(at('a'), 5), SET(at('a'))])
    await multi(client, 14, 'a check of nothing', [CHECK(at('absent'))])
    await multi(client, 14, 'bad path', [SET(at('a')), CREATE('relative'), SET(at('a'))])
    await multi(client, 14, 'bad flags', [SET(at('a')), CREATE(at('f'), 9)])
    await multi(client, 14, 'bad acl', [[1, new Body().text(at('f')).text('x').acl([]).int(0)]])
    await multi(client, 14, 'children of ephemerals', [CREATE(at('d/x'))])
    await multi(client, 14, 'children of what it makes', [CREATE(at('t')), CREATE(at('t/u')), REMOVE(at('t/u')), REMOVE(at('t'))])
    await multi(client, 14, 'not empty', [CREATE(at('t')), CREATE(at('t/u')), REMOVE(at('t'))])
    await multi(client, 14, 'twice the same', [CREATE(at('t')), CREATE(at('t'))])
    await client.exists(root)
    await client.getChildren2(root)
    await client.exists(at('a'))
  })
  await probe.scene('multi of what it may not have', async (client, root) => {
    for (const [what, step] of [
      ['getData', GET(root)],
      ['setACL', [7, new Body().text(root).acl(OPEN).int(-1)]],
      ['closeSession', [-11, new Body()]],
      ['op 99', [99, new Body()]],
    ] as const) {
      const other = await probe.client('b')
      await multi(other, 14, what, [step])
      await other.exists(root)
      await other.close()
    }
    await client.exists(root)
  })
  await probe.scene('multi without its end', async (client, root) => {
    await client.ask('multi', 14, new Body().int(1).bool(false).int(-1).text(`${root}/a`), results)
    await client.exists(`${root}/a`)
  })
  await probe.scene('multiRead', async (client, root) => {
    await client.create(`${root}/a`)
    await multi(client, 22, 'of nothing', [])
    await multi(client, 22, 'data and children', [GET(`${root}/a`), LIST(root), LIST(`${root}/a`)])
    await multi(client, 22, 'with errors', [GET(`${root}/absent`), LIST('relative'), GET(root)])
    await multi(client, 22, 'of a write', [SET(root)])
    await client.exists(root)
  })
}
