// MCP over Streamable HTTP at /mcp: stateless, every request proven by itself. The protocol is the SDK's; who may call is
// decided by the same identity and the same routes as everywhere else.
import { createMcpHandler } from '@modelcontextprotocol/server'
import { toNodeHandler } from '@modelcontextprotocol/node'
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import type { CallKind } from '../core/call-kinds.ts'
import type { Principal } from '../core/credentials.ts'
import { AppError } from '../core/errors.ts'
import type { Log } from '../services/deps.ts'
import type { Identity } from '../services/identity.ts'
import type { Caller, McpOptions } from './caller.ts'
import { createMcpServer } from './server.ts'

export type MountOptions = McpOptions & {
  identity: Identity
  log: Log
  /** Counts the call and refuses it when there were too many; undefined: no limit. */
  admit: ((principal: Principal, headers: FastifyRequest['headers'], kind: CallKind | undefined) => Promise<void>) | undefined
  /** Who issues the tokens, where the settings say so; told to clients that ask how to get one. */
  issuer: string | undefined
}

const PATH = '/mcp'
/** Of JSON-RPC. */
const PARSE_ERROR = -32_700
const METADATA = '/.well-known/oauth-protected-resource'

/** For `mounts` of the HTTP server. */
export async function mountMcp(app: FastifyInstance, options: MountOptions): Promise<void> {
  const { identity, log, admit, issuer } = options
  const callers = new WeakMap<object, Caller>()
  const handler = createMcpHandler(
    ({ authInfo }) => {
      const caller = authInfo?.extra === undefined ? undefined : callers.get(authInfo.extra)
      if (caller === undefined) throw new Error('an MCP request reached the handler without a proven caller')
      return createMcpServer(options, caller)
    },
    { onerror: (error) => log.info({ kind: error.name }, 'an MCP request was refused') },
  )
  const serve = toNodeHandler(handler)
  app.addHook('onClose', () => handler.close())
  app.setErrorHandler((error: FastifyError, request, reply) => {
    // What cannot be read as JSON is answered in the protocol's own words; everything else as on every route.
    if (request.url.split('?')[0] !== PATH || error.code !== 'FST_ERR_CTP_INVALID_JSON_BODY') throw error
    const { code, message } = new AppError('invalid_request', 'The body is not valid JSON.')
    return reply.code(400).send({ jsonrpc: '2.0', id: null, error: { code: PARSE_ERROR, message, data: { code } } })
  })
  app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: PATH,
    handler: async (request, reply) => {
      refuseOtherOrigins(request)
      acceptAnything(request)
      const principal = await identity.authenticate(request.headers, request.gone).catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'unauthorized') void reply.header('www-authenticate', challenge(request))
        throw error
      })
      for (const message of messagesOf(request.body)) await admit?.(principal, request.headers, kindOf(message, options.tools))
      // The token itself stays here: nothing behind the handler needs it. The key is what the caller is found by.
      const key: Record<string, unknown> = {}
      callers.set(key, { principal, workspace: workspaceOf(request), gone: request.gone, requestId: request.id })
      reply.hijack()
      reply.raw.setHeader('x-request-id', request.id)
      if (request.method !== 'POST') reply.raw.setHeader('allow', 'POST')
      const proven = Object.assign(request.raw, { auth: { token: '', clientId: principal.kind, scopes: [], extra: key } })
      // Node types what may be absent as present and undefined.
      await serve(proven as Parameters<typeof serve>[0], reply.raw, request.body)
    },
  })
  for (const url of [METADATA, `${METADATA}${PATH}`]) {
    app.get(url, (request) => ({
      resource: `${originOf(request)}${PATH}`,
      resource_name: 'insight-rag',
      bearer_methods_supported: ['header'],
      ...(issuer !== undefined && URL.canParse(issuer) ? { authorization_servers: [issuer] } : {}),
    }))
  }
}

/** What a body holds; something that is no message is one call too. */
const messagesOf = (body: unknown): readonly unknown[] => (Array.isArray(body) && body.length > 0 ? body : [body])

/** Calling a tool costs what its route costs. */
function kindOf(message: unknown, tools: MountOptions['tools']): CallKind | undefined {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } | null }
  return method === 'tools/call' && typeof params?.name === 'string' ? tools.get(params.name)?.kind : undefined
}

const originOf = (request: FastifyRequest): string => `${request.protocol}://${request.host}`

const challenge = (request: FastifyRequest): string => `Bearer resource_metadata="${originOf(request)}${METADATA}${PATH}"`

function workspaceOf({ headers }: FastifyRequest): string | undefined {
  const header = headers['x-workspace']
  if (Array.isArray(header)) throw new AppError('invalid_request', 'X-Workspace may be sent only once.')
  return header === '' ? undefined : header
}

/** The protocol wants both kinds named; who takes anything, or says nothing, takes both. */
function acceptAnything({ raw: { headers } }: FastifyRequest): void {
  if (/(?:^|[\s,])\*\/\*/.test(headers.accept ?? '*/*')) headers.accept = 'application/json, text/event-stream'
}

/** A page from elsewhere must not speak for whoever looks at it; programs send no Origin. */
function refuseOtherOrigins({ headers: { origin, host } }: FastifyRequest): void {
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return
  throw new AppError('forbidden', 'Pages from other origins may not call this service.')
}
