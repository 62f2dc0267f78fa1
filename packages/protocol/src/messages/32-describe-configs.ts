import { bool, int16, int32, int8, list, nullable, string, type Decoded, type Encodable } from '@ottla/wire'
import { api } from '../api.ts'

/** Configurations of topics, brokers, groups and client metrics, with synonyms (KIP-226), types and documentation (KIP-569). */
export const DescribeConfigs = api('DescribeConfigs', {
  resources: list({
    resourceType: int8(),
    resourceName: string(),
    configurationKeys: nullable(list(string())),
  }),
  includeSynonyms: bool('1+', false),
  includeDocumentation: bool('3+', false),
}, {
  throttleTimeMs: int32(),
  results: list({
    errorCode: int16(),
    errorMessage: nullable(string()),
    resourceType: int8(),
    resourceName: string(),
    configs: list({
      name: string(),
      value: nullable(string()),
      readOnly: bool(),
      isDefault: bool('0', false),
      configSource: int8('1+', -1),
      isSensitive: bool(),
      synonyms: list({ name: string(), value: nullable(string()), source: int8() }, '1+'),
      configType: int8('3+', 0),
      documentation: nullable(string('3+', '')),
    }),
  }),
})

export type DescribeConfigsRequest = Decoded<typeof DescribeConfigs.request.fields>
export type DescribeConfigsResponse = Encodable<typeof DescribeConfigs.response.fields>
