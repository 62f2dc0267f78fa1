export { Keeper, openKeeper, type KeeperEnv, type KeeperOptions } from './keeper.ts'
export { LogError } from './log-recovery.ts'
export { importZooKeeperData, type Imported, type ZooKeeperData } from './zookeeper-files/import.ts'
export { ZooKeeperDataError } from './zookeeper-files/zookeeper-data-error.ts'
