import type { Disk, Random } from '@ottla/env'
import { openIfThere, writeWhole } from '@ottla/env/files'
import { readWhole } from './whole-file.ts'

const SECRET_BYTES = 32

/** What the passwords of sessions are made with: `session-secret` in the directory, made where there is none, and on disk when this resolves. */
export async function sessionSecret(env: { disk: Disk; random: Random }, directory: string): Promise<Buffer> {
  const path = `${directory}/session-secret`
  const known = await read(env.disk, path)
  if (known !== null) return known
  const secret = env.random.bytes(SECRET_BYTES)
  await writeWhole(env.disk, path, secret)
  return secret
}

/** One that is damaged is made anew: then sessions can not be resumed, and their clients open new ones. */
async function read(disk: Disk, path: string): Promise<Buffer | null> {
  const file = openIfThere(disk, path)
  if (file === null) return null
  try {
    const secret = await readWhole(file)
    return secret.length === SECRET_BYTES ? secret : null
  } finally {
    file.close()
  }
}
