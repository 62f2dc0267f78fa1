import { DecodeError, type Reader, type Writer } from '@ottla/wire'
import type { Identity } from './acl.ts'
import { readAcl, readBufferCopy, readCount, readString, readStrings, writeAcl, writeBuffer, writeString, writeStrings } from './jute.ts'
import { OPCODES } from './opcodes.ts'
import { opcodeOf, readMultiHeader, writeMultiHeader } from './request-codec.ts'
import type { ClientRequest, Reply } from './requests.ts'
import { readStat, writeStat } from './stat.ts'

/** The body of a reply, behind its header of xid, zxid and error. An error has none: its number is in the header. */
export function writeReply(writer: Writer, request: ClientRequest, reply: Reply): void {
  switch (reply.type) {
    case 'create':
      writeString(writer, reply.path)
      if (opcodeOf(request) !== OPCODES.create) writeStat(writer, reply.stat!)
      return
    case 'setData':
    case 'setAcl':
    case 'exists':
      writeStat(writer, reply.stat)
      return
    case 'getData':
      writeBuffer(writer, reply.data)
      writeStat(writer, reply.stat)
      return
    case 'getChildren':
      writeStrings(writer, reply.children)
      if (opcodeOf(request) !== OPCODES.getChildren) writeStat(writer, reply.stat!)
      return
    case 'getAcl':
      writeAcl(writer, reply.acl)
      writeStat(writer, reply.stat)
      return
    case 'multi':
    case 'multiRead':
      writeSteps(writer, request as ClientRequest & { type: 'multi' | 'multiRead' }, reply.results)
      return
    case 'sync':
      writeString(writer, reply.path)
      return
    case 'getEphemerals':
      writeStrings(writer, reply.paths)
      return
    case 'getAllChildrenNumber':
      writer.int32(reply.count)
      return
    case 'whoAmI':
      writer.int32(reply.identities.length)
      for (const { scheme, id } of reply.identities) {
        writeString(writer, scheme)
        writeString(writer, id)
      }
      return
    case 'sasl':
      writeBuffer(writer, reply.token)
      return
    case 'addWatch':
      // Its reply is a record of an error number.
      writer.int32(0)
      return
  }
}

function writeSteps(writer: Writer, request: ClientRequest & { type: 'multi' | 'multiRead' }, results: readonly Reply[]): void {
  for (const [at, result] of results.entries()) {
    const operation = request.operations[at]!
    if (result.type === 'error') {
      writeMultiHeader(writer, OPCODES.error, false, result.number)
      writer.int32(result.number)
      continue
    }
    const step: ClientRequest = operation.type === 'getChildren' ? { ...operation, withStat: false } : operation
    writeMultiHeader(writer, answeredAs(opcodeOf(step)), false, 0)
    writeReply(writer, step, result)
  }
  writeMultiHeader(writer, -1, true)
}

/** Every create that tells its stat looks alike. */
function answeredAs(opcode: number): number {
  return opcode === OPCODES.createContainer || opcode === OPCODES.createTtl ? OPCODES.create2 : opcode
}

/** The inverse, for a reply without an error. Throws DecodeError or RangeError. */
export function readReply(reader: Reader, request: ClientRequest): Reply {
  switch (request.type) {
    case 'create':
      return { type: 'create', path: readString(reader), stat: opcodeOf(request) === OPCODES.create ? null : readStat(reader) }
    case 'setData':
    case 'setAcl':
    case 'exists':
      return { type: request.type, stat: readStat(reader) }
    case 'getData':
      return { type: 'getData', data: readBufferCopy(reader), stat: readStat(reader) }
    case 'getChildren': {
      const children = readStrings(reader)
      return { type: 'getChildren', children, stat: opcodeOf(request) === OPCODES.getChildren ? null : readStat(reader) }
    }
    case 'getAcl':
      return { type: 'getAcl', acl: readAcl(reader), stat: readStat(reader) }
    case 'multi':
    case 'multiRead':
      return { type: request.type, results: readSteps(reader, request.operations.length) }
    case 'sync':
      return { type: 'sync', path: readString(reader) }
    case 'getEphemerals':
      return { type: 'getEphemerals', paths: readStrings(reader) }
    case 'getAllChildrenNumber':
      return { type: 'getAllChildrenNumber', count: reader.int32() }
    case 'whoAmI':
      return { type: 'whoAmI', identities: readIdentities(reader) }
    case 'sasl':
      return { type: 'sasl', token: readBufferCopy(reader) }
    case 'addWatch':
      reader.int32()
      return { type: 'addWatch' }
    default:
      return { type: request.type }
  }
}

/** A server of before 3.9 answers a create of any kind as the oldest: with its path alone. */
function readSteps(reader: Reader, count: number): Reply[] {
  const results: Reply[] = []
  for (;;) {
    const { opcode, isEnd } = readMultiHeader(reader)
    if (isEnd) break
    if (results.length === count) throw new DecodeError(`a multi of ${count} operations has more answers`)
    results.push(readStep(reader, opcode))
  }
  if (results.length !== count) throw new DecodeError(`a multi of ${count} operations has ${results.length} answers`)
  return results
}

function readStep(reader: Reader, opcode: number): Reply {
  switch (opcode) {
    case OPCODES.error:
      return { type: 'error', number: reader.int32() }
    case OPCODES.create:
      return { type: 'create', path: readString(reader), stat: null }
    case OPCODES.create2:
    case OPCODES.createContainer:
    case OPCODES.createTtl:
      return { type: 'create', path: readString(reader), stat: readStat(reader) }
    case OPCODES.setData:
      return { type: 'setData', stat: readStat(reader) }
    case OPCODES.delete:
      return { type: 'delete' }
    case OPCODES.check:
      return { type: 'check' }
    case OPCODES.getData:
      return { type: 'getData', data: readBufferCopy(reader), stat: readStat(reader) }
    case OPCODES.getChildren:
      return { type: 'getChildren', children: readStrings(reader), stat: null }
  }
  throw new DecodeError(`a multi has an answer of type ${opcode}`)
}

function readIdentities(reader: Reader): Identity[] {
  const identities: Identity[] = []
  for (let left = readCount(reader, 8); left > 0; left--) identities.push({ scheme: readString(reader), id: readString(reader) })
  return identities
}
