import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { nodeEnv } from './index.ts'
import { loadNative } from './native.ts'
import { rest } from './views.ts'

test('rest: what a short write left', () => {
  const views = [Buffer.from('abc'), Buffer.alloc(0), Buffer.from('de'), Buffer.from('f')]
  const text = 'abcdef'
  for (let skip = 0; skip <= text.length; skip++) assert.equal(Buffer.concat(rest(views, skip)).toString(), text.slice(skip))
})

test('a full device', () => {
  if (!existsSync('/dev/full')) return
  const file = nodeEnv().disk.open('/dev/full', 'write')
  assert.throws(() => file.write(0, [Buffer.from('x')]), { code: 'full' })
  file.close()
})

test('OTTLA_NATIVE=off', () => {
  process.env['OTTLA_NATIVE'] = 'off'
  try {
    assert.equal(loadNative(), null)
  } finally {
    delete process.env['OTTLA_NATIVE']
  }
})

test('a cold file says so, and is warm after warm', async () => {
  const directory = mkdtempSync(`${tmpdir()}/ottla-file-`)
  try {
    const path = `${directory}/file`
    const file = nodeEnv().disk.open(path, 'create')
    const bytes = Buffer.alloc(4 << 20, 'c')
    file.write(0, [bytes])
    await file.sync()
    // tells the kernel to drop its pages, where it keeps the file on a device
    spawnSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'])
    const into = Buffer.alloc(1000)
    const inMemory = [0x01021994, 0x858458f6].includes(statfsSync(directory).type)
    if (loadNative() !== null && !inMemory && !file.cached(0, bytes.length)) assert.equal(file.read(2 << 20, into), -1)
    await file.warm(0, bytes.length)
    assert.equal(file.cached(0, bytes.length), true)
    assert.equal(file.read(2 << 20, into), 1000)
    assert.equal(
      into.every((byte) => byte === 0x63),
      true,
    )
    file.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('room that is reserved is on the disk, and given back by truncate', async (t) => {
  const directory = mkdtempSync(`${tmpdir()}/ottla-file-`)
  const path = `${directory}/file`
  const file = nodeEnv().disk.open(path, 'create')
  try {
    const roomOf = (): number => statSync(path).blocks * 512
    file.write(0, [Buffer.from('x')])
    file.reserve(8 << 20)
    if (roomOf() < 8 << 20) {
      t.diagnostic('this system, or its file system, reserves nothing')
      return
    }
    assert.equal(statSync(path).size, 1)
    await file.truncate(1)
    assert.ok(roomOf() < 1 << 20)
  } finally {
    file.close()
    rmSync(directory, { recursive: true })
  }
})
