import type { Command } from 'commander'
import { localCommand } from './connection.ts'
import { gather } from './option-values.ts'
import { DEFAULT_FILE } from './server-properties.ts'

/** What every command that works on a stopped broker's directories understands. */
export interface ServerOptions {
  readonly override: readonly string[]
}

/** A command with the broker's file, and what goes over it. */
export function serverCommand(name: string, description: string): Command {
  return localCommand(name, description)
    .argument('[server.properties]', `the file that the broker was started with; ${DEFAULT_FILE} where there is one`)
    .option('--override <key=value>', 'sets one key, over the file; may be repeated', gather, [])
}
