import { int16, int32, list, nullable, string, uuid, ZERO_UUID, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Deletes topics by name, and by id from version 6 (KIP-516). */
export const DeleteTopics = api('DeleteTopics', {
  topics: list({ name: string('0+', null), topicId: uuid() }, '6+'),
  topicNames: list(string(), '0-5'),
  timeoutMs: int32(),
}, {
  throttleTimeMs: int32('1+', 0),
  responses: list({
    name: nullable(string(), '6+'),
    topicId: uuid('6+', ZERO_UUID),
    errorCode: int16(),
    errorMessage: string('5+', null),
  }),
})

export type DeleteTopicsRequest = Decoded<typeof DeleteTopics.request.fields>
export type DeleteTopicsResponse = Encodable<typeof DeleteTopics.response.fields>
