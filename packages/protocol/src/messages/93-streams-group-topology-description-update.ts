import { int16, int32, int8, list, string, struct, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

const topologyDescriptionNode = {
  name: string(),
  nodeType: int8(),
  sourceTopics: list(string()),
  sinkTopic: string('0+', null),
  stores: list(string()),
  successors: list(string()),
}

/** A streams member describes its topology, for people who look at the group. */
export const StreamsGroupTopologyDescriptionUpdate = api('StreamsGroupTopologyDescriptionUpdate', {
  groupId: string(),
  memberId: string(),
  topologyEpoch: int32(),
  topologyDescription: struct({
    subtopologies: list({ subtopologyId: string(), nodes: list(topologyDescriptionNode) }),
    globalStores: list({ source: struct(topologyDescriptionNode), processor: struct(topologyDescriptionNode) }),
  }),
}, {
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: string('0+', null),
})

export type StreamsGroupTopologyDescriptionUpdateRequest = Decoded<typeof StreamsGroupTopologyDescriptionUpdate.request.fields>
export type StreamsGroupTopologyDescriptionUpdateResponse = Encodable<typeof StreamsGroupTopologyDescriptionUpdate.response.fields>
