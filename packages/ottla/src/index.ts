export { startServer, type Server } from './server.ts'
export { version } from './version.ts'
