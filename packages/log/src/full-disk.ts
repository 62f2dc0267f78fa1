import { EnvError } from '@ottla/env'

/** No space is left: unlike other failures of a disk this may pass, so nothing goes offline for it. */
export function isFull(error: unknown): boolean {
  return error instanceof EnvError && error.code === 'full'
}
