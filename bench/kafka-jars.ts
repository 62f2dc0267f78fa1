import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runProgram, works } from './processes.ts'

export const KAFKA_VERSION = '4.3.1'

const java = process.env['JAVA_HOME'] === undefined ? 'java' : `${process.env['JAVA_HOME']}/bin/java`
export const javac = `${java}c`

/** The start of a command that runs a Java program on Kafka's libraries, with the flags of Kafka's own start script. */
export function javaOptions(libraries: string, heap: string): string[] {
  const collector = ['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent']
  const logging = `-Dlog4j2.configurationFile=${fileURLToPath(new URL('kafka/log4j2.properties', import.meta.url))}`
  return [java, `-Xmx${heap}`, `-Xms${heap}`, '-server', ...collector, '-Djava.awt.headless=true', logging, '-cp', libraries]
}

/** The version of the Java machine, or undefined where there is none. */
export async function javaVersion(): Promise<string | undefined> {
  if (!(await works([java, '-version']))) return undefined
  return /java\.version = (\S+)/.exec(await runProgram(['sh', '-c', '"$0" -XshowSettings:properties -version 2>&1', java]))?.[1]
}

/**
 * Kafka's jars as a class path: those of `$KAFKA_PEER` (default ~/.cache/kafka-peer) where they are, else fetched once by Maven into the
 * cache. Rejects where neither can be.
 */
export async function kafkaLibraries(cache: string): Promise<string> {
  const peers = process.env['KAFKA_PEER'] ?? `${homedir()}/.cache/kafka-peer`
  const found = [`${peers}/${KAFKA_VERSION}/libs`, `${cache}/kafka-${KAFKA_VERSION}`].find((directory) => isWhole(directory))
  if (found !== undefined) return `${found}/*`
  const directory = `${cache}/kafka-${KAFKA_VERSION}`
  mkdirSync(directory, { recursive: true })
  console.log(`Fetching Apache Kafka ${KAFKA_VERSION} by Maven into ${directory}, once`)
  const pom = fileURLToPath(new URL('kafka/pom.xml', import.meta.url))
  await runProgram([
    'mvn',
    '-q',
    '-B',
    '-f',
    pom,
    'dependency:copy-dependencies',
    `-DoutputDirectory=${directory}`,
    '-DincludeScope=runtime',
  ])
  return `${directory}/*`
}

const isWhole = (directory: string): boolean =>
  existsSync(`${directory}/kafka_2.13-${KAFKA_VERSION}.jar`) && existsSync(`${directory}/kafka-tools-${KAFKA_VERSION}.jar`)
