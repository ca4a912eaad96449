// The HTTP routes that agents may call as tools: the same schemas, the same authorisation, the same JSON. The MCP way in
// is handed these by the composition root.
import { Registry } from 'prom-client'
import { z } from 'zod'
import { AppError, asAppError, ERRORS, type ErrorCode } from '../core/errors.ts'
import type { Engine } from '../services/api.ts'
import type { JsonSchema, Tool, ToolCall } from '../services/tools.ts'
import type { Call, HttpSettings, Route } from './route.ts'
import { ROUTES } from './routes.ts'
import { EventStream } from './sse.ts'
import { type Part, validated } from './validation.ts'

type Listed = { name: string; title: string; description: string; route: readonly [method: Route['method'], path: string] }

const LISTED: readonly Listed[] = [
  {
    name: 'search_knowledge',
    title: 'Search knowledge',
    description:
      'Finds passages, entities and relations for a question in the own workspace and public, best first, each with its source and page. Calls no answering model.',
    route: ['POST', '/api/search'],
  },
  {
    name: 'query_knowledge',
    title: 'Ask',
    description:
      'Answers a question from the documents, with numbered references. noEvidence tells that nothing was found. With onlyContext it returns the evidence and calls no answering model.',
    route: ['POST', '/api/query'],
  },
  {
    name: 'get_entity',
    title: 'One entity',
    description:
      'What is known of a concept, person or thing: description, aliases, heaviest relations, and the words of documents about it.',
    route: ['GET', '/api/graph/entities/:name'],
  },
  {
    name: 'get_subgraph',
    title: 'Neighbourhood',
    description:
      'The entities around one entity and the relations among them, within depth and maxNodes; truncated tells that there is more.',
    route: ['GET', '/api/graph/subgraph'],
  },
  {
    name: 'get_prerequisites',
    title: 'What must be known before',
    description:
      'The chain of what must be learnt before an entity, nearest first, each with its level and evidence. Cycles in the sources are listed.',
    route: ['GET', '/api/graph/prerequisites'],
  },
  {
    name: 'list_documents',
    title: 'List documents',
    description: 'The documents of the own workspace, or of the named one, newest first, with their status and counts.',
    route: ['GET', '/api/documents'],
  },
  {
    name: 'get_document_chunk',
    title: 'One passage',
    description: 'The full text of one passage that a result or a piece of evidence names by fileId and chunkId.',
    route: ['GET', '/api/documents/:fileId/chunks/:chunkId'],
  },
  // Read as resources, not listed as tools.
  { name: 'get_document', title: '', description: '', route: ['GET', '/api/documents/:fileId'] },
  { name: 'get_document_chunks', title: '', description: '', route: ['GET', '/api/documents/:fileId/chunks'] },
  { name: 'find_entities', title: '', description: '', route: ['GET', '/api/graph/entities'] },
]

/** What names the teacher is for services; an agent names a workspace. Streams are for HTTP, a tool reports progress. */
const HIDDEN = ['teacherId', 'stream']

const workspaceArgument = z
  .string()
  .optional()
  .describe("Act on this workspace instead of the caller's own; teachers: their own or public.")

/** By name; those without a title are what resources are read with. */
export function createTools(engine: Engine, settings: HttpSettings): ReadonlyMap<string, Tool> {
  const metrics = new Registry()
  return new Map(
    LISTED.map(({ route: [method, path], ...listed }) => {
      const route = ROUTES.find((one) => one.method === method && one.path === path)
      if (route === undefined) throw new Error(`no route ${method} ${path}`)
      const call: Tool['call'] = async (args, by) =>
        resultOf(route, await route.handle(callOf({ engine, settings, metrics }, route, args, by)), by)
      return [listed.name, { ...listed, kind: route.kind, input: inputOf(route), output: outputOf(route), call }]
    }),
  )
}

/** Whether the route itself narrows a read to one workspace; elsewhere the argument stands for the header. */
const narrows = (route: Route): boolean => route.schema.query !== undefined && 'workspace' in route.schema.query.shape

function argumentsOf({ schema }: Route): z.ZodObject {
  const body = schema.body instanceof z.ZodObject ? schema.body.shape : {}
  const shape = { workspace: workspaceArgument, ...schema.params?.shape, ...schema.query?.shape, ...body }
  return z.object(Object.fromEntries(Object.entries(shape).filter(([name]) => !HIDDEN.includes(name))))
}

const toJson = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' })
  return json
}

const inputOf = (route: Route): JsonSchema => toJson(argumentsOf(route), 'input')

/** The protocol wants an object at the root, also where a result has two shapes. */
const outputOf = ({ schema }: Route): JsonSchema => ({
  type: 'object',
  ...(schema.reply === undefined ? {} : toJson(schema.reply, 'output')),
})

type Serving = Pick<Call, 'engine' | 'settings' | 'metrics'>

function callOf(
  serving: Serving,
  route: Route,
  args: Record<string, unknown>,
  { principal, workspace, requestId, signal }: ToolCall,
): Call {
  const { schema } = route
  const read = <T extends z.ZodType>(part: T | undefined, kind: Part): z.output<T> | undefined =>
    part === undefined ? undefined : validated(part, kind === 'body' ? { ...args, stream: true } : args, kind)
  const named =
    narrows(route) || args['workspace'] === undefined ? workspace : validated(z.object({ workspace: z.string() }), args, 'body').workspace
  // The schemas of this route have just made these what its handler expects.
  const parsed = {
    params: read(schema.params, 'params'),
    query: read(schema.query, 'query'),
    body: read(schema.body, 'body'),
  } as Pick<Call, 'params' | 'query' | 'body'>
  return {
    ...serving,
    requestId,
    principal,
    named: { workspace: named },
    ...parsed,
    form: undefined,
    signal,
    stopping: signal,
    report: asAppError,
  }
}

async function resultOf(route: Route, answer: unknown, by: ToolCall): Promise<Record<string, unknown>> {
  const whole = answer instanceof EventStream ? await lastOf(answer, by) : answer
  const shown = route.schema.reply === undefined ? whole : route.schema.reply.parse(whole)
  return shown as Record<string, unknown>
}

/** Follows an answer as it is written and returns its end. */
async function lastOf({ events }: EventStream, { progress, signal }: ToolCall): Promise<unknown> {
  let written = 0
  for await (const { event, data } of events) {
    signal.throwIfAborted()
    if (event === 'done') return data
    if (event === 'error') throw failureOf(data)
    if (event === 'references') progress(`${(data as unknown[]).length} passages found`, written)
    if (event === 'token') {
      written += (data as { text: string }).text.length
      progress('writing the answer', written)
    }
  }
  throw new AppError('llm_unavailable', 'The answer ended before it was complete.')
}

function failureOf(data: unknown): AppError {
  const { code, message, details } = (data as { error: { code: string; message: string; details?: Record<string, unknown> } }).error
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'internal_error'
  return new AppError(known, message, details === undefined ? {} : { details })
}
