/** Holds the tree to its own rules: layers, doors, the seam, and the size of files. Prints each breach and fails if there is one. */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { COLUMNS_MAX, LAYERS, LINES_MAX, SEAM } from './layers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const breaches: string[] = []
const breach = (path: string, line: number, what: string): void => void breaches.push(`${path}:${line}  ${what}`)

interface Manifest {
  readonly exports: Readonly<Record<string, string>>
}
const doors = new Map(
  Object.keys(LAYERS).map((name) => {
    const manifest = JSON.parse(readFileSync(`${root}packages/${name}/package.json`, 'utf8')) as Manifest
    return [name === 'ottla' ? 'ottla' : `@ottla/${name}`, Object.keys(manifest.exports)] as const
  }),
)

function checkImport(path: string, line: number, from: string, inTest: boolean): void {
  const owner = /^packages\/([^/]+)\//.exec(path)?.[1]
  const module = from.replace(/^node:/, '')
  if (owner !== undefined && owner !== 'env' && !inTest && SEAM.modules.includes(module) && !SEAM.exempt[owner]?.includes(module)) {
    breach(path, line, `${from} may be imported by packages/env only; receive what you need of it`)
  }
  if (from.startsWith('.') && owner !== undefined) {
    const target = new URL(from, `file:///${path}`).pathname.slice(1)
    if (!target.startsWith(`packages/${owner}/`)) breach(path, line, `${from} leaves the package: import its door`)
  }
  const [, name, rest] = /^(@ottla\/[a-z]+|ottla)(\/.*)?$/.exec(from) ?? []
  if (name === undefined) return
  const exported = doors.get(name)
  if (exported === undefined) return breach(path, line, `there is no package ${name}`)
  const door = `.${rest ?? ''}`
  const open = exported.some((one) => one === door || (one.endsWith('/*') && door.startsWith(one.slice(0, -1))))
  if (!open) breach(path, line, `${from} is not a door of ${name}: ${exported.join(', ')}`)
  const target = name.replace('@ottla/', '')
  if (owner !== undefined && owner !== target && !inTest && !LAYERS[owner]?.includes(target)) {
    breach(path, line, `${owner} may not import ${target}; it may import ${LAYERS[owner]?.join(', ') || 'nothing'}`)
  }
}

function checkFile(path: string): void {
  const text = readFileSync(`${root}${path}`, 'utf8')
  const lines = text.split('\n')
  const inTest = /\.test\.ts$|\/test\/|\/conformance\//.test(path)
  const inPackage = path.startsWith('packages/') && !path.startsWith('packages/env/') && !path.startsWith(SEAM.exemptFromCalls)
  if (lines.length > LINES_MAX) breach(path, LINES_MAX, `${lines.length} lines; at most ${LINES_MAX}, one idea each`)
  for (const [index, line] of lines.entries()) {
    if (line.length > COLUMNS_MAX) breach(path, index + 1, `${line.length} columns; at most ${COLUMNS_MAX}`)
    if (/\b(TODO|FIXME|XXX)\b|\b(it|test|describe)\.(only|skip|todo)\(/.test(line)) breach(path, index + 1, 'left undone')
    if (inPackage && !inTest && !/^\s*(\*|\/\/|\/\*)/.test(line) && SEAM.calls.test(line))
      breach(path, index + 1, 'time and chance come from env only')
    const from = /(?:from|import)\s*\(?'([^']+)'/.exec(line)?.[1]
    if (from !== undefined && !/^\s*(\*|\/\/|\/\*)/.test(line)) checkImport(path, index + 1, from, inTest)
  }
}

const files = globSync(['packages/*/src/**/*.ts', 'packages/*/test/**/*.ts', 'scripts/*.ts', 'tests/**/*.ts', 'bench/**/*.ts'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
})
for (const path of files) if (path !== 'scripts/tidy.ts') checkFile(path)
for (const line of breaches.sort()) console.error(line)
if (breaches.length > 0) console.error(`tidy: ${breaches.length} breaches in ${files.length} files`)
process.exit(breaches.length > 0 ? 1 : 0)
