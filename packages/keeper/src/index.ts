export { Keeper, openKeeper, type KeeperEnv, type KeeperOptions } from './keeper.ts'
export { LogError } from './log-recovery.ts'
