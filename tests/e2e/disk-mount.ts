import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

function run(command: string, ...words: string[]): void {
  execFileSync(command, words, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** A small file system in memory, on a directory of its own. */
export class SmallDisk {
  readonly path: string

  /** Throws where this user may not mount. */
  constructor(sizeBytes: number) {
    this.path = mkdtempSync(join(tmpdir(), 'ottla-disk-'))
    try {
      run('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', this.path)
    } catch (error) {
      rmdirSync(this.path)
      throw error
    }
  }

  /** Where nobody has a file open to write. */
  setReadOnly(isReadOnly: boolean): void {
    run('mount', '-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.path)
  }

  /** From now on paths below it are read-only, while files that are open to write stay so: as a remount in an emergency leaves it. */
  coverReadOnly(): void {
    // made elsewhere, as it could not be made read-only while someone opens a file in it
    const aside = mkdtempSync(join(tmpdir(), 'ottla-disk-'))
    try {
      run('mount', '--bind', this.path, aside)
      run('mount', '-o', 'remount,bind,ro', aside)
      run('mount', '--bind', aside, this.path)
    } finally {
      run('umount', aside)
      rmdirSync(aside)
    }
  }

  uncover(): void {
    run('umount', this.path)
  }

  remove(): void {
    // lazily: what a broker that hangs has open goes with it
    for (let left = 2; left > 0; left--) {
      try {
        run('umount', '-l', this.path)
      } catch {
        break
      }
    }
    rmdirSync(this.path)
  }
}

/** For `skip`: why this user may not mount, or false. With CI=true it is always false, so that what may not be skipped fails. */
export function whyNoMount(): string | false {
  if (process.env['CI'] === 'true') return false
  try {
    new SmallDisk(1 << 16).remove()
    return false
  } catch (error) {
    return `this user can't mount a tmpfs: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`
  }
}
