// Puts routes on the server: credential before body, body before handler, one service call, one way to render.
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import type { Principal } from '../core/credentials.ts'
import { AppError } from '../core/errors.ts'
import type { Engine } from '../services/api.ts'
import type { Act } from '../services/audit.ts'
import type { Identity } from '../services/identity.ts'
import type { RateLimiter } from '../services/rate-limit.ts'
import { type Named, requireAdmin, requireService } from './authorise.ts'
import { callerName } from './caller.ts'
import type { Access, Call, HttpSettings, Route } from './route.ts'
import { teacherId } from './schemas/common.ts'
import { EventStream, SSE_HEADERS } from './sse.ts'
import { isForm, readForm } from './upload.ts'
import { type Part, validated } from './validation.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the body is read, on every route that is not open. */
    principal: Principal | undefined
    /** `teacherId` of a JSON body, on every route about a workspace: also where its schema says nothing of one. */
    actingTeacher: string | undefined
    /** Aborted when the caller goes away. */
    gone: AbortSignal
    /** Ends the step that began with the request. */
    endStep: ((status: number) => void) | undefined
  }
  interface FastifyContextConfig {
    /** The definition behind a route of ours; the OpenAPI document needs what the framework does not keep. */
    definition?: Route
  }
}

export type Serving = {
  engine: Engine
  identity: Identity
  settings: HttpSettings
  rateLimiter: RateLimiter | undefined
  metrics: Registry
  stopping: AbortSignal
  /** Some seconds after `stopping`. */
  stopped: AbortSignal
  /** In the words of the error table. */
  known(error: unknown): AppError
  /** The same, logged where nobody knows it. */
  report(error: unknown, request: FastifyRequest): AppError
}

const DEFAULT_HEARTBEAT_MS = 15_000
const NOBODY: Principal = { kind: 'service', roles: [] }

export function registerRoute(app: FastifyInstance, serving: Serving, route: Route): void {
  const query = querySchema(route)
  app.route({
    method: route.method,
    url: route.path,
    schema: fastifySchema(route, query),
    config: { definition: route },
    ...(route.bodyLimit === undefined ? {} : { bodyLimit: route.bodyLimit(serving.settings) }),
    // Following a stream has no answer without its body.
    exposeHeadRoute: !route.path.endsWith('/events'),
    onRequest: async (request) => {
      request.principal = await proven(serving, request, route)
    },
    preValidation: async (request) => {
      if (isAboutWorkspace(route.access)) request.actingTeacher = teacherIn(request.body)
    },
    handler: async (request, reply) => {
      const call = callOf(serving, route, request)
      const result = isAudited(route, call) ? await writtenDown(serving, route, call, request) : await route.handle(call)
      if (result instanceof EventStream)
        return reply.headers(SSE_HEADERS).send(result.bytes(serving.settings.heartbeatMs ?? DEFAULT_HEARTBEAT_MS))
      if (route.schema.reply === undefined)
        return 'bytes' in result
          ? reply.headers(result.headers).type(result.contentType).send(Buffer.from(result.bytes))
          : reply.type(result.contentType).send(result.text)
      return reply.code(route.status ?? 200).send(result)
    },
  })
}

async function writtenDown(serving: Serving, route: Route, call: Call, request: FastifyRequest): ReturnType<Route['handle']> {
  const ended = await call.engine.audit.begin(actOf(route, call, request))
  try {
    const result = await route.handle(call)
    await ended(route.status === 202 ? 'accepted' : 'done')
    return result
  } catch (error) {
    await ended(serving.known(error).code)
    throw error
  }
}

/** What only looks changes nothing; in development mode nobody is proven to be anybody. */
function isAudited({ method, access, kind, looks }: Route, { principal, settings }: Call): boolean {
  if (principal.kind !== 'admin' || settings.development || method === 'GET' || access === 'read' || looks) return false
  return kind === undefined || kind === 'ingest'
}

/** Names in the graph are content; ids are not. */
function actOf(route: Route, { principal, named, params, requestId }: Call, { headers }: FastifyRequest): Act {
  const { name: _content, workspace: inPath, ...ids } = (params ?? {}) as unknown as Record<string, string>
  return {
    actor: callerName(principal, headers),
    action: `${route.method} ${route.path}`,
    workspace: inPath ?? named.workspace ?? (named.teacherId === undefined ? undefined : `teacher-${named.teacherId}`),
    subject: ids,
    requestId,
  }
}

const isAboutWorkspace = (access: Access): boolean => access === 'read' || access === 'write' || access === 'browse'

const namesTeacher = z.object({ teacherId: teacherId.optional() })

/** Routes about a teacher's workspace may name the teacher in the query. */
function querySchema({ access, schema }: Route): z.ZodObject | undefined {
  return isAboutWorkspace(access) ? (schema.query ?? z.object({})).extend(namesTeacher.shape) : schema.query
}

/** What is no object is left to the schema of the route. */
function teacherIn(body: unknown): string | undefined {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  return isObject ? validated(namesTeacher, body, 'body').teacherId : undefined
}

function fastifySchema({ schema, tag, summary, description, status = 200 }: Route, query: z.ZodObject | undefined): FastifySchema {
  return {
    tags: [tag],
    summary,
    description,
    ...(schema.params === undefined ? {} : { params: schema.params }),
    ...(query === undefined ? {} : { querystring: query }),
    // A form is read by its handler, so only JSON is validated here.
    ...(schema.body === undefined
      ? {}
      : { body: schema.form === undefined ? schema.body : { content: { 'application/json': { schema: schema.body } } } }),
    ...(schema.reply === undefined ? {} : { response: { [status]: schema.reply } }),
  }
}

/** The validator that Fastify calls for each part of a request. */
export function compileValidator({ schema, httpPart }: { schema: unknown; httpPart?: string }) {
  const part: Part = httpPart === 'body' || httpPart === 'params' ? httpPart : 'query'
  return (received: unknown): { value: unknown } | { error: Error } => {
    try {
      return { value: validated(schema as z.ZodType, received, part) }
    } catch (error) {
      if (error instanceof AppError) return { error }
      throw error
    }
  }
}

async function proven(serving: Serving, request: FastifyRequest, { access, kind }: Route): Promise<Principal | undefined> {
  const { identity, settings, rateLimiter } = serving
  if (access === 'open' || (access === 'operator' && settings.loopback)) return undefined
  const principal = await identity.authenticate(request.headers, request.gone)
  if (access === 'operator' || access === 'admin') requireAdmin(principal)
  if (access === 'service') requireService(principal)
  if (access !== 'operator') await rateLimiter?.admit(callerName(principal, request.headers), kind)
  return principal
}

function callOf(serving: Serving, route: Route, request: FastifyRequest): Call {
  const { engine, settings, metrics, stopping, stopped } = serving
  const hasForm = route.schema.form !== undefined && isForm(request)
  if (route.schema.form !== undefined && !hasForm && request.body === undefined) {
    throw new AppError('invalid_request', 'Send a file as multipart/form-data in the field file, or a text as JSON.')
  }
  return {
    engine,
    settings,
    metrics,
    requestId: request.id,
    principal: request.principal ?? NOBODY,
    named: namedBy(request),
    params: request.params,
    query: request.query,
    body: request.body,
    form: hasForm ? () => readForm(request, settings.uploadMaxBytes) : undefined,
    signal: AbortSignal.any([request.gone, stopped]),
    stopping,
    report: (error: unknown) => serving.report(error, request),
    // The schemas of this route have just made these what its handler expects.
  } as unknown as Call
}

function namedBy({ headers, query, actingTeacher: inBody }: FastifyRequest): Named {
  const header = headers['x-workspace']
  if (Array.isArray(header)) throw new AppError('invalid_request', 'X-Workspace may be sent only once.')
  const inQuery = (query as { teacherId?: string }).teacherId
  if (inQuery !== undefined && inBody !== undefined && inQuery !== inBody) {
    throw new AppError('invalid_request', 'teacherId differs between the query and the body.')
  }
  return { workspace: header === '' ? undefined : header, teacherId: inBody ?? inQuery }
}
