import type { ErrorName, ZooKeeper } from '@ottla/zookeeper'
import { ZooKeeperError } from '@ottla/zookeeper'

/** The least that a ZooKeeper must be: what each path holds, and which requests are refused. */
export type Values = Map<string, number>

export type Change =
  | { readonly type: 'create'; readonly path: string; readonly value: number }
  | { readonly type: 'setData'; readonly path: string; readonly value: number }
  | { readonly type: 'delete'; readonly path: string }
export type Attempt = Change | { readonly type: 'multi'; readonly changes: readonly Change[] }

/** Changes `values` as ZooKeeper would, or says why not. */
export function attempt(values: Values, wanted: Attempt): ErrorName | 'Ok' {
  if (wanted.type !== 'multi') return change(values, wanted)
  const draft: Values = new Map(values)
  for (const item of wanted.changes) {
    const code = change(draft, item)
    if (code !== 'Ok') return code
  }
  values.clear()
  for (const [path, value] of draft) values.set(path, value)
  return 'Ok'
}

function change(values: Values, wanted: Change): ErrorName | 'Ok' {
  const { path } = wanted
  const parent = path.slice(0, path.lastIndexOf('/'))
  if (wanted.type === 'setData') {
    if (!values.has(path)) return 'NoNode'
    values.set(path, wanted.value)
    return 'Ok'
  }
  if (parent !== '' && !values.has(parent)) return 'NoNode'
  if (wanted.type === 'create') {
    if (values.has(path)) return 'NodeExists'
    values.set(path, wanted.value)
    return 'Ok'
  }
  if (!values.has(path)) return 'NoNode'
  for (const other of values.keys()) if (other.startsWith(`${path}/`)) return 'NotEmpty'
  values.delete(path)
  return 'Ok'
}

/** Asks for the same of a real one. `sizeBytes`: how large the data are that hold the value. */
export async function carryOut(zooKeeper: ZooKeeper, wanted: Attempt, sizeBytes: number): Promise<ErrorName | 'Ok'> {
  try {
    if (wanted.type === 'create') await zooKeeper.create(wanted.path, dataOf(wanted.value, sizeBytes))
    else if (wanted.type === 'setData') await zooKeeper.setData(wanted.path, dataOf(wanted.value, sizeBytes))
    else if (wanted.type === 'delete') await zooKeeper.delete(wanted.path)
    else if (wanted.type === 'multi') {
      await zooKeeper.multi(
        wanted.changes.map((item) =>
          item.type === 'delete' ? item : { type: item.type, path: item.path, data: dataOf(item.value, sizeBytes) },
        ),
      )
    }
    return 'Ok'
  } catch (error) {
    if (error instanceof ZooKeeperError) return error.code
    throw error
  }
}

/** What is there of `paths`. */
export async function look(zooKeeper: ZooKeeper, paths: readonly string[]): Promise<Values> {
  const values: Values = new Map()
  for (const path of paths) {
    if ((await zooKeeper.exists(path)) !== null) values.set(path, (await zooKeeper.getData(path)).data!.readUInt32BE(0))
  }
  return values
}

export function isSame(a: Values, b: Values): boolean {
  if (a.size !== b.size) return false
  for (const [path, value] of a) if (b.get(path) !== value) return false
  return true
}

function dataOf(value: number, sizeBytes: number): Buffer {
  const data = Buffer.alloc(Math.max(4, sizeBytes), value & 0xff)
  data.writeUInt32BE(value)
  return data
}
