import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { EnvError } from '../env.ts'
import { nodeEnv } from './index.ts'

const LOCKED = (error: unknown): boolean => error instanceof EnvError && error.code === 'locked'

async function inDirectory(body: (path: string, directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(`${tmpdir()}/ottla-lock-`)
  try {
    await body(`${directory}/.lock`, directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Another process that holds the lock. */
async function holder(path: string, native: boolean): Promise<ChildProcess> {
  const script = `
    import { nodeEnv } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
    nodeEnv({ native: ${native} }).disk.lock(${JSON.stringify(path)})
    console.log('held')
    setInterval(() => {}, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout!, 'data')
  return child
}

for (const theirs of [true, false]) {
  for (const ours of [true, false]) {
    test(`a lock taken ${way(theirs)} keeps out who locks ${way(ours)}, until its owner dies`, async () => {
      await inDirectory(async (path, directory) => {
        const child = await holder(path, theirs)
        const exited = once(child, 'exit')
        try {
          assert.throws(() => nodeEnv({ native: ours }).disk.lock(path), LOCKED)
          assert.equal(readFileSync(path, 'latin1').split(' ')[0], String(child.pid))
        } finally {
          child.kill('SIGKILL')
          await exited
        }
        const lock = nodeEnv({ native: ours }).disk.lock(path)
        assert.throws(() => nodeEnv({ native: !ours }).disk.lock(path), LOCKED)
        lock.release()
        nodeEnv({ native: !ours }).disk.lock(path).release()
        assert.deepEqual(
          readdirSync(directory).filter((name) => name !== '.lock'),
          [],
        )
      })
    })
  }
}

function way(native: boolean): string {
  return native ? 'with flock' : 'without'
}

test('a process id that is used again is not the owner', async () => {
  await inDirectory(async (path) => {
    for (const native of [true, false]) {
      writeFileSync(path, `${process.ppid} 1@another-boot pid\n`)
      nodeEnv({ native }).disk.lock(path).release()
    }
  })
})

test('a lock taken by fcntl, as Java takes it, keeps out', { skip: process.platform !== 'linux' }, async () => {
  await inDirectory(async (path) => {
    const script = `
      import { openSync } from 'node:fs'
      import koffi from ${JSON.stringify(import.meta.resolve('koffi'))}
      const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)')
      const exclusive = new Uint8Array(new Uint16Array([1, ...Array(15).fill(0)]).buffer)
      console.log(fcntl(openSync(${JSON.stringify(path)}, 'w+'), 6, 'void *', exclusive))
      setInterval(() => {}, 60_000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    try {
      assert.equal(String(await once(child.stdout!, 'data')).trim(), '0')
      assert.throws(() => nodeEnv({ native: true }).disk.lock(path), LOCKED)
    } finally {
      child.kill('SIGKILL')
      await exited
    }
    nodeEnv({ native: true }).disk.lock(path).release()
  })
})
