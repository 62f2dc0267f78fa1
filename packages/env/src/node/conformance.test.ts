import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { clockConformance, diskConformance, netConformance, type Place } from '../conformance/index.ts'
import { nodeEnv } from './index.ts'

function real(native: boolean): () => Place {
  return () => {
    const directory = mkdtempSync(`${tmpdir()}/ottla-env-`)
    return {
      env: nodeEnv({ native, logLevel: 'silent' }),
      directory,
      host: '127.0.0.1',
      run: (work) => work(),
      end: () => rmSync(directory, { recursive: true }),
    }
  }
}

clockConformance('node', real(true))
for (const native of [true, false]) {
  const name = native ? 'node' : "node's public interfaces alone"
  diskConformance(name, real(native))
  netConformance(name, real(native))
}
