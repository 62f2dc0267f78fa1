import { existsSync, readFileSync } from 'node:fs'
import { loadBrokerConfig, parseProperties, type LoadedBrokerConfig } from '@ottla/broker'
import { keyAndValue } from './option-values.ts'

/** What a command reads where it is told no file, if there is one. */
export const DEFAULT_FILE = 'config/server.properties'

/** The broker's configuration from its file, and the `key=value` that go over it. */
export function serverConfig(file: string | undefined, overrides: readonly string[]): LoadedBrokerConfig {
  const pairs = new Map(overrides.map(keyAndValue))
  if (file !== undefined && !existsSync(file)) throw new Error(`there is no file ${file}`)
  const path = file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  return loadBrokerConfig(path === undefined ? new Map() : parseProperties(readFileSync(path, 'utf8')), pairs)
}
