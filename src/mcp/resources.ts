// Documents and entities as MCP resources: what an agent may attach to its context. Read with the same calls as everything else.
import { type McpServer, type ReadResourceResult, ProtocolError, ProtocolErrorCode, ResourceTemplate } from '@modelcontextprotocol/server'
import { AppError } from '../core/errors.ts'
import type { Tool } from '../services/tools.ts'
import { type Caller, type McpOptions, toolCall } from './caller.ts'

const LISTED = 50
/** Chunks of one document that are given out at once; get_document_chunk reads the rest. */
const CHUNKS = 200
const SUGGESTED = 20

type Ask = (tool: string, args: Record<string, unknown>, signal: AbortSignal) => Promise<Record<string, unknown>>
type Variables = Record<string, string | string[] | undefined>

export function registerResources(server: McpServer, options: McpOptions, caller: Caller): void {
  const ask: Ask = async (name, args, signal) => {
    try {
      return await toolNamed(options, name).call(
        args,
        toolCall(caller, signal, () => undefined),
      )
    } catch (error) {
      throw protocolError(options.report(error, name))
    }
  }
  server.registerResource(
    'document',
    documents(ask),
    { title: 'Document', description: 'A document: its status, then its text.' },
    (uri, variables, context) => readDocument(ask, uri, variables, context.mcpReq.signal),
  )
  server.registerResource(
    'entity',
    entities(ask),
    { title: 'Entity', description: 'An entity of the graph with its relations and evidence.', mimeType: 'application/json' },
    (uri, variables, context) => readEntity(ask, uri, variables, context.mcpReq.signal),
  )
}

function toolNamed({ tools }: McpOptions, name: string): Tool {
  const tool = tools.get(name)
  if (tool === undefined) throw new Error(`there is no tool ${name}`)
  return tool
}

/** The code stands in the message, as the protocol has only numbers. */
function protocolError({ code, message }: AppError): ProtocolError {
  const number =
    code === 'not_found' || code === 'invalid_request' || code === 'forbidden'
      ? ProtocolErrorCode.InvalidParams
      : ProtocolErrorCode.InternalError
  return new ProtocolError(number, `${code}: ${message}`)
}

const uriOf = (workspace: string, kind: 'documents' | 'entities', name: string): string =>
  `insight-rag://${encodeURIComponent(workspace)}/${kind}/${encodeURIComponent(name)}`

function documents(ask: Ask): ResourceTemplate {
  return new ResourceTemplate('insight-rag://{workspace}/documents/{fileId}', {
    list: async (context) => {
      const { documents: found } = (await ask('list_documents', { limit: LISTED }, context.mcpReq.signal)) as {
        documents: { workspace: string; fileId: string; fileName: string; parseStatus: string }[]
      }
      return {
        resources: found.map((one) => ({
          uri: uriOf(one.workspace, 'documents', one.fileId),
          name: one.fileName,
          description: one.parseStatus,
        })),
      }
    },
  })
}

function entities(ask: Ask): ResourceTemplate {
  const find = async (args: Record<string, unknown>, signal: AbortSignal): Promise<{ name: string; type: string; workspace: string }[]> =>
    ((await ask('find_entities', args, signal)) as { entities: { name: string; type: string; workspace: string }[] }).entities
  return new ResourceTemplate('insight-rag://{workspace}/entities/{name}', {
    list: async (context) => ({
      resources: (await find({ limit: LISTED }, context.mcpReq.signal)).map((one) => ({
        uri: uriOf(one.workspace, 'entities', one.name),
        name: one.name,
        description: one.type,
        mimeType: 'application/json',
      })),
    }),
    complete: {
      name: async (value) =>
        (await find({ limit: SUGGESTED, ...(value === '' ? {} : { q: value }) }, new AbortController().signal)).map((one) => one.name),
    },
  })
}

async function readDocument(ask: Ask, uri: URL, variables: Variables, signal: AbortSignal): Promise<ReadResourceResult> {
  const [workspace, fileId] = [variable(variables, 'workspace'), variable(variables, 'fileId')]
  const view = await ask('get_document', { workspace, fileId }, signal)
  const { chunks } = (await ask('get_document_chunks', { workspace, fileId, limit: CHUNKS }, signal)) as { chunks: { content: string }[] }
  return {
    contents: [
      { uri: uri.href, mimeType: 'application/json', text: JSON.stringify(view) },
      { uri: uri.href, mimeType: 'text/markdown', text: chunks.map((chunk) => chunk.content).join('\n\n') },
    ],
  }
}

async function readEntity(ask: Ask, uri: URL, variables: Variables, signal: AbortSignal): Promise<ReadResourceResult> {
  const entity = await ask('get_entity', { workspace: variable(variables, 'workspace'), name: variable(variables, 'name') }, signal)
  return { contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify(entity) }] }
}

function variable(variables: Variables, name: string): string {
  const value = variables[name]
  const text = Array.isArray(value) ? (value[0] ?? '') : (value ?? '')
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw protocolError(new AppError('invalid_request', `${name} is not validly encoded.`, { cause }))
  }
}
