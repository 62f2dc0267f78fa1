/** Which package may import which: arrows point down (ARCHITECTURE). `tidy` holds the code to it. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  env: [],
  wire: [],
  protocol: ['wire'],
  log: ['protocol', 'wire', 'env'],
  zookeeper: ['wire', 'env'],
  keeper: ['zookeeper', 'wire', 'env'],
  client: ['protocol', 'wire', 'env'],
  broker: ['log', 'zookeeper', 'protocol', 'wire', 'env'],
  ottla: ['broker', 'keeper', 'zookeeper', 'client', 'log', 'protocol', 'wire', 'env'],
}

/** What only `env` may touch: time, chance, disk, network. The command line of `ottla` has its own terminal: it reads files, and tells times. */
export const SEAM = {
  modules: ['fs', 'fs/promises', 'net', 'tls', 'timers', 'timers/promises', 'dgram', 'perf_hooks', 'child_process', 'worker_threads'],
  calls: /\b(setTimeout|setInterval|setImmediate|Date\.now|new Date\(|performance\.now|Math\.random|randomBytes|randomUUID|randomInt)\b/,
  exempt: { ottla: ['fs', 'fs/promises', 'child_process'], keeper: ['net'] } as Readonly<Record<string, readonly string[]>>,
  exemptFromCalls: 'packages/ottla/src/commands/',
}

/** A file is one idea; above this many lines it is two. */
export const LINES_MAX = 460
export const COLUMNS_MAX = 150
