import { bool, int16, int32, int64, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Log directories of a broker and the replicas in them (KIP-113), with their sizes KIP-827; cordoned ones KIP-1066. */
export const DescribeLogDirs = api('DescribeLogDirs', {
  topics: nullable(list({ topic: string(), partitions: list(int32()) })),
}, {
  throttleTimeMs: int32(),
  errorCode: int16('3+', 0),
  results: list({
    errorCode: int16(),
    logDir: string(),
    topics: list({
      name: string(),
      partitions: list({
        partitionIndex: int32(),
        partitionSize: int64(),
        offsetLag: int64(),
        isFutureKey: bool(),
      }),
    }),
    totalBytes: int64('4+', -1),
    usableBytes: int64('4+', -1),
    isCordoned: bool('5+', false),
  }),
})

export type DescribeLogDirsRequest = Decoded<typeof DescribeLogDirs.request.fields>
export type DescribeLogDirsResponse = Encodable<typeof DescribeLogDirs.response.fields>
