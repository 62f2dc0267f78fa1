import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childPath, isValidPath, nameOf, parentOf, sequenceSuffix, validatePath } from './path.ts'

test('paths that name a znode, and those that do not', () => {
  for (const path of ['/', '/a', '/a/b', '/.a', '/a..', '/...', '/a b', '/größe', '/\u00a0', '/\uf900', '/\uffef']) {
    assert.equal(isValidPath(path), true, JSON.stringify(path))
  }
  for (const path of ['', 'a', 'a/b', '/a/', '//', '//a', '/a//b', '/.', '/..', '/a/.', '/a/../b', '/./a']) {
    assert.equal(isValidPath(path), false, JSON.stringify(path))
  }
  for (const code of [0, 1, 0x1f, 0x7f, 0x9f, 0xd800, 0xdfff, 0xe000, 0xf8ff, 0xfff0, 0xffff]) {
    assert.equal(isValidPath(`/a${String.fromCharCode(code)}b`), false, code.toString(16))
  }
})

test('a refusal says why', () => {
  assert.throws(() => validatePath('/a/'), { code: 'BadArguments', path: '/a/', message: /must not end with/ })
  assert.throws(() => validatePath('/a\u0007'), /U\+0007 at 2/)
  validatePath('/a/', true)
  assert.throws(() => validatePath('a', true), /must begin/)
})

test('parts of paths', () => {
  assert.deepEqual(['/', '/a', '/a/b'].map(parentOf), ['/', '/', '/a'])
  assert.deepEqual(['/a', '/a/b'].map(nameOf), ['a', 'b'])
  assert.deepEqual([childPath('/', 'a'), childPath('/a', 'b')], ['/a', '/a/b'])
  assert.deepEqual([0, 42, 2 ** 31 - 1].map(sequenceSuffix), ['0000000000', '0000000042', '2147483647'])
  assert.deepEqual([-(2 ** 31), -1].map(sequenceSuffix), ['-2147483648', '-000000001'])
})
