/** Loads what a broker loads, so that Node's compile cache has it. */
import { nodeEnv } from '@ottla/env/node'
import { warmBroker } from '@ottla/broker'
import 'ottla'

nodeEnv()
await warmBroker()
