import { message, versionRange, type Fields, type Message } from '@ottla/wire'
import { apiRowByName, type ApiName } from './api-table.ts'
import { requestHeaderVersion, responseHeaderVersion } from './headers.ts'

/** An API with the messages of both its sides; every one of its versions can be read and written, served or not. */
export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  readonly key: number
  readonly name: ApiName
  /** The first and the last declared version. */
  readonly min: number
  readonly max: number
  /** The first flexible version (KIP-482). */
  readonly flexibleFrom: number
  readonly request: Message<Request>
  readonly response: Message<Response>
  requestHeaderVersion(version: number): number
  responseHeaderVersion(version: number): number
}

/** Declares an API: its name as in the table, which gives its key and versions, the request's fields, the response's fields. */
export function api<Request extends Fields, Response extends Fields>(
  name: ApiName,
  requestFields: Request,
  responseFields: Response,
): Api<Request, Response> {
  const { key, versions, flexible } = apiRowByName(name)
  const [min, max] = versionRange(versions)
  const request = message(`${name}Request`, requestFields, flexible)
  const response = message(`${name}Response`, responseFields, flexible)
  return {
    key,
    name,
    min,
    max,
    flexibleFrom: request.flexibleFrom,
    request,
    response,
    requestHeaderVersion: (version) => requestHeaderVersion(key, version),
    responseHeaderVersion: (version) => responseHeaderVersion(key, version),
  }
}
