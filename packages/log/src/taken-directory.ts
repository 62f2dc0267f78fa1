import { EnvError, type Disk, type Lock } from '@ottla/env'
import { directoryOf, listIfThere } from '@ottla/env/files'

/** Makes a log directory where there is none, and takes it for this process. Rejects with EnvError, `locked` where another has it. */
export async function takeDirectory(disk: Disk, path: string): Promise<Lock> {
  await makeDirectory(disk, path)
  try {
    return disk.lock(`${path}/.lock`)
  } catch (error) {
    if (!(error instanceof EnvError) || error.code !== 'locked') throw error
    throw new EnvError('locked', `the log directory ${path} is in use by another process: stop it, or use another log.dirs`, error)
  }
}

/** Known to survive a crash, all parents that it needed too. */
async function makeDirectory(disk: Disk, path: string): Promise<void> {
  const missing: string[] = []
  for (let at = path; at !== '/' && at !== '.'; at = directoryOf(at)) {
    if ((await listIfThere(disk, at)) !== null) break
    missing.push(at)
  }
  if (missing.length === 0) return
  await disk.createDirectory(path)
  for (const each of missing) await disk.syncDirectory(directoryOf(each))
}
