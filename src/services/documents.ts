// Documents as callers use them: start, follow, read, retry, delete. The work itself is a job (ingest/).
import { randomUUID } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import { workspaceScope, type WorkspaceId } from '../core/workspace.ts'
import * as chunkStore from '../store/chunks.ts'
import * as documents from '../store/documents.ts'
import * as jobs from '../store/jobs.ts'
import * as ledger from '../store/ledger.ts'
import * as outbox from '../store/outbox.ts'
import { withScope, type ScopedTx } from '../store/scope.ts'
import * as staging from '../store/staging.ts'
import * as vectors from '../store/vectors.ts'
import * as workspaces from '../store/workspaces.ts'
import type { Accepted, ChunkView, Documents, DocumentView, Metadata, ParseRequest, UploadRequest } from './api.ts'
import { estimateUpload } from './estimate.ts'
import type { EngineDeps, JobSecret } from './deps.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { applyEvidence } from './graph/evidence.ts'
import { INGEST, sealSecret, type IngestPayload } from './ingest/job.ts'
import { dropGraphVectors } from './ingest/publish.ts'
import { toUse } from './operations.ts'
import { requestSummaries } from './summaries.ts'

const DEFAULT_COLLECTION = 'default'

export function createDocuments(deps: EngineDeps): Documents {
  const inWorkspace = <T>(workspace: WorkspaceId, work: (tx: ScopedTx) => Promise<T>): Promise<T> =>
    withScope(deps.database, workspaceScope(workspace), work)

  return {
    parse: (workspace, request, token) => parse(deps, workspace, request, token),
    // Without Java nobody is called back, so the caller's token is not kept.
    upload: (workspace, request) => upload(deps, workspace, request),
    estimate: (workspace, request, signal) => estimateUpload(deps, workspace, request, signal),
    retry: (workspace, fileId, token) => retry(deps, workspace, fileId, token),
    get: async (workspace, fileId) => toView(workspace, await found(deps, workspace, fileId)),
    list: async (workspace, query) => {
      const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, ['createdAt', 'fileId'])
      const rows = await inWorkspace(workspace, (tx) =>
        documents.list(tx, workspace, { collection: query.collection, status: query.status, text: query.q, after, limit: query.limit }),
      )
      const shown = rows.slice(0, query.limit)
      const last = rows.length > query.limit ? shown.at(-1) : undefined
      return {
        documents: shown.map((row) => toView(workspace, row)),
        nextCursor: last === undefined ? null : encodeCursor({ createdAt: last.created_text, fileId: last.file_id }),
      }
    },
    chunks: async (workspace, fileId, page) => {
      await found(deps, workspace, fileId)
      const rows = await inWorkspace(workspace, (tx) => chunkStore.page(tx, workspace, fileId, ordinalIn(page.cursor), page.limit))
      const next = rows[page.limit]
      return {
        chunks: rows.slice(0, page.limit).map(toChunkView),
        nextCursor: next === undefined ? null : encodeCursor({ ordinal: String(next.ordinal) }),
      }
    },
    blocks: async (workspace, fileId, page) => {
      await found(deps, workspace, fileId)
      const rows = await inWorkspace(workspace, (tx) => chunkStore.blocks(tx, workspace, fileId, ordinalIn(page.cursor), page.limit))
      const next = rows[page.limit]
      const blocks = rows.slice(0, page.limit).map(({ ordinal, block }) => ({ ordinal, ...block }))
      return { blocks, nextCursor: next === undefined ? null : encodeCursor({ ordinal: String(next.ordinal) }) }
    },
    asset: async (workspace, fileId, sha256) => {
      const row = await inWorkspace(workspace, (tx) => chunkStore.asset(tx, workspace, fileId, sha256))
      if (row === undefined) throw new AppError('not_found', 'This document holds no such picture.', { details: { fileId } })
      return { mediaType: row.media_type, bytes: row.bytes }
    },
    use: async (workspace, fileId) => {
      await found(deps, workspace, fileId)
      return { use: (await ledger.useOf(deps.database.side, workspace, fileId)).map(toUse) }
    },
    remove: (workspace, fileId) => remove(deps, workspace, fileId),
  }
}

/** Where a page of chunks or blocks begins. */
function ordinalIn(cursor: string | undefined): number {
  const from = cursor === undefined ? 0 : Number(decodeCursor(cursor, ['ordinal']).ordinal)
  if (!Number.isSafeInteger(from)) throw new AppError('invalid_request', 'cursor is not one that this service gave.')
  return from
}

async function found(deps: EngineDeps, workspace: WorkspaceId, fileId: string): Promise<documents.DocumentRow> {
  const row = await withScope(deps.database, workspaceScope(workspace), (tx) => documents.get(tx, workspace, fileId))
  if (row === undefined) throw new AppError('not_found', 'There is no document with this fileId.', { details: { fileId } })
  return row
}

async function parse(deps: EngineDeps, workspace: WorkspaceId, request: ParseRequest, token: string | undefined): Promise<Accepted> {
  if (deps.java === undefined && request.signedUrl === undefined) {
    throw new AppError('invalid_request', 'signedUrl is missing, and JAVA_BASE_URL is not set, so nobody can be asked for one.')
  }
  const payload: IngestPayload = {
    options: request.options,
    source: 'url',
    callback: deps.java !== undefined,
    named: request.fileName !== undefined,
  }
  const secret: JobSecret = {
    ...(token === undefined ? {} : { token }),
    ...(request.signedUrl === undefined ? {} : { signedUrl: request.signedUrl }),
  }
  return start(deps, workspace, { ...request, fileName: request.fileName ?? request.fileId }, payload, secret)
}

async function upload(deps: EngineDeps, workspace: WorkspaceId, request: UploadRequest): Promise<Accepted> {
  if (request.bytes.length === 0) throw new AppError('invalid_request', 'The file is empty.')
  if (request.bytes.length > deps.limits.uploadMaxBytes) {
    throw new AppError('payload_too_large', `The file is larger than ${deps.limits.uploadMaxBytes} bytes.`)
  }
  refuseUnknownType(deps, request)
  const payload: IngestPayload = {
    options: request.options,
    source: 'upload',
    callback: false,
    named: true,
    ...(request.declaredType === undefined ? {} : { declaredType: request.declaredType }),
  }
  const fileId = request.fileId ?? `upload-${randomUUID()}`
  return start(deps, workspace, { ...request, fileId }, payload, {}, request.bytes)
}

/** A type that cannot be read is refused at once; a damaged or protected file of a known type is taken in, and its job says so. */
function refuseUnknownType(deps: EngineDeps, { bytes, fileName, declaredType }: UploadRequest): void {
  try {
    deps.parser.identify(bytes, fileName, declaredType)
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'unprocessable_document')) throw error
  }
}

type Start = { fileId: string; fileName: string; collection?: string; metadata?: Metadata }

/** One transaction makes workspace, job, document and upload; ten calls at once make one job. */
async function start(
  deps: EngineDeps,
  workspace: WorkspaceId,
  request: Start,
  payload: IngestPayload,
  secret: JobSecret,
  bytes?: Uint8Array,
): Promise<Accepted> {
  const { fileId } = request
  const space = await workspaces.ensureSpace(deps.database.db, deps.models.embedding.model, deps.models.embedding.dim)
  const accepted = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    await workspaces.ensure(tx, workspace, space)
    const job = await jobs.enqueue(tx, workspace, { kind: INGEST, subject: fileId, payload, secret: sealSecret(deps, workspace, secret) })
    if (job.fresh) {
      await documents.startAttempt(tx, workspace, {
        fileId,
        jobId: job.jobId,
        fileName: request.fileName,
        collection: request.collection ?? DEFAULT_COLLECTION,
        metadata: request.metadata ?? {},
      })
      if (bytes) await staging.keepUpload(tx, workspace, fileId, bytes)
      else await staging.needUpload(tx, workspace, fileId)
      return { jobId: job.jobId, parseStatus: 'pending' as const }
    }
    const row = await documents.get(tx, workspace, fileId)
    return { jobId: job.jobId, parseStatus: row?.parse_status ?? 'pending' }
  })
  deps.wake('jobs')
  return { fileId, jobId: accepted.jobId, workspace, parseStatus: accepted.parseStatus }
}

async function retry(deps: EngineDeps, workspace: WorkspaceId, fileId: string, token: string | undefined): Promise<Accepted> {
  const row = await found(deps, workspace, fileId)
  if (row.parse_status === 'pending' || row.parse_status === 'processing') {
    throw new AppError('already_running', 'This document is being processed already.', { details: { jobId: row.job_id } })
  }
  if (row.parse_status !== 'failed') throw new AppError('not_retryable', 'Only a failed document can be retried; this one is completed.')
  const before = await withScope(deps.database, workspaceScope(workspace), (tx) => jobs.payloadOf(tx, workspace, row.job_id))
  const payload = before as IngestPayload | undefined
  if (payload === undefined) throw new AppError('not_retryable', 'The failed attempt is too old to be retried; send the document again.')
  if (payload.source === 'url' && deps.java === undefined) {
    throw new AppError(
      'not_retryable',
      'Without JAVA_BASE_URL nobody can be asked for a fresh address; parse the file again with a new signedUrl.',
    )
  }
  return start(
    deps,
    workspace,
    { fileId, fileName: row.file_name, collection: row.collection, metadata: row.metadata as Metadata },
    payload,
    token === undefined ? {} : { token },
  )
}

/** Everything that only this document supported goes in one transaction; a running job can no longer commit. */
async function remove(deps: EngineDeps, workspace: WorkspaceId, fileId: string): Promise<{ fileId: string; deleted: true }> {
  await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    // Holding the row first: an attempt that starts or reports meanwhile waits, and finds its document gone.
    if (!(await documents.hold(tx, workspace, fileId)))
      throw new AppError('not_found', 'There is no document with this fileId.', { details: { fileId } })
    await jobs.cancel(tx, workspace, INGEST, fileId)
    await outbox.silence(tx, workspace, fileId)
    const live = await chunkStore.live(tx, workspace, fileId)
    const ids = live.map((chunk) => chunk.chunk_id)
    const [home] = await workspaces.inScope(tx, [workspace])
    if (home !== undefined && ids.length > 0) {
      const effect = await applyEvidence(tx, workspace, { removeChunks: ids, add: [] })
      await dropGraphVectors(tx, workspace, home, effect)
      await vectors.remove(tx, workspace, home, 'chunk', ids)
      await requestSummaries(deps, tx, workspace, effect.folded)
    }
    await documents.remove(tx, workspace, fileId)
    await workspaces.bumpRevision(tx, workspace)
  })
  return { fileId, deleted: true }
}

function toView(workspace: WorkspaceId, row: documents.DocumentRow): DocumentView {
  return {
    fileId: row.file_id,
    jobId: row.job_id,
    workspace,
    fileName: row.file_name,
    collection: row.collection,
    metadata: row.metadata as Metadata,
    parseStatus: row.parse_status,
    stage: row.stage,
    progress: row.progress,
    attempts: row.attempts,
    chunkCount: row.chunk_count,
    entityCount: row.entity_count,
    relationCount: row.relation_count,
    parseError: row.parse_error,
    warnings: row.warnings,
    timings: row.timings,
    models: row.models,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

function toChunkView(row: chunkStore.ChunkRow): ChunkView {
  return {
    chunkId: row.chunk_id,
    ordinal: row.ordinal,
    content: row.content,
    headings: row.headings,
    page: row.page,
    tokens: row.tokens,
    metadata: row.metadata as Metadata,
  }
}
