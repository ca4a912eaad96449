// The ingest job: what it carries, and how its progress, failure and callbacks are written.
import { AppError } from '../../core/errors.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import type { ParseOptions } from '../../ports/parser.ts'
import * as documents from '../../store/documents.ts'
import * as jobs from '../../store/jobs.ts'
import * as outbox from '../../store/outbox.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as staging from '../../store/staging.ts'
import { parseErrorText } from '../api.ts'
import type { EngineDeps, JobSecret } from '../deps.ts'

export const INGEST = 'ingest'
export const PARSE_STATUS = 'parse-status'

export type IngestPayload = {
  options: ParseOptions
  /** `url`: download it; `upload`: the bytes are in `uploads`. */
  source: 'url' | 'upload'
  declaredType?: string
  /** Tell Java how it went. */
  callback: boolean
  /** The caller gave the file name; otherwise Java is asked. */
  named: boolean
}

export type IngestJob = {
  row: jobs.JobRow
  workspace: WorkspaceId
  fileId: string
  payload: IngestPayload
  secret: JobSecret
  signal: AbortSignal
}

/** @throws AppError `not_retryable` (permanent) when it was sealed with another key: sending the document again is the only way on. */
export function openSecret(deps: EngineDeps, row: Pick<jobs.JobRow, 'secret' | 'workspace_id'>): JobSecret {
  if (row.secret === null) return {}
  try {
    return JSON.parse(deps.vault.open(row.secret, row.workspace_id)) as JobSecret
  } catch (cause) {
    throw new AppError('not_retryable', 'What this job needs was sealed with another SECRETS_KEY; send the document again.', { cause })
  }
}

export function sealSecret(deps: EngineDeps, workspace: WorkspaceId, secret: JobSecret): Buffer | undefined {
  if (secret.token === undefined && secret.signedUrl === undefined) return undefined
  return deps.vault.seal(JSON.stringify(secret), workspace)
}

type StatusBody = { parseStatus: 'processing' | 'completed' | 'failed'; chunkCount: number; entityCount: number; parseError: string | null }

/** Queues the callback in the caller's transaction, with the JWT sealed for it alone. */
export async function tellJava(deps: EngineDeps, tx: ScopedTx, job: IngestJob, body: StatusBody): Promise<void> {
  if (!job.payload.callback) return
  const secret = sealSecret(deps, job.workspace, job.secret.token === undefined ? {} : { token: job.secret.token }) ?? null
  await outbox.add(tx, job.workspace, { subject: job.fileId, kind: PARSE_STATUS, body: { ...body, errorMessage: body.parseError }, secret })
}

/** Work begins: visible in the document, told to Java once. In the same transaction `read` looks at what the attempt begins from. */
export async function begin<T>(deps: EngineDeps, job: IngestJob, read: (tx: ScopedTx) => Promise<T>): Promise<T> {
  const found = await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    const began = await documents.advance(tx, job.workspace, {
      fileId: job.fileId,
      jobId: job.row.job_id,
      status: 'processing',
      stage: 'starting',
      progress: 0.01,
      attempts: job.row.attempts,
    })
    if (began) await tellJava(deps, tx, job, { parseStatus: 'processing', chunkCount: 0, entityCount: 0, parseError: null })
    return read(tx)
  })
  if (job.payload.callback) deps.wake('outbox')
  return found
}

/** Least time between two writes of progress: a small document is done before the first. */
const PROGRESS_EVERY_MS = 250

/** Progress for those who watch; small steps that follow quickly are not written. */
export function progressOf(deps: EngineDeps, job: IngestJob): (stage: string, progress: number) => Promise<void> {
  let written = performance.now()
  return async (stage, progress) => {
    job.signal.throwIfAborted()
    if (performance.now() - written < PROGRESS_EVERY_MS) return
    written = performance.now()
    await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
      await documents.advance(tx, job.workspace, {
        fileId: job.fileId,
        jobId: job.row.job_id,
        status: 'processing',
        stage,
        progress: Math.round(progress * 100) / 100,
        attempts: job.row.attempts,
      })
    })
  }
}

/** The document failed for good: status, callback and the end of the job in one transaction. */
export async function giveUp(deps: EngineDeps, job: IngestJob, error: AppError): Promise<void> {
  const text = parseErrorText(error.code, error.message)
  await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    if (!(await jobs.failForGood(tx, job.row, text))) return
    const known = await documents.fail(tx, job.workspace, {
      fileId: job.fileId,
      jobId: job.row.job_id,
      error: text,
      attempts: Math.min(job.row.attempts, job.row.max_attempts),
    })
    if (!known) return
    await staging.expireUpload(tx, job.workspace, job.fileId)
    await tellJava(deps, tx, job, { parseStatus: 'failed', chunkCount: 0, entityCount: 0, parseError: text })
  })
  deps.wake('outbox')
}
