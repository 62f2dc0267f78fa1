import type { Env } from '@ottla/env'

/** A cluster id, topic id or the like: 22 characters of base64url, none of which a command line could take for an option. */
export function randomId({ random }: Pick<Env, 'random'>): string {
  for (;;) {
    const id = random.bytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
