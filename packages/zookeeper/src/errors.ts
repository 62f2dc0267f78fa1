/** ZooKeeper's error codes: number on the wire and a sentence that says what to do. The names are those of its protocol. */
export const ERRORS = {
  SystemError: [-1, 'the server failed while it served the request; its log says why'],
  RuntimeInconsistency: [-2, 'not carried out, because an earlier operation of the same multi failed'],
  DataInconsistency: [-3, 'the server found its data inconsistent; restore it from another member or a backup'],
  ConnectionLoss: [-4, 'the connection was lost before the answer came: the request may or may not have been carried out, so read again'],
  MarshallingError: [-5, 'the server could not read the request'],
  Unimplemented: [-6, 'the server does not know this operation, or it is not enabled there'],
  OperationTimeout: [-7, 'no answer in time: the request may or may not have been carried out, so read again'],
  BadArguments: [-8, 'a path or an argument is not valid; correct it'],
  UnknownSession: [-12, 'the server does not know this session; open a new one'],
  NewConfigNoQuorum: [-13, 'the new membership has no quorum connected'],
  ReconfigInProgress: [-14, 'another change of membership is under way; try later'],
  APIError: [-100, 'the operation failed'],
  NoNode: [-101, 'there is no such znode; create it, or its parent, first'],
  NoAuth: [-102, 'the ACL of the znode does not permit this; authenticate as someone whom it names'],
  BadVersion: [-103, 'the znode has another version than the request expects; read again and decide anew'],
  NoChildrenForEphemerals: [-108, 'an ephemeral znode has no children; choose a persistent parent'],
  NodeExists: [-110, 'there is such a znode already'],
  NotEmpty: [-111, 'the znode has children; delete those first'],
  SessionExpired: [-112, 'the session is over and its ephemeral znodes are gone; open a new one'],
  InvalidCallback: [-113, 'the callback is not valid'],
  InvalidACL: [-114, 'the ACL is empty, malformed, or of an unknown scheme; correct it'],
  AuthFailed: [-115, 'authentication failed; check the credentials'],
  SessionMoved: [-118, 'the session has moved to another connection; use that one'],
  NotReadOnly: [-119, 'the server is cut off from its ensemble and serves reads only; connect to another'],
  EphemeralOnLocalSession: [-120, 'a local session can not own ephemeral znodes'],
  NoWatcher: [-121, 'there is no such watch'],
  RequestTimeout: [-122, 'the request took too long; read again and decide anew'],
  ReconfigDisabled: [-123, 'changes of membership are disabled'],
  SessionClosedRequireSaslAuth: [-124, 'the server wants SASL authentication first'],
  QuotaExceeded: [-125, 'the quota of this path is used up'],
  ThrottledOp: [-127, 'the server is overloaded; try later'],
} as const satisfies Record<string, readonly [number, string]>

export type ErrorName = keyof typeof ERRORS

const names = new Map<number, ErrorName>(Object.entries(ERRORS).map(([name, [number]]) => [number, name as ErrorName]))

/** The code of an error on the wire: `errorNumber('NoNode')` is -101. */
export function errorNumber(name: ErrorName): number {
  return ERRORS[name][0]
}

/** The name of a code on the wire; one that is not in the table is a SystemError. */
export function errorName(number: number): ErrorName {
  return names.get(number) ?? 'SystemError'
}

/** What every request to ZooKeeper rejects with. `code` is a closed list; `number` is its value on the wire. */
export class ZooKeeperError extends Error {
  readonly code: ErrorName
  readonly number: number
  readonly path: string | null

  /** `detail`, when given, takes the place of the table's sentence. */
  constructor(code: ErrorName, path: string | null = null, detail?: string) {
    super(`${code}${path === null ? '' : ` at ${path}`}: ${detail ?? ERRORS[code][1]}`)
    this.name = 'ZooKeeperError'
    this.code = code
    this.number = errorNumber(code)
    this.path = path
  }
}
