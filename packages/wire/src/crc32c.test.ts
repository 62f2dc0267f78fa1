import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c, slicedCrc32c } from './crc32c.ts'

/** Vectors of RFC 3720, appendix B.4, and the usual check value. */
const VECTORS: readonly [Buffer, number][] = [
  [Buffer.alloc(0), 0],
  [Buffer.from('123456789'), 0xe3069283],
  [Buffer.alloc(32), 0x8a9136aa],
  [Buffer.alloc(32, 0xff), 0x62a8ab43],
  [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  [Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
]

for (const [name, checksum] of [
  ['the chosen one', crc32c],
  ['the sliced one', slicedCrc32c],
] as const) {
  test(`${name} gives the published checksums`, () => {
    for (const [bytes, expected] of VECTORS) assert.equal(checksum(bytes), expected)
  })
}

test('both agree on any bytes, at any alignment, whole or in two parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.nat(15), (made, cut, shift) => {
      const shifted = Buffer.concat([Buffer.alloc(shift), made]).subarray(shift)
      const at = cut % (made.length + 1)
      const whole = slicedCrc32c(made)
      assert.ok(whole >= 0 && whole <= 0xffffffff)
      assert.equal(crc32c(shifted), whole)
      assert.equal(slicedCrc32c(shifted.subarray(at), slicedCrc32c(shifted.subarray(0, at))), whole)
      assert.equal(crc32c(shifted.subarray(at), crc32c(shifted.subarray(0, at))), whole)
    }),
  )
})
