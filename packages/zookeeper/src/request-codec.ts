import { DecodeError, type Reader, type Writer } from '@ottla/wire'
import { OPEN_ACL } from './acl.ts'
import { readAcl, readBufferCopy, readString, readStrings, writeAcl, writeBuffer, writeString, writeStrings } from './jute.ts'
import { OPCODES } from './opcodes.ts'
import type { CreateMode, Operation } from './operations.ts'
import type { ClientRequest, HeldWatches, ReadOperation, WatchSelection } from './requests.ts'

/** By the flags of a create. */
const CREATE_MODES: readonly CreateMode[] = [
  'persistent',
  'ephemeral',
  'persistentSequential',
  'ephemeralSequential',
  'container',
  'ttl',
  'ttlSequential',
]
const WATCH_MODES = ['persistent', 'persistentRecursive'] as const
/** By their number on the wire, which begins with 1. */
const WATCH_SELECTIONS: readonly WatchSelection[] = ['child', 'data', 'any', 'persistent', 'persistentRecursive']

/** A create whose flags mean nothing, or not with its opcode: to be answered with BadArguments. */
export class BadArgumentError extends Error {}

/** The number under which a request goes. */
export function opcodeOf(request: ClientRequest): number {
  switch (request.type) {
    case 'create':
      if (request.withStat === false) return OPCODES.create
      if (request.mode === 'ttl' || request.mode === 'ttlSequential') return OPCODES.createTtl
      return request.mode === 'container' ? OPCODES.createContainer : OPCODES.create2
    case 'getChildren':
      return request.withStat === false ? OPCODES.getChildren : OPCODES.getChildren2
    case 'setWatches':
      return hasPersistent(request) ? OPCODES.setWatches2 : OPCODES.setWatches
    default:
      return OPCODES[request.type]
  }
}

/** The body of a request, behind its header of xid and opcode. */
export function writeRequest(writer: Writer, request: ClientRequest): void {
  switch (request.type) {
    case 'create':
      writeString(writer, request.path)
      writeBuffer(writer, request.data)
      writeAcl(writer, request.acl ?? OPEN_ACL)
      writer.int32(CREATE_MODES.indexOf(request.mode ?? 'persistent'))
      if (opcodeOf(request) === OPCODES.createTtl) writer.int64(request.ttlMs ?? 0)
      return
    case 'delete':
    case 'check':
      writeString(writer, request.path)
      writer.int32(request.version ?? -1)
      return
    case 'exists':
    case 'getData':
    case 'getChildren':
      writeString(writer, request.path)
      writer.bool(request.watch ?? false)
      return
    case 'setData':
      writeString(writer, request.path)
      writeBuffer(writer, request.data)
      writer.int32(request.version ?? -1)
      return
    case 'setAcl':
      writeString(writer, request.path)
      writeAcl(writer, request.acl)
      writer.int32(request.version ?? -1)
      return
    case 'getAcl':
    case 'sync':
    case 'getAllChildrenNumber':
      writeString(writer, request.path)
      return
    case 'getEphemerals':
      writeString(writer, request.prefix)
      return
    case 'multi':
      for (const operation of request.operations) {
        writeMultiHeader(writer, opcodeOf(operation), false)
        writeRequest(writer, operation)
      }
      writeMultiHeader(writer, -1, true)
      return
    case 'multiRead':
      for (const { type, path } of request.operations) {
        writeMultiHeader(writer, OPCODES[type], false)
        writeString(writer, path)
        writer.bool(false)
      }
      writeMultiHeader(writer, -1, true)
      return
    case 'addWatch':
      writeString(writer, request.path)
      writer.int32(WATCH_MODES.indexOf(request.mode))
      return
    case 'removeWatches':
    case 'checkWatches':
      writeString(writer, request.path)
      writer.int32(WATCH_SELECTIONS.indexOf(request.watches) + 1)
      return
    case 'setWatches': {
      const { data, exist, child, persistent, persistentRecursive } = request.watches
      writer.int64(request.relativeZxid)
      for (const paths of [data, exist, child]) writeStrings(writer, paths)
      if (hasPersistent(request)) for (const paths of [persistent, persistentRecursive]) writeStrings(writer, paths)
      return
    }
    case 'auth':
      writer.int32(0)
      writeString(writer, request.scheme)
      writeBuffer(writer, request.credentials)
      return
    case 'sasl':
      writeBuffer(writer, request.token)
      return
    case 'reconfig':
      throw new TypeError('the membership of an ensemble is not changed by clients')
    case 'whoAmI':
    case 'ping':
    case 'closeSession':
  }
}

function hasPersistent({ watches }: ClientRequest & { type: 'setWatches' }): boolean {
  return watches.persistent.length > 0 || watches.persistentRecursive.length > 0
}

/** Of each step of a multi and of its answer: the opcode, whether it was the last, the error. */
export function writeMultiHeader(writer: Writer, opcode: number, isEnd: boolean, error = -1): void {
  writer.int32(opcode)
  writer.bool(isEnd)
  writer.int32(error)
}

export function readMultiHeader(reader: Reader): { readonly opcode: number; readonly isEnd: boolean } {
  const opcode = reader.int32()
  const isEnd = reader.bool()
  reader.int32()
  return { opcode, isEnd }
}

/**
 * The request behind a header that says `opcode`; null where there is no such operation. Data are copies, so the reader's memory is free
 * for reuse. Throws DecodeError or RangeError where the bytes are not one, BadArgumentError where they ask for what there is not.
 */
export function readRequest(reader: Reader, opcode: number): ClientRequest | null {
  switch (opcode) {
    case OPCODES.exists:
      return { type: 'exists', path: readString(reader), watch: reader.bool() }
    case OPCODES.getData:
      return { type: 'getData', path: readString(reader), watch: reader.bool() }
    case OPCODES.getChildren:
    case OPCODES.getChildren2:
      return { type: 'getChildren', path: readString(reader), watch: reader.bool(), withStat: opcode === OPCODES.getChildren2 }
    case OPCODES.getAcl:
      return { type: 'getAcl', path: readString(reader) }
    case OPCODES.sync:
      return { type: 'sync', path: readString(reader) }
    case OPCODES.getAllChildrenNumber:
      return { type: 'getAllChildrenNumber', path: readString(reader) }
    case OPCODES.getEphemerals:
      return { type: 'getEphemerals', prefix: readBufferCopy(reader)?.toString() ?? '' }
    case OPCODES.setAcl:
      return { type: 'setAcl', path: readString(reader), acl: readAcl(reader), version: reader.int32() }
    case OPCODES.multi:
      return { type: 'multi', operations: readSteps(reader, readStep) }
    case OPCODES.multiRead:
      return { type: 'multiRead', operations: readSteps(reader, readReadOperation) }
    case OPCODES.addWatch: {
      const path = readString(reader)
      return { type: 'addWatch', path, mode: choose(WATCH_MODES, reader.int32(), 'mode of watches') }
    }
    case OPCODES.removeWatches:
      return { type: 'removeWatches', path: readString(reader), watches: readSelection(reader) }
    case OPCODES.checkWatches:
      return { type: 'checkWatches', path: readString(reader), watches: readSelection(reader) }
    case OPCODES.setWatches:
    case OPCODES.setWatches2:
      return { type: 'setWatches', relativeZxid: reader.int64(), watches: readHeldWatches(reader, opcode === OPCODES.setWatches2) }
    case OPCODES.auth:
      reader.int32()
      return { type: 'auth', scheme: readString(reader), credentials: readBufferCopy(reader) }
    case OPCODES.sasl:
      return { type: 'sasl', token: readBufferCopy(reader) }
    case OPCODES.reconfig:
      return { type: 'reconfig' }
    case OPCODES.whoAmI:
      return { type: 'whoAmI' }
    case OPCODES.ping:
      return { type: 'ping' }
    case OPCODES.closeSession:
      return { type: 'closeSession' }
    case OPCODES.check:
      // Only a step of a multi: a server that takes it alone writes a log that it can not read.
      return null
  }
  return readOperation(reader, opcode)
}

/** The writes that may be a step of a multi. */
function readOperation(reader: Reader, opcode: number): Operation | null {
  switch (opcode) {
    case OPCODES.create:
    case OPCODES.create2:
    case OPCODES.createContainer:
    case OPCODES.createTtl:
      return readCreate(reader, opcode)
    case OPCODES.delete:
      return { type: 'delete', path: readString(reader), version: reader.int32() }
    case OPCODES.setData:
      return { type: 'setData', path: readString(reader), data: readBufferCopy(reader), version: reader.int32() }
    case OPCODES.check:
      return { type: 'check', path: readString(reader), version: reader.int32() }
  }
  return null
}

/** In a multi even flags that mean nothing make the whole of it unreadable. */
function readStep(reader: Reader, opcode: number): Operation | null {
  try {
    return readOperation(reader, opcode)
  } catch (error) {
    throw error instanceof BadArgumentError ? new DecodeError(error.message) : error
  }
}

function readReadOperation(reader: Reader, opcode: number): ReadOperation | null {
  if (opcode !== OPCODES.getData && opcode !== OPCODES.getChildren) return null
  const path = readString(reader)
  reader.bool()
  return { type: opcode === OPCODES.getData ? 'getData' : 'getChildren', path }
}

function readSteps<T>(reader: Reader, read: (reader: Reader, opcode: number) => T | null): T[] {
  const steps: T[] = []
  for (;;) {
    const { opcode, isEnd } = readMultiHeader(reader)
    if (isEnd) return steps
    const step = read(reader, opcode)
    if (step === null) throw new DecodeError(`a multi has an operation of type ${opcode}`)
    reader.count(1, 0)
    steps.push(step)
  }
}

function readCreate(reader: Reader, opcode: number): Operation & { type: 'create' } {
  const path = readString(reader)
  const data = readBufferCopy(reader)
  const acl = readAcl(reader)
  const flags = reader.int32()
  const ttl = opcode === OPCODES.createTtl ? { ttlMs: reader.int64() } : {}
  const mode = CREATE_MODES[flags]
  const isTtl = mode === 'ttl' || mode === 'ttlSequential'
  if (mode === undefined || isTtl !== (opcode === OPCODES.createTtl) || (opcode === OPCODES.createContainer && mode !== 'container')) {
    throw new BadArgumentError(`a create of type ${opcode} has no flags ${flags}`)
  }
  return { type: 'create', path, data, acl, mode, withStat: opcode !== OPCODES.create, ...ttl }
}

function readSelection(reader: Reader): WatchSelection {
  return choose(WATCH_SELECTIONS, reader.int32() - 1, 'kind of watches')
}

function readHeldWatches(reader: Reader, withPersistent: boolean): HeldWatches {
  return {
    data: readStrings(reader),
    exist: readStrings(reader),
    child: readStrings(reader),
    persistent: withPersistent ? readStrings(reader) : [],
    persistentRecursive: withPersistent ? readStrings(reader) : [],
  }
}

function choose<T>(choices: readonly T[], at: number, what: string): T {
  const choice = choices[at]
  if (choice === undefined) throw new DecodeError(`there is no ${what} ${at}`)
  return choice
}
