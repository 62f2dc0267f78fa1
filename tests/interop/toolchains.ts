/** Installs what the clients need, by name, with the package managers that are there, into one cache directory. */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lastWords, run } from './processes.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const cache = process.env['OTTLA_INTEROP_CACHE'] ?? `${homedir()}/.cache/ottla-interop`
const clientsFrom = `${here}clients/`
/** npm's own Node is to be the one that runs the clients. */
const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`

/** Why something can't be had on this machine. */
export class Missing extends Error {}

/** Runs an installer and throws its last words where it fails. */
async function install(command: readonly string[], options: { cwd?: string; environment?: Record<string, string> } = {}): Promise<void> {
  const ended = await run(command, { ...options, environment: { PATH, ...options.environment } })
  if (ended.status !== 0) throw new Missing(`${command.slice(0, 3).join(' ')} failed: ${lastWords(ended)}`)
}

async function need(command: readonly string[], what: string): Promise<void> {
  if ((await run(command)).status !== 0) throw new Missing(`${what} isn't there`)
}

const underWay = new Map<string, Promise<string>>()

/** A directory of the cache named after the content of `files`; `fill` is run once for each content. */
function cached(name: string, files: readonly string[], fill: (directory: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file))
  const directory = `${cache}/${name}-${hash.digest('hex').slice(0, 12)}`
  const ready = underWay.get(directory) ?? fillOnce(directory, fill)
  underWay.set(directory, ready)
  return ready
}

async function fillOnce(directory: string, fill: (directory: string) => Promise<void>): Promise<string> {
  if (existsSync(`${directory}/.whole`)) return directory
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  await fill(directory)
  writeFileSync(`${directory}/.whole`, '')
  return directory
}

/** The JavaScript clients, beside their packages; answers the directory of the client programs. */
export async function javaScript(): Promise<string> {
  const files = ['package.json', 'package-lock.json', '.npmrc']
  const directory = await cached(
    'javascript',
    files.map((file) => here + file),
    async (target) => {
      for (const file of files) cpSync(here + file, `${target}/${file}`)
      await install(['npm', 'ci', '--ignore-scripts', '--loglevel=error'], { cwd: target })
    },
  )
  for (const client of ['javascript', 'kafkajs', 'platformatic', 'kcat']) {
    cpSync(clientsFrom + client, `${directory}/clients/${client}`, { recursive: true })
  }
  return `${directory}/clients`
}

/** kcat of the system's packages. */
export async function kcat(): Promise<void> {
  if ((await run(['kcat', '-V'])).status === 0) return
  await need(['apt-get', '--version'], 'kcat, and apt-get to install it,')
  await install(['apt-get', 'update', '-qq'])
  await install(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'kcat'], {
    environment: { DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** A Python with the packages of `requirements.txt` in a directory beside this file. */
export async function python(from: string): Promise<string> {
  await need(['python3', '--version'], 'python3')
  const requirements = `${here}${from}/requirements.txt`
  const directory = await cached('python', [requirements], async (target) => {
    await install(['python3', '-m', 'venv', target])
    await install([`${target}/bin/pip`, 'install', '--quiet', '--only-binary', ':all:', '-r', requirements])
  })
  return `${directory}/bin/python`
}

/** The Go client's program. */
export async function go(): Promise<string> {
  await need(['go', 'version'], 'go')
  const from = `${clientsFrom}franz-go`
  const directory = await cached(
    'go',
    ['go.mod', 'go.sum', 'main.go'].map((file) => `${from}/${file}`),
    async (target) => {
      await install(['go', 'build', '-o', `${target}/client`, '.'], { cwd: from, environment: { GOFLAGS: '-mod=readonly' } })
    },
  )
  return `${directory}/client`
}

/** The Rust client's program. */
export async function rust(): Promise<string> {
  await need(['cargo', '--version'], 'cargo')
  const from = `${clientsFrom}rskafka`
  const directory = await cached('rust', [`${from}/Cargo.toml`, `${from}/src/main.rs`], async (target) => {
    cpSync(from, target, { recursive: true })
    await install(['cargo', 'build', '--quiet'], { cwd: target, environment: { CARGO_TARGET_DIR: `${target}/target` } })
  })
  return `${directory}/target/debug/ottla-interop-rskafka`
}

/** Java's class path: the client's class, Kafka's own jars and tools. */
export async function java(): Promise<string> {
  await need(['javac', '-version'], 'javac')
  await need(['mvn', '--version'], 'mvn')
  const from = `${clientsFrom}java`
  const libraries = await javaLibraries('java-libraries', `${from}/pom.xml`)
  const classes = await cached('java-classes', [`${from}/pom.xml`, `${from}/Client.java`], (target) =>
    install(['javac', '-cp', `${libraries}/*`, '-d', target, `${from}/Client.java`]),
  )
  return `${classes}:${libraries}/*`
}

/** Kafka 3.9, the last that lives on a ZooKeeper, with that ZooKeeper: the class path of both, and a logger that prints. */
export async function kafkaOnZooKeeper(): Promise<{ classPath: string; logger: string }> {
  await need(['mvn', '--version'], 'mvn')
  const libraries = await javaLibraries('kafka-on-zookeeper', `${here}take-over/pom.xml`)
  return { classPath: `${libraries}/*`, logger: `${libraries}/slf4j-simple-1.7.36.jar` }
}

/** ZooKeeper 3.9 itself with its shell, and Curator with the program of its recipes. */
export async function zooKeeper(): Promise<string> {
  await need(['javac', '-version'], 'javac')
  await need(['mvn', '--version'], 'mvn')
  const [pom, program] = [`${here}zookeeper/pom.xml`, `${here}zookeeper/Recipes.java`]
  const libraries = await javaLibraries('zookeeper', pom)
  const classes = await cached('zookeeper-classes', [pom, program], (target) =>
    install(['javac', '-nowarn', '-cp', `${libraries}/*`, '-d', target, program]),
  )
  return `${classes}:${libraries}/*`
}

/** The jars that a pom names, with all that they need. */
function javaLibraries(name: string, pom: string): Promise<string> {
  const command = ['mvn', '-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime']
  return cached(name, [pom], (target) => install([...command, `-DoutputDirectory=${target}`]))
}
