export { clockConformance } from './clock.ts'
export { diskConformance } from './disk.ts'
export { netConformance } from './net.ts'
export type { MakePlace, Place } from './place.ts'
