import { existsSync, readFileSync } from 'node:fs'
import { loadBrokerConfig, parseProperties, type LoadedBrokerConfig } from '@ottla/broker'
import { keyAndValue } from './option-values.ts'

/** What a command reads where it is told no file, if there is one. */
export const DEFAULT_FILE = 'config/server.properties'

/** The broker's configuration from its file, and the `key=value` that go over it. */
export function serverConfig(file: string | undefined, overrides: readonly string[]): LoadedBrokerConfig {
  return loadBrokerConfig(propertiesIn(file), new Map(overrides.map(keyAndValue)))
}

/** The lines of the file; none where none is named and there is none. */
export function propertiesIn(file: string | undefined): Map<string, string> {
  if (file !== undefined && !existsSync(file)) throw new Error(`there is no file ${file}`)
  const path = file ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  return path === undefined ? new Map<string, string>() : parseProperties(readFileSync(path, 'utf8'))
}
