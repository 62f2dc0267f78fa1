import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('disk-shim.c', import.meta.url))

export type Order = `${'stall' | 'fail'}-${'sync' | 'write' | 'read'}`

/** A disk of a broker that obeys: see `disk-shim.c`. */
export class DiskShim {
  readonly environment: Readonly<Record<string, string>>
  readonly #orders: string

  /** Concerns the files below `path`; those below `coldPath` are not in the page cache. Throws where there is no C compiler. */
  constructor(directory: string, path: string, coldPath: string) {
    const library = `${directory}/disk-shim.so`
    this.#orders = `${directory}/orders`
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl'], { stdio: ['ignore', 'ignore', 'pipe'] })
    mkdirSync(this.#orders)
    this.environment = {
      LD_PRELOAD: library,
      OTTLA_SHIM_PATH: path,
      OTTLA_SHIM_COLD: coldPath,
      OTTLA_SHIM_ORDERS: this.#orders,
    }
  }

  order(order: Order): void {
    writeFileSync(`${this.#orders}/${order}`, '')
  }

  lift(order: Order): void {
    rmSync(`${this.#orders}/${order}`)
  }
}

/** For `skip`: why no shim can be made here, or false. With CI=true it is always false, so that what may not be skipped fails. */
export function whyNoShim(): string | false {
  if (process.env['CI'] === 'true') return false
  if (process.platform !== 'linux') return 'LD_PRELOAD as it is used here is of Linux'
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'there is no C compiler (cc)'
  }
}
