import { EnvError, type Disk, type Random } from '@ottla/env'
import { readWhole } from './whole-file.ts'

const SECRET_BYTES = 32

/** What the passwords of sessions are made with: `session-secret` in the directory, made where there is none, and on disk when this resolves. */
export async function sessionSecret(env: { disk: Disk; random: Random }, directory: string): Promise<Buffer> {
  const path = `${directory}/session-secret`
  const known = await read(env.disk, path)
  if (known !== null) return known
  const secret = env.random.bytes(SECRET_BYTES)
  const temporary = `${path}.tmp`
  await env.disk.remove(temporary)
  const file = env.disk.open(temporary, 'create')
  try {
    file.write(0, [secret])
    await file.sync()
  } finally {
    file.close()
  }
  await env.disk.rename(temporary, path)
  await env.disk.syncDirectory(directory)
  return secret
}

/** One that is damaged is made anew: then sessions can not be resumed, and their clients open new ones. */
async function read(disk: Disk, path: string): Promise<Buffer | null> {
  let file
  try {
    file = disk.open(path, 'read')
  } catch (error) {
    if (error instanceof EnvError && error.code === 'not-found') return null
    throw error
  }
  try {
    const secret = await readWhole(file)
    return secret.length === SECRET_BYTES ? secret : null
  } finally {
    file.close()
  }
}
