/** What a process has, seen from outside: descriptors by kind, time on the processor; and objects by class, of a heap snapshot. */
import { existsSync, globSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Counts = ReadonlyMap<string, number>

const PACKAGES = fileURLToPath(new URL('../../../packages', import.meta.url))
const TICKS_PER_SECOND = 100
/** Segments of the groups' topic: it stays, and grows and shrinks. */
const GROUPS = 'groups.log'

/** Open descriptors: sockets, pipes, files by their suffix, and so on. Null where the system does not tell. */
export function descriptorsOf(pid: number): Counts | null {
  const directory = `/proc/${pid}/fd`
  if (!existsSync(directory)) return null
  const counts = new Map<string, number>()
  for (const name of readdirSync(directory)) {
    let kind: string
    try {
      kind = kindOf(readlinkSync(`${directory}/${name}`))
    } catch {
      // it was closed meanwhile
      continue
    }
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return sorted(counts)
}

function kindOf(target: string): string {
  if (target.includes('/__consumer_offsets-') && target.endsWith('.log')) return GROUPS
  const [, kind] = /^(\w+):\[\d+\]$/.exec(target) ?? []
  if (kind !== undefined) return kind
  if (target.startsWith('anon_inode:')) return target.slice('anon_inode:'.length).replace(/[[\]]/g, '')
  if (target.endsWith(' (deleted)')) return `gone ${target.split('/').slice(-2).join('/')}`
  // the keeper's files are numbered
  return extname(target).replace(/^\.[0-9a-f]{16}$/, '.transactions') || basename(target)
}

/** What descriptors there are that were not before, or the other way round; of the groups' topic, whether there are more than files. */
export function descriptorsLeft(pid: number, before: Counts, logDirectory: string): string[] {
  const after = descriptorsOf(pid) ?? new Map<string, number>()
  const files = globSync(`${logDirectory}/__consumer_offsets-*/*.log`).length
  const open = after.get(GROUPS) ?? 0
  const left = differences(before, after).filter((one) => !one.startsWith(`${GROUPS} `))
  return open > files ? [...left, `${GROUPS}: ${open} of ${files} files`] : left
}

/** Milliseconds on a processor since it began. */
export function processorMs(pid: number): number {
  const path = `/proc/${pid}/stat`
  if (!existsSync(path)) return NaN
  const fields = readFileSync(path, 'utf8').split(') ').at(-1)!.split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}

/** Memory of its own: neither shared nor of files. NaN where the system does not tell. */
export function ownBytes(pid: number): number {
  const path = `/proc/${pid}/status`
  return existsSync(path) ? 1024 * Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(path, 'utf8'))![1]) : NaN
}

/** The classes of the packages, and those of which plain objects hang: what a leak consists of has one of them in it. */
export function classesOfPackages(): ReadonlySet<string> {
  const names = new Set(['Map', 'Set', 'Promise', 'Timeout'])
  for (const path of globSync(`${PACKAGES}/*/src/**/*.ts`)) {
    for (const [, name] of readFileSync(path, 'utf8').matchAll(/^(?:export )?(?:abstract )?class (\w+)/gm)) names.add(name!)
  }
  return names
}

/** Objects by class of a heap snapshot, of these classes only; and strings in which one of the `names` is, by that name. */
export function objectsOf(snapshotPath: string, classes: ReadonlySet<string>, names: readonly string[]): Counts {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(snapshotPath, 'utf8')) as {
    snapshot: { meta: { node_fields: string[]; node_types: [string[]] } }
    nodes: number[]
    strings: string[]
  }
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [typeAt, nameAt] = [fields.indexOf('type'), fields.indexOf('name')]
  const counts = new Map<string, number>()
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)
  for (let at = 0; at < nodes.length; at += fields.length) {
    const type = types[0][nodes[at + typeAt]!]!
    const text = strings[nodes[at + nameAt]!]!
    if (type === 'object' && classes.has(text)) count(text)
    else if (type.endsWith('string')) for (const name of names) if (text.includes(name)) count(name)
  }
  return sorted(counts)
}

/** What differs, as `name before -> after`. */
export function differences(before: Counts, after: Counts): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  return names.flatMap((name) => {
    const [was, is] = [before.get(name) ?? 0, after.get(name) ?? 0]
    return was === is ? [] : [`${name} ${was} -> ${is}`]
  })
}

export function sayCounts(counts: Counts): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
}

function sorted(counts: ReadonlyMap<string, number>): Counts {
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
