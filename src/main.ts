// The process: settings, the engine, the HTTP server, and an orderly end.
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { type App, createApp, PUBLIC_SEED, translate } from './app.ts'
import { type Config, loadConfig } from './config.ts'
import { AppError, asAppError } from './core/errors.ts'
import { PUBLIC_WORKSPACE } from './core/workspace.ts'
import { callerName } from './http/caller.ts'
import { mountConsole } from './http/console.ts'
import { toAppError } from './http/errors.ts'
import { createHttpServer } from './http/server.ts'
import { createTools } from './http/tools.ts'
import { createLog } from './log.ts'
import { type MountOptions, mountMcp } from './mcp/mount.ts'
import type { Log } from './services/deps.ts'
import { createIdentity, type Identity } from './services/identity.ts'
import { createRateLimiter } from './services/rate-limit.ts'
import { startTracing } from './tracing.ts'

/** A process that cannot hand its work back in time ends anyway; leases see to the rest. */
const STOP_WITHIN_MS = 7_000
/** A model server that does not answer by then is seen when it is needed. */
const CHECK_WITHIN_MS = 20_000

const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version

/** Serves until a signal ends the process; one that comes while it is still starting ends it as orderly. */
export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel)
  const signals = listenForSignals(log)
  // A key that cannot be used is told before the database is opened.
  const identity = createIdentity({ ...config.identity, now: Date.now })
  const endTracing = config.tracing === undefined ? undefined : await startTracing({ ...config.tracing, version })
  const app = await createApp(config, log)
  const server = config.role === 'worker' ? undefined : await createServer(app, identity, config, log)
  signals.endWith(async () => {
    await Promise.all([server?.close(), app.stopWork()])
    await app.close()
    await endTracing?.()
  })
  try {
    await begin(app, server, config, log, signals.came)
  } catch (error) {
    // What was still starting has lost its database or its port to the end that is under way.
    if (!signals.came()) throw error
  }
}

async function begin(app: App, server: FastifyInstance | undefined, config: Config, log: Log, ending: () => boolean): Promise<void> {
  app.deps.seeding.pending = config.role !== 'worker'
  const address = await server?.listen({ host: config.host, port: config.port }).catch((cause: unknown) => {
    throw cannotListen(config, cause)
  })
  if (config.role !== 'worker') await seedPublic(app, log, ending)
  if (ending()) return
  if (config.role !== 'api') await app.startWork()
  log.info({ role: config.role, database: app.deps.database.engine }, app.deps.models.describe())
  if (config.development && address !== undefined) {
    log.warn(
      {},
      'development mode: no auth setting is made, so every call without a credential is an administrator; only this machine can connect',
    )
  }
  if (address !== undefined) log.info({ address, docs: `${address}/docs` }, 'ready')
  // Beside the service, which is ready without it: a wrong key is told now and not at the first document. Workers, of which there may be many,
  // only look at lists; whoever answers /readyz asks.
  app.checkModels(AbortSignal.timeout(CHECK_WITHIN_MS), config.role === 'worker' ? 'list' : 'probe').catch((error: unknown) => {
    if (!ending()) log.warn({ err: error }, 'the model servers could not be checked')
  })
}

/** SIGTERM and SIGINT, heard from the first moment: before there is anything to end, the process just goes. */
function listenForSignals(log: Log): { came: () => boolean; endWith: (end: () => Promise<void>) => void } {
  let came = false
  let end: () => Promise<void> = () => Promise.resolve()
  const stop = (signal: string): void => {
    if (came) return
    came = true
    log.info({ signal }, 'stopping')
    setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref()
    end().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  return {
    came: () => came,
    endWith: (given) => {
      end = given
    },
  }
}

/** HTTP, and on the same port the console and MCP, with one identity and one limit for all of them. */
async function createServer(app: App, identity: Identity, config: Config, log: Log): Promise<FastifyInstance> {
  const settings = { loopback: config.loopback, development: config.development, uploadMaxBytes: config.uploadMaxBytes }
  const rateLimiter = createRateLimiter(app.deps.database, config.rateLimits, log)
  const mcp: MountOptions = {
    tools: createTools(app.engine, settings),
    version,
    identity,
    log,
    admit: (principal, headers, kind) => rateLimiter.admit(callerName(principal, headers), kind),
    issuer: config.identity.issuer,
    report: (error, tool) => {
      const known = toAppError(error, translate)
      if (known.code === 'internal_error') log.error({ tool, err: known.cause ?? known }, 'a tool failed unexpectedly')
      return known
    },
  }
  const mounts = [(mount: FastifyInstance) => mountConsole(mount), (mount: FastifyInstance) => mountMcp(mount, mcp)]
  return createHttpServer({ engine: app.engine, identity, settings, log, version, rateLimiter, mounts, translate })
}

/** Queues what is new before anybody asks whether seeding goes on; a service without its seed material still serves. */
async function seedPublic(app: App, log: Log, ending: () => boolean): Promise<void> {
  try {
    const { queued, unchanged, skipped } = await app.seed(PUBLIC_WORKSPACE, PUBLIC_SEED)
    if (queued.length + skipped.length > 0) log.info({ queued: queued.length, unchanged, skipped }, 'seeding the public workspace')
  } catch (error) {
    if (!ending()) log.error({ err: error }, 'the public workspace could not be seeded; npm run seed tries again')
  } finally {
    app.deps.seeding.pending = false
  }
}

function cannotListen(config: Config, cause: unknown): AppError {
  const code = (cause as { code?: unknown }).code
  const why =
    code === 'EADDRINUSE'
      ? 'another program listens there'
      : code === 'EACCES'
        ? 'this user may not'
        : 'the address is not one of this machine'
  return new AppError('not_ready', `PORT ${config.port} on ${config.host} cannot be opened: ${why}; set PORT or HOST.`, { cause })
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
