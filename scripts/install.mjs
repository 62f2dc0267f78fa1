// Installs what package-lock.json names, where that has not been done, and warms Node's compile cache so that the first start is already
// quick. It runs before the pinned Node is there: plain JavaScript that Node 18 understands, and nothing but its own modules.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (path) => `${root}${path}`
const changedMs = (path) => (existsSync(at(path)) ? statSync(at(path)).mtimeMs : 0)

function run(command, args, environment = {}) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...environment },
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
}

if (changedMs('node_modules/.package-lock.json') < changedMs('package-lock.json')) {
  console.error('installing what package-lock.json names …')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}
if (!existsSync(at('node_modules/.cache/node'))) {
  const pinned = at('node_modules/.bin/node')
  run(existsSync(pinned) ? pinned : 'node', [at('scripts/warm.ts')], { NODE_COMPILE_CACHE: at('node_modules/.cache/node') })
}
