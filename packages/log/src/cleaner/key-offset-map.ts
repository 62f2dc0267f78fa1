import { hash } from 'node:crypto'

/** 128 bits of the key's hash and 64 of the offset, as in Kafka. */
const SLOT_BYTES = 24
const HASH_WORDS = 4

/**
 * The latest offset of each key, in memory of a fixed size: keys are known by the first 128 bits of their SHA-256, so that nobody can
 * make two of them one (a producer chooses its keys).
 */
export class KeyOffsetMap {
  /** Offset after the last record that was looked at: what lies behind it is unknown here. */
  endOffset = 0
  readonly #countMax: number
  readonly #slots: number
  readonly #hashes: Int32Array
  /** Offset + 1; 0: the slot is free. */
  readonly #offsets: Float64Array
  #count = 0

  /** Room for as many keys as fit into `bytesMax`, no more than `keysMax`; at least one. */
  constructor(keysMax: number, bytesMax: number, loadFactor = 0.9) {
    const fitting = Math.min(Math.floor(bytesMax / SLOT_BYTES), 1 << 28)
    this.#slots = Math.max(2, Math.min(fitting, Math.ceil(Math.max(1, keysMax) / loadFactor) + 1))
    this.#countMax = Math.max(1, Math.min(this.#slots - 1, Math.floor(this.#slots * loadFactor)))
    this.#hashes = new Int32Array(this.#slots * HASH_WORDS)
    this.#offsets = new Float64Array(this.#slots)
  }

  get count(): number {
    return this.#count
  }

  get sizeBytes(): number {
    return this.#slots * SLOT_BYTES
  }

  /** False: it is full. A key that is known already always fits. Offsets of a key come in order. */
  put(key: Uint8Array, offset: number): boolean {
    const slot = this.#find(key)
    if (this.#offsets[slot] === 0) {
      if (this.#count === this.#countMax) return false
      this.#count++
      for (let word = 0; word < HASH_WORDS; word++) this.#hashes[slot * HASH_WORDS + word] = words[word]!
    }
    this.#offsets[slot] = offset + 1
    return true
  }

  /** -1: the key isn't known. */
  get(key: Uint8Array): number {
    return this.#count === 0 ? -1 : this.#offsets[this.#find(key)]! - 1
  }

  /** The slot that has the key, or the free one where it would go. There is always a free one. */
  #find(key: Uint8Array): number {
    hashInto(key)
    let slot = (words[0]! >>> 0) % this.#slots
    while (this.#offsets[slot] !== 0 && !this.#holds(slot)) slot = slot + 1 === this.#slots ? 0 : slot + 1
    return slot
  }

  #holds(slot: number): boolean {
    const at = slot * HASH_WORDS
    const hashes = this.#hashes
    return hashes[at] === words[0] && hashes[at + 1] === words[1] && hashes[at + 2] === words[2] && hashes[at + 3] === words[3]
  }
}

/** Of the key that was hashed last. */
const words = new Int32Array(HASH_WORDS)

function hashInto(key: Uint8Array): void {
  // a string of bytes is several times quicker to get than a buffer
  const text = hash('sha256', key, 'binary')
  for (let word = 0, at = 0; word < HASH_WORDS; word++, at += 4) {
    words[word] = (text.charCodeAt(at) << 24) | (text.charCodeAt(at + 1) << 16) | (text.charCodeAt(at + 2) << 8) | text.charCodeAt(at + 3)
  }
}
