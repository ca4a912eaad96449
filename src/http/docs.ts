// The OpenAPI document, generated from the schemas that validate requests, and the page that shows it.
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Access, Route } from './route.ts'
import { errorReply } from './schemas/common.ts'

const CREDENTIALS = {
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The user token of the backend.' },
  adminToken: { type: 'apiKey', in: 'header', name: 'X-Admin-Token' },
  internalToken: { type: 'apiKey', in: 'header', name: 'X-Internal-Token' },
} as const

const SECURITY: Readonly<Record<Access, { [name: string]: string[] }[]>> = {
  open: [],
  operator: [{ adminToken: [] }, { bearer: [] }],
  read: [{ bearer: [] }, { internalToken: [] }, { adminToken: [] }],
  write: [{ bearer: [] }, { internalToken: [] }, { adminToken: [] }],
  browse: [{ bearer: [] }, { internalToken: [] }, { adminToken: [] }],
  admin: [{ adminToken: [] }, { bearer: [] }],
  service: [{ internalToken: [] }, { adminToken: [] }, { bearer: [] }],
  account: [{ bearer: [] }, { internalToken: [] }, { adminToken: [] }],
}

const NAMES_WORKSPACE: ReadonlySet<Access> = new Set(['read', 'write', 'browse'])

const WORKSPACE_HEADER = {
  type: 'object',
  properties: {
    'x-workspace': {
      type: 'string',
      description: 'Administrators and services: the workspace to act on. Teachers: their own or, to read, public.',
    },
  },
}

type Transform = typeof jsonSchemaTransform

/** Must be registered before the routes it describes. */
export async function registerDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'insight-rag',
        version,
        description: 'Multi-tenant retrieval with a knowledge graph. Field names are camelCase; snake_case is accepted on input.',
      },
      components: { securitySchemes: CREDENTIALS },
    },
    transform: describeRoute,
  })
}

/** The page and the document below /docs, for whoever `guard` lets pass. */
export async function registerDocsPage(app: FastifyInstance, guard: (request: FastifyRequest) => Promise<void>): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onRequest', guard)
    await scope.register(swaggerUi, { routePrefix: '/docs' })
  })
}

const describeRoute: Transform = (document) => {
  const route = document.route.config?.definition
  if (route === undefined || document.schema === undefined) return { schema: { ...document.schema, hide: true }, url: document.url }
  const { body: _described, ...schema } = document.schema
  const json = jsonSchemaTransform({ ...document, schema })
  return {
    ...json,
    schema: {
      ...json.schema,
      ...(route.schema.body === undefined ? {} : { body: { content: requestBodies(route) } }),
      ...(NAMES_WORKSPACE.has(route.access) ? { headers: WORKSPACE_HEADER } : {}),
      response: responses(route),
      security: SECURITY[route.access],
    },
  }
}

const inputSchema = (schema: z.ZodType): object => z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' })
const outputSchema = (schema: z.ZodType): object =>
  z.toJSONSchema(schema, { io: 'output', target: 'draft-2020-12', unrepresentable: 'any' })

function requestBodies({ schema: { body, form } }: Route): Record<string, { schema: object }> {
  return {
    ...(body === undefined ? {} : { 'application/json': { schema: inputSchema(body) } }),
    ...(form === undefined ? {} : { 'multipart/form-data': { schema: withFile(inputSchema(form)) } }),
  }
}

function withFile(form: object): object {
  const { properties } = form as { properties?: object }
  return {
    ...form,
    properties: { file: { type: 'string', format: 'binary', description: 'The file.' }, ...properties },
    required: ['file'],
  }
}

function responses({ schema: { reply }, status = 200, path }: Route): Record<string, object> {
  const stream = { 'text/event-stream': { schema: { type: 'string' } } }
  const json = reply === undefined ? {} : { 'application/json': { schema: outputSchema(reply) } }
  const text = path === '/metrics' ? { 'text/plain': { schema: { type: 'string' } } } : {}
  const file = path.includes('/assets/') ? { 'image/*': { schema: { type: 'string', format: 'binary' } } } : {}
  const streams = path.endsWith('/events') || path === '/api/query' ? stream : {}
  return {
    [status]: { description: 'Done.', content: { ...json, ...text, ...file, ...streams } },
    default: { description: 'Not done.', content: { 'application/json': { schema: outputSchema(errorReply) } } },
  }
}
