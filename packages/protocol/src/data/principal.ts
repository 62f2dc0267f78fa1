import { bool, message, string, type Decoded } from '@ottla/wire'

/** A principal as brokers pass it on, behind an int16 version (KIP-590). */
export const DefaultPrincipalData = message('DefaultPrincipalData', {
  type: string(),
  name: string(),
  tokenAuthenticated: bool(),
}, '0+')
export type DefaultPrincipalData = Decoded<typeof DefaultPrincipalData.fields>
