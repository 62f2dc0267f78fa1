import { EnvError, type EnvErrorCode } from '../env.ts'

const CODES: Readonly<Record<string, EnvErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EEXIST: 'exists',
  ENOTEMPTY: 'exists',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EMFILE: 'no-descriptor',
  ENFILE: 'no-descriptor',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EADDRINUSE: 'in-use',
  ECONNREFUSED: 'refused',
}

/** Why a peer can't be reached makes no difference to who wanted to: each of these is `refused`, with the system's words. */
const UNREACHABLE = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET'])

export function envError(error: unknown): EnvError {
  if (error instanceof EnvError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return new EnvError(CODES[code ?? ''] ?? 'io', message, error)
}

export function connectError(error: NodeJS.ErrnoException, where: string): EnvError {
  const known = UNREACHABLE.has(error.code ?? '') ? 'refused' : CODES[error.code ?? '']
  return new EnvError(known ?? 'io', `No connection to ${where}: ${error.message || error.code}`, error)
}

export type Done<T> = (error: NodeJS.ErrnoException | null, value?: T) => void

/** One call of Node's callback manner as a promise; its failure as an EnvError. */
export function later<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(envError(error))
      else resolve(value as T)
    })
  })
}
