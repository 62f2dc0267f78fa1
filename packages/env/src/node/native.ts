import { createRequire } from 'node:module'

/** System calls that Node does not offer, through koffi. All else in `node/` works without them. */
export interface Native {
  /** sendfile(2): how many bytes went, 0 where the file ends, -1 where the socket is full (or broken, as the next write will tell). */
  sendFile(socketFd: number, fileFd: number, position: number, length: number): number
  /** preadv2(2) with RWF_NOWAIT: as pread, 4 KiB at most, but WOULD_WAIT where the page is not in memory. Other failures: CANNOT_TELL. */
  readCached(fd: number, position: number, into: Uint8Array): number
  /**
   * flock(2), and the lock of the open file description by fcntl(2), which excludes those that Java takes too; exclusive, without
   * waiting: false where another has either.
   */
  lockFile(fd: number): boolean
  /** fallocate(2) of the first `sizeBytes`, the file's size kept. False: the file system can't, or has no room. */
  reserve(fd: number, sizeBytes: number): boolean
}

export const WOULD_WAIT = -1
export const CANNOT_TELL = -2

interface Koffi {
  load(path: string | null): { func(prototype: string): (...values: unknown[]) => number }
  alloc(type: string, count: number): unknown
  address(memory: unknown): bigint | number
  view(memory: unknown, sizeBytes: number): ArrayBuffer
  errno(): number
}

const EAGAIN = 11
const RWF_NOWAIT = 8
const READ_BYTES_MAX = 4096
const LOCK_EX_NB = 2 | 4
const F_OFD_SETLK = 37
const FALLOC_FL_KEEP_SIZE = 1
/** struct flock: the type first, an exclusive one; all else 0, which is the whole file. */
const WHOLE_FILE = new Uint8Array(new Uint16Array([1, ...Array(15).fill(0)]).buffer)

let loaded: Native | null | undefined

/** Null where koffi is absent or does not load, the system is not Linux, or OTTLA_NATIVE=off. Takes about 1 ms the first time. */
export function loadNative(): Native | null {
  if (process.platform !== 'linux' || process.env['OTTLA_NATIVE'] === 'off') return null
  if (loaded === undefined) loaded = bind()
  return loaded
}

/** koffi's own entry takes 7 ms to choose among its builds; its build for this machine, asked for by name, .7 ms. */
function loadKoffi(): Koffi {
  const require = createRequire(import.meta.url)
  try {
    const fromKoffi = createRequire(require.resolve('koffi'))
    const { arch } = process
    return fromKoffi(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`) as Koffi
  } catch {
    return require('koffi') as Koffi
  }
}

function bind(): Native | null {
  try {
    const koffi = loadKoffi()
    const libc = koffi.load(null)
    const flock = libc.func('int flock(int fd, int operation)')
    const fallocate = libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)')
    const fcntl = libc.func('int fcntl(int fd, int command, ...)')
    const sendfile = libc.func('int64_t sendfile(int out, int in, void *offset, size_t count)')
    const preadv2 = libc.func('int64_t preadv2(int fd, void *views, int count, int64_t offset, int flags)')
    const offset = new Uint32Array(2)
    // the one iovec always names the same memory: to convert another for each call would double its cost
    const memory = koffi.alloc('uint8_t', READ_BYTES_MAX)
    const bytes = new Uint8Array(koffi.view(memory, READ_BYTES_MAX))
    const iovec = new BigUint64Array([BigInt(koffi.address(memory)), 0n])
    const iovecSize = new Uint32Array(iovec.buffer, 8, 1)
    return {
      sendFile: (socketFd, fileFd, position, length) => {
        offset[0] = position % 0x100000000
        offset[1] = position / 0x100000000
        return sendfile(socketFd, fileFd, offset, length)
      },
      readCached: (fd, position, into) => {
        const size = Math.min(into.length, READ_BYTES_MAX)
        iovecSize[0] = size
        const count = preadv2(fd, iovec, 1, position, RWF_NOWAIT)
        if (count >= 0) {
          into.set(count === READ_BYTES_MAX ? bytes : bytes.subarray(0, count))
          return count
        }
        return koffi.errno() === EAGAIN ? WOULD_WAIT : CANNOT_TELL
      },
      reserve: (fd, sizeBytes) => fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, sizeBytes) === 0,
      lockFile: (fd) => flock(fd, LOCK_EX_NB) === 0 && fcntl(fd, F_OFD_SETLK, 'void *', WHOLE_FILE) === 0,
    }
  } catch {
    return null
  }
}
