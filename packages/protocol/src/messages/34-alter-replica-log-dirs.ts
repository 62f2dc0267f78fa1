import { int16, int32, list, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Moves replicas to another directory of the same broker (KIP-113). */
export const AlterReplicaLogDirs = api('AlterReplicaLogDirs', {
  dirs: list({ path: string(), topics: list({ name: string(), partitions: list(int32()) }) }),
}, {
  throttleTimeMs: int32(),
  results: list({ topicName: string(), partitions: list({ partitionIndex: int32(), errorCode: int16() }) }),
})

export type AlterReplicaLogDirsRequest = Decoded<typeof AlterReplicaLogDirs.request.fields>
export type AlterReplicaLogDirsResponse = Encodable<typeof AlterReplicaLogDirs.response.fields>
