/** `npm test`: what the code looks like, whether its types hold, then every test. The first that fails ends it. */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tests = globSync(['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'tests/{conformance,simulation,e2e}/**/*.test.ts'], {
  cwd: root,
})
// as bin/ottla has it: a broker within a test has as many calls to the disk at a time as one on its own
const env = { UV_THREADPOOL_SIZE: '16', ...process.env }
const only = process.argv.slice(2)

const steps: [string, string[]][] = [
  ['node', ['scripts/tidy.ts']],
  ['tsc', ['-p', '.']],
  ['oxlint', ['--quiet']],
  ['oxfmt', ['--check']],
  ['knip', ['--no-progress']],
]
const runTests: [string, string[]] = [
  'node',
  ['--test', '--test-concurrency=2', '--test-timeout=240000', ...(only.length > 0 ? only : tests)],
]

for (const [command, args] of only.length > 0 ? [runTests] : [...steps, runTests]) {
  console.log(`> ${command} ${args.slice(0, 4).join(' ')}`)
  const { status } = spawnSync(`${root}node_modules/.bin/${command}`, args, { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
