export { Broker } from './broker.ts'
export { loadBrokerConfig, type BrokerConfig, type LoadedBrokerConfig } from './configs/broker-config.ts'
export { parseProperties } from './configs/properties.ts'
export { warmBroker } from './handler-table.ts'
