// The HTTP way in: builds the server around the use cases. Business rules are in the services, routes are in routes.ts.
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { serializerCompiler } from 'fastify-type-provider-zod'
import { Registry } from 'prom-client'
import { AppError } from '../core/errors.ts'
import type { Engine } from '../services/api.ts'
import type { Log } from '../services/deps.ts'
import type { Identity } from '../services/identity.ts'
import type { RateLimiter } from '../services/rate-limit.ts'
import { beginStep } from '../services/steps.ts'
import { requireAdmin } from './authorise.ts'
import { registerDocs, registerDocsPage } from './docs.ts'
import { engineMetrics } from './engine-metrics.ts'
import { errorBody, retryAfter, toAppError, type Translate } from './errors.ts'
import { requestMetrics } from './metrics.ts'
import { refuseForeignOrigin } from './origin.ts'
import { compileValidator, registerRoute, type Serving } from './register.ts'
import type { HttpSettings } from './route.ts'
import { ROUTES } from './routes.ts'

export type HttpServerOptions = {
  engine: Engine
  identity: Identity
  settings: HttpSettings
  log: Log
  /** Undefined: no limit. */
  rateLimiter?: RateLimiter | undefined
  /** Shown in the OpenAPI document. */
  version: string
  /** Others may add their own metrics; made here when not given. */
  metrics?: Registry
  /** Names failures of drivers, such as a lost database connection; everything else unknown is `internal_error`. */
  translate?: Translate
  /** Other ways in on the same port (MCP, the console): each is called with the server before it is ready. */
  mounts?: readonly ((app: FastifyInstance) => Promise<void>)[]
}

/** Ids of callers are kept when they are harmless in a log line and a header. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/
/** What a request in flight gets after the server began to stop. */
const GRACE_MS = 5_000
/** What it then gets to say that it was aborted. */
const LAST_WORD_MS = 1_000
/** The longest id or entity name in a path, percent-encoded. */
const MAX_PARAM_LENGTH = 4_096
const JSON_LIMIT_BYTES = 1024 * 1024
/** A whole request must have arrived by then, the largest file on a slow line included. */
const REQUEST_TIMEOUT_MS = 300_000

/** Ready to listen. Closing it ends event streams at once and gives other calls some seconds. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const app = createApp(options)
  const { metrics = new Registry() } = options
  const serving = servingOf(app, options, metrics)
  await addPlugins(app, options)
  addErrorHandling(app, serving)
  addRequestHooks(app, options, serving, metrics)
  await app.register(async (scope) => {
    scope.setValidatorCompiler(compileValidator)
    scope.setSerializerCompiler(serializerCompiler)
    for (const route of ROUTES) registerRoute(scope, serving, route)
  })
  await registerDocsPage(app, async (request) => {
    if (!options.settings.loopback) requireAdmin(await options.identity.authenticate(request.headers, request.gone))
  })
  for (const mount of options.mounts ?? []) await app.register(async (scope) => mount(scope))
  await app.ready()
  return app
}

function createApp({ log }: HttpServerOptions): FastifyInstance {
  return Fastify({
    logger: false,
    bodyLimit: JSON_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Requests that arrive while stopping are answered by us, in the shape of all errors.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true },
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
    },
    frameworkErrors: (error, request, reply) => void sendError(reply, toAppError(error), request.id),
    clientErrorHandler: (error, socket) => refuseBrokenRequest(error, socket, log),
  })
}

async function addPlugins(app: FastifyInstance, { version }: HttpServerOptions): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      directives: {
        'default-src': ["'self'"],
        'script-src': ["'self'"],
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:', 'blob:'],
        'worker-src': ["'self'", 'blob:'],
        // On plain http a browser would otherwise ask for the page's own files by https.
        'upgrade-insecure-requests': null,
      },
    },
  })
  // Left where it is: the handler that wants a form reads it.
  app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null))
  await registerDocs(app, version)
}

function servingOf(
  app: FastifyInstance,
  { engine, identity, settings, rateLimiter, log, translate }: HttpServerOptions,
  metrics: Registry,
): Serving {
  const stopping = new AbortController()
  const stopped = new AbortController()
  const closeSilent = silentConnections(app)
  app.addHook('preClose', async () => {
    stopping.abort()
    closeSilent()
    setTimeout(() => stopped.abort(new AppError('not_ready', 'The service is stopping.')), GRACE_MS).unref()
    setTimeout(() => app.server.closeAllConnections(), GRACE_MS + LAST_WORD_MS).unref()
  })
  const known: Serving['known'] = (error) => toAppError(error, translate)
  const report: Serving['report'] = (error, request) => {
    const told = request.gone.aborted ? new AppError('invalid_request', 'The caller went away.', { cause: error }) : known(error)
    if (told.code === 'internal_error')
      log.error({ requestId: request.id, route: patternOf(request), err: told.cause ?? told }, 'a request failed unexpectedly')
    return told
  }
  return { engine, identity, settings, rateLimiter, metrics, stopping: stopping.signal, stopped: stopped.signal, known, report }
}

/**
 * Connections on which nothing was asked yet, as browsers open them in advance. Node takes them for busy, and closing would
 * wait a minute for each; the returned function ends them.
 */
function silentConnections(app: FastifyInstance): () => void {
  const silent = new Set<Socket>()
  app.server.on('connection', (socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  app.server.on('request', (request) => silent.delete(request.socket))
  return () => {
    for (const socket of silent) socket.destroy()
  }
}

function addErrorHandling(app: FastifyInstance, serving: Serving): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendError(reply, serving.report(error, request), request.id))
  app.setNotFoundHandler((request, reply) =>
    sendError(reply, new AppError('not_found', 'There is no such route; /docs lists all of them.'), request.id),
  )
  app.removeContentTypeParser('text/plain')
  const parseJson = app.getDefaultJsonParser('error', 'error')
  // Some clients announce JSON with every call, also where there is no body.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parseJson(request, body as string, done)
  })
}

function addRequestHooks(app: FastifyInstance, { settings, log }: HttpServerOptions, serving: Serving, registry: Registry): void {
  const metrics = requestMetrics(registry)
  const endMetrics = engineMetrics(registry, serving.engine.operations)
  app.addHook('onClose', async () => endMetrics())
  app.decorateRequest('principal', undefined)
  app.decorateRequest('actingTeacher', undefined)
  app.decorateRequest('gone', undefined as unknown as AbortSignal)
  app.addHook('onRequest', async (request, reply) => {
    request.gone = signalOf(reply)
    void reply.header('x-request-id', request.id)
    const probe = request.url === '/healthz' || request.url === '/readyz'
    if (settings.development && !probe) refuseForeignOrigin(request.headers)
    if (serving.stopping.aborted && !probe) throw new AppError('not_ready', 'The service is stopping.')
  })
  app.decorateRequest('endStep', undefined)
  app.addHook('onRequest', (request, _reply, done) => {
    const { traceparent } = request.headers
    const begun = {
      name: 'request' as const,
      of: `${request.method} ${patternOf(request)}`,
      attributes: { requestId: request.id } as Record<string, string | number>,
      parent: typeof traceparent === 'string' ? traceparent : undefined,
    }
    const end = beginStep(begun, done)
    request.endStep = (status) => {
      begun.attributes['http.response.status_code'] = status
      end()
    }
  })
  app.addHook('onResponse', async (request, reply) => {
    request.endStep?.(reply.statusCode)
    const [method, route, status] = [request.method, patternOf(request), reply.statusCode]
    metrics.observe({ method, route, status }, reply.elapsedTime / 1000)
    if (request.routeOptions.config.definition?.access === 'open') return
    log.info(
      { requestId: request.id, method, route, status, ms: Math.round(reply.elapsedTime), gone: request.gone.aborted || undefined },
      'request',
    )
  })
}

/** The pattern of the route, never the address: that may hold ids and questions. */
function patternOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched'
}

function signalOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}

function sendError(reply: FastifyReply, error: AppError, requestId: string): FastifyReply {
  const seconds = retryAfter(error)
  if (seconds !== undefined) void reply.header('retry-after', String(seconds))
  if (error.definition.status === 401 && !reply.hasHeader('www-authenticate')) void reply.header('www-authenticate', 'Bearer')
  return reply
    .code(error.definition.status)
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(errorBody(error, requestId))
}

/** What is not HTTP, or not a request anyone could mean, gets our error shape too and the connection ends. */
function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket, log: Log): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  log.info({ code: error.code }, 'a request could not be read')
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const body = JSON.stringify(
    errorBody(new AppError('invalid_request', tooLarge ? 'The headers are too large.' : 'This is not a valid HTTP request.'), randomUUID()),
  )
  socket.end(
    `HTTP/1.1 ${tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
