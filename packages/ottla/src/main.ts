/** The command line: `ottla <command>`. Only the command that is asked for is loaded, for a start is to be quick. */
import { COMMANDS, runCommand } from './commands.ts'

// the pool for syncs and cold reads; libuv reads this at its first use
process.env['UV_THREADPOOL_SIZE'] ??= '16'

// a reader that has seen enough (`| head`) is no failure; the write that meets it says EPIPE
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const [name = 'help', ...rest] = process.argv.slice(2)
process.exitCode = await runCommand(COMMANDS, name, rest)
