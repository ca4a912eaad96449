// The process: settings, the engine, the HTTP server, and an orderly end.
import { readFileSync } from 'node:fs'
import { type App, createApp, PUBLIC_SEED } from './app.ts'
import { type Config, loadConfig } from './config.ts'
import { asAppError } from './core/errors.ts'
import { PUBLIC_WORKSPACE } from './core/workspace.ts'
import { databaseUnavailable, isConnectionError } from './drivers/postgres.ts'
import { mountConsole } from './http/console.ts'
import { createHttpServer } from './http/server.ts'
import { createLog } from './log.ts'
import type { Log } from './services/deps.ts'
import { createIdentity } from './services/identity.ts'
import { createRateLimiter } from './services/rate-limit.ts'

/** A process that cannot hand its work back in time ends anyway; leases see to the rest. */
const STOP_WITHIN_MS = 9_000

const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version

export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel)
  const app = await createApp(config, log)
  const servesHttp = config.role !== 'worker'
  const server = servesHttp
    ? await createHttpServer({
        engine: app.engine,
        identity: createIdentity({ ...config.identity, now: Date.now }),
        settings: { loopback: config.loopback, development: config.development, uploadMaxBytes: config.uploadMaxBytes },
        log,
        version,
        rateLimiter: config.rateLimitPerMinute === undefined ? undefined : createRateLimiter(app.deps.database, config.rateLimitPerMinute, log),
        mounts: [(mount) => mountConsole(mount)],
        translate: (error) => (isConnectionError(error) ? databaseUnavailable(error) : undefined),
      })
    : undefined
  let stopping: Promise<void> | undefined
  const stop = (signal: string): void => {
    stopping ??= (async () => {
      log.info({ signal }, 'stopping')
      setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref()
      await Promise.all([server?.close(), app.stopWork()])
      await app.close()
      process.exit(0)
    })().catch((error: unknown) => {
      log.error({ err: error }, 'stopping failed')
      process.exit(1)
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  if (config.role !== 'worker') await seedPublic(app, log)
  const address = await server?.listen({ host: config.host, port: config.port })
  if (config.role !== 'api') await app.startWork()
  log.info({ role: config.role, database: app.deps.database.engine }, app.deps.models.describe())
  if (config.development && address !== undefined) {
    log.warn({}, 'development mode: no auth setting is made, so every call without a credential is an administrator; only this machine can connect')
  }
  if (address !== undefined) log.info({ address, docs: `${address}/docs` }, 'ready')
}

/** Queues what is new before anybody asks whether seeding goes on; a service without its seed material still serves. */
async function seedPublic(app: App, log: Log): Promise<void> {
  try {
    const { queued, unchanged, skipped } = await app.seed(PUBLIC_WORKSPACE, PUBLIC_SEED)
    if (queued.length + skipped.length > 0) log.info({ queued: queued.length, unchanged, skipped }, 'seeding the public workspace')
  } catch (error) {
    log.error({ err: error }, 'the public workspace could not be seeded; npm run seed tries again')
  }
}

if (import.meta.main) {
  try {
    await serve(loadConfig())
  } catch (error) {
    const known = asAppError(error)
    process.stderr.write(`${known.code}: ${known.code === 'internal_error' && error instanceof Error ? error.message : known.message}\n`)
    process.exit(known.definition.exit)
  }
}
