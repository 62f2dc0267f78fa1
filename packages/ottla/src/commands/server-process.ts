import type { Env } from '@ottla/env'
import { nodeEnv } from '@ottla/env/node'
import { UsageError } from '../usage-error.ts'

/** A configuration as it was read, and what the operator should know of it. */
interface Loaded<C> {
  readonly config: C
  readonly notes: readonly string[]
  readonly warnings: readonly string[]
}

/** Runs a command of a server: reads its words and its file, and serves with what they come to; answers the exit code. */
export async function runServer<C>(
  words: readonly string[],
  usage: string,
  load: (file: string | undefined, overrides: readonly string[]) => Loaded<C>,
  serve: (env: Env, config: C) => Promise<number>,
): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    console.log(usage)
    return 0
  }
  const env = nodeEnv()
  const { file, overrides, check } = serverWords(words, usage)
  const { config, notes, warnings } = load(file, overrides)
  for (const note of notes) env.log.info(note)
  for (const warning of warnings) env.log.warn(warning)
  return check ? 0 : await serve(env, config)
}

/** What a command that runs a server is told. */
interface ServerWords {
  /** A file of properties. */
  readonly file: string | undefined
  /** `key=value`, which go over the file. */
  readonly overrides: readonly string[]
  /** Only say what the configuration comes to. */
  readonly check: boolean
}

/** Read here rather than by a library: a start is to be quick. */
function serverWords(words: readonly string[], usage: string): ServerWords {
  const overrides: string[] = []
  const files: string[] = []
  let check = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === '--check') check = true
    else if (word === '--override' || word.startsWith('--override=')) {
      const pair = word === '--override' ? words[++at] : word.slice('--override='.length)
      overrides.push(pair ?? '')
    } else if (word.startsWith('-')) throw new UsageError(`there is no option ${word}\n\n${usage}`)
    else files.push(word)
  }
  if (files.length > 1) throw new UsageError(`one file of properties, not ${files.length}: ${files.join(' ')}`)
  return { file: files[0], overrides, check }
}

/** Resolves at the first signal to stop; a second one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (): void => {
      if (asked) process.exit(130)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}
