// Documents: parse for the Java backend, upload without it, follow, read, retry, delete.
import { setTimeout as wait } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../ports/parser.ts'
import type { DocumentView, UploadRequest } from '../../services/api.ts'
import { readableWorkspace, writableWorkspace } from '../authorise.ts'
import { defined } from '../defined.ts'
import { type Call, defineRoute, type Route } from '../route.ts'
import { documentUse } from '../schemas/admin.ts'
import {
  accepted,
  assetParams,
  blockList,
  blockQuery,
  chunkList,
  chunkQuery,
  documentList,
  documentView,
  estimate,
  fileParams,
  listQuery,
  parseRequest,
  removed,
  textUpload,
  uploadForm,
} from '../schemas/documents.ts'
import { EventStream, type SseEvent } from '../sse.ts'
import { validated } from '../validation.ts'

const tag = 'documents'
const DEFAULT_POLL_MS = 300

const parse = defineRoute({
  method: 'POST',
  path: '/api/internal/documents/parse',
  kind: 'ingest',
  access: 'write',
  tag,
  status: 202,
  summary: 'Parse a file of the Java backend',
  description:
    'Answers at once; the work is a durable job and its end is called back. While a job for the file is under way nothing new is started.',
  schema: { body: parseRequest, reply: accepted },
  handle: ({ engine, principal, named, body }) => {
    const { teacherId: _named, parseOptions, ...request } = body
    return engine.documents.parse(writableWorkspace(principal, named), defined({ ...request, options: parseOptions }), principal.token)
  },
})

const uploadSchemas = { body: textUpload, form: uploadForm, reply: accepted }

const upload = defineRoute({
  method: 'POST',
  path: '/api/documents',
  kind: 'ingest',
  access: 'write',
  tag,
  status: 202,
  summary: 'Upload a document',
  description: 'A file as multipart/form-data in the field file, or a text as JSON. Empty, oversize and unknown files are refused at once.',
  schema: uploadSchemas,
  // JSON may spell one byte of text with two (\n, \"); what is really too large is refused by its own size.
  bodyLimit: ({ uploadMaxBytes }) => 2 * uploadMaxBytes + 65_536,
  handle: async (call) => {
    const { workspace, request } = call.form === undefined ? fromText(call) : await fromForm(call, call.form)
    return call.engine.documents.upload(workspace, request, call.principal.token)
  },
})

const estimateSchemas = { body: textUpload, form: uploadForm, reply: estimate }

const estimateUpload = defineRoute({
  method: 'POST',
  path: '/api/documents/estimate',
  looks: true,
  kind: 'ingest',
  access: 'write',
  tag,
  summary: 'What uploading a document would cost',
  description:
    'The same request as an upload. The file is read and cut, no model is called, nothing is stored. Output of the language model is told from its earlier calls where there are some, else assumed.',
  schema: estimateSchemas,
  bodyLimit: ({ uploadMaxBytes }) => 2 * uploadMaxBytes + 65_536,
  handle: async (call) => {
    const { workspace, request } = call.form === undefined ? fromText(call) : await fromForm(call, call.form)
    return call.engine.documents.estimate(workspace, request, call.signal)
  },
})

type UploadCall = Pick<Call<typeof uploadSchemas>, 'principal' | 'named' | 'body' | 'form'>
type Upload = { workspace: WorkspaceId; request: UploadRequest }

function fromText({ principal, named, body }: UploadCall): Upload {
  const { teacherId: _named, text, parseOptions, ...request } = body
  return {
    workspace: writableWorkspace(principal, named),
    request: defined({ ...request, bytes: Buffer.from(text), options: parseOptions }),
  }
}

async function fromForm({ principal, named }: UploadCall, form: NonNullable<UploadCall['form']>): Promise<Upload> {
  const { file, fields } = await form()
  const { teacherId, parseOptions = DEFAULT_PARSE_OPTIONS, fileName, ...request } = validated(uploadForm, fields, 'form')
  const workspace = writableWorkspace(principal, { ...named, teacherId: teacherId ?? named.teacherId })
  if (file === undefined) throw new AppError('invalid_request', 'Send the file in the field named file.')
  const name = fileName ?? validated(uploadForm.pick({ fileName: true }), { fileName: file.fileName }, 'form').fileName ?? 'upload'
  return {
    workspace,
    request: defined({ ...request, fileName: name, bytes: file.bytes, declaredType: file.mediaType, options: parseOptions }),
  }
}

const list = defineRoute({
  method: 'GET',
  path: '/api/documents',
  access: 'read',
  tag,
  summary: 'List documents',
  description: 'Newest first.',
  schema: { query: listQuery, reply: documentList },
  handle: ({ engine, principal, named, query }) => engine.documents.list(readableWorkspace(principal, named), defined(query)),
})

const get = defineRoute({
  method: 'GET',
  path: '/api/documents/:fileId',
  access: 'read',
  tag,
  summary: 'One document',
  description:
    'Status, stage, progress, counts, warnings, timings and models. The status is of the latest attempt, the counts of the version searches see.',
  schema: { params: fileParams, reply: documentView },
  handle: ({ engine, principal, named, params }) => engine.documents.get(readableWorkspace(principal, named), params.fileId),
})

const chunks = defineRoute({
  method: 'GET',
  path: '/api/documents/:fileId/chunks',
  access: 'read',
  tag,
  summary: 'The chunks of a document',
  description: 'In reading order.',
  schema: { params: fileParams, query: chunkQuery, reply: chunkList },
  handle: ({ engine, principal, named, params, query }) =>
    engine.documents.chunks(readableWorkspace(principal, named), params.fileId, defined(query)),
})

const blocks = defineRoute({
  method: 'GET',
  path: '/api/documents/:fileId/blocks',
  access: 'read',
  tag,
  summary: 'What was read out of a document',
  description: 'Headings, paragraphs, tables with their cells, equations and pictures in reading order, of the version that searches see.',
  schema: { params: fileParams, query: blockQuery, reply: blockList },
  handle: ({ engine, principal, named, params, query }) =>
    engine.documents.blocks(readableWorkspace(principal, named), params.fileId, defined(query)),
})

/** What a browser may show by itself; anything else is a download, since a document decides what is in it. */
const SHOWN: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif'])

const asset = defineRoute({
  method: 'GET',
  path: '/api/documents/:fileId/assets/:sha256',
  access: 'read',
  tag,
  summary: 'A picture of a document',
  description: 'The bytes with their media type; types that browsers do not show safely come as attachments.',
  schema: { params: assetParams },
  handle: async ({ engine, principal, named, params }) => {
    const { mediaType, bytes } = await engine.documents.asset(readableWorkspace(principal, named), params.fileId, params.sha256)
    const disposition = SHOWN.has(mediaType) ? 'inline' : 'attachment'
    return {
      contentType: SHOWN.has(mediaType) || mediaType.startsWith('image/') ? mediaType : 'application/octet-stream',
      bytes,
      headers: {
        'content-disposition': disposition,
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
        // By hash, so it never changes; private, since it is a tenant's.
        'cache-control': 'private, max-age=86400, immutable',
      },
    }
  },
})

/** For whoever may write the workspace: what public material costs is the business of administrators. */
const use = defineRoute({
  method: 'GET',
  path: '/api/documents/:fileId/usage',
  access: 'write',
  tag,
  summary: 'What a document cost',
  description: 'Calls, tokens and cost of models since it first came, by role and model; the greatest use first.',
  schema: { params: fileParams, reply: documentUse },
  handle: ({ engine, principal, named, params }) => engine.documents.use(writableWorkspace(principal, named), params.fileId),
})

const events = defineRoute({
  method: 'GET',
  path: '/api/documents/:fileId/events',
  access: 'read',
  tag,
  summary: 'Follow a document',
  description: 'Server-sent events: progress with the document whenever it changes, at last end.',
  schema: { params: fileParams },
  handle: async (call) => {
    const workspace = readableWorkspace(call.principal, call.named)
    const first = await call.engine.documents.get(workspace, call.params.fileId)
    return new EventStream(progress(call, workspace, first))
  },
})

const isOver = (view: DocumentView): boolean => view.parseStatus === 'completed' || view.parseStatus === 'failed'

/** Ends when the work does, when the document is deleted, when the reader goes away or the server stops. */
async function* progress(call: Call, workspace: WorkspaceId, first: DocumentView): AsyncGenerator<SseEvent, void> {
  const over = AbortSignal.any([call.signal, call.stopping])
  let shown = ''
  let view: DocumentView | undefined = first
  while (view !== undefined && !over.aborted) {
    const text = JSON.stringify(view)
    if (text !== shown) yield { event: 'progress', data: view }
    shown = text
    if (isOver(view)) break
    view = await nextView(call, workspace, first.fileId, over)
  }
  yield { event: 'end', data: { fileId: first.fileId } }
}

async function nextView(call: Call, workspace: WorkspaceId, fileId: string, over: AbortSignal): Promise<DocumentView | undefined> {
  try {
    await wait(call.settings.progressPollMs ?? DEFAULT_POLL_MS, undefined, { signal: over })
    return await call.engine.documents.get(workspace, fileId)
  } catch (error) {
    // Nobody waits any more, or there is nothing to follow any more: both are ordinary ends of a stream.
    if (over.aborted || (error instanceof AppError && error.code === 'not_found')) return undefined
    throw error
  }
}

const retry = defineRoute({
  method: 'POST',
  path: '/api/documents/:fileId/retry',
  kind: 'ingest',
  access: 'write',
  tag,
  status: 202,
  summary: 'Try a failed document again',
  description: 'Only from failed; a fresh address of the file is asked for with the token of this call.',
  schema: { params: fileParams, reply: accepted },
  handle: ({ engine, principal, named, params }) =>
    engine.documents.retry(writableWorkspace(principal, named), params.fileId, principal.token),
})

const remove = defineRoute({
  method: 'DELETE',
  path: '/api/documents/:fileId',
  access: 'write',
  tag,
  summary: 'Delete a document',
  description: 'With its chunks, vectors and everything in the graph that only it supported. A running job is cancelled.',
  schema: { params: fileParams, reply: removed },
  handle: ({ engine, principal, named, params }) => engine.documents.remove(writableWorkspace(principal, named), params.fileId),
})

export const documentRoutes: readonly Route[] = [
  parse,
  upload,
  estimateUpload,
  list,
  get,
  chunks,
  blocks,
  asset,
  use,
  events,
  retry,
  remove,
]
