// Stage: the bytes of the document, from the upload, from the signed address, or from the address Java gives.
import { createHash } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { workspaceScope } from '../../core/workspace.ts'
import type { DownloadedFile } from '../../ports/java.ts'
import * as documents from '../../store/documents.ts'
import { withScope } from '../../store/scope.ts'
import * as staging from '../../store/staging.ts'
import type { EngineDeps } from '../deps.ts'
import type { IngestJob } from './job.ts'

export type FetchedFile = { bytes: Uint8Array; sha256: string; declaredType?: string; fileName: string }

export async function fetchFile(deps: EngineDeps, job: IngestJob, fileName: string): Promise<FetchedFile> {
  if (job.payload.source === 'upload') return fetchUpload(deps, job, fileName)
  const info = await fileInfo(deps, job)
  const name = await settleName(deps, job, fileName, info.fileName)
  if (info.size !== undefined && info.size > deps.limits.uploadMaxBytes) {
    throw new AppError('payload_too_large', `The file is larger than ${deps.limits.uploadMaxBytes} bytes.`)
  }
  const file = await downloadOnceMore(deps, job)
  const declaredType = info.mediaType ?? file.mediaType
  return { bytes: file.bytes, sha256: file.sha256, fileName: name, ...(declaredType === undefined ? {} : { declaredType }) }
}

async function fetchUpload(deps: EngineDeps, job: IngestJob, fileName: string): Promise<FetchedFile> {
  const bytes = await withScope(deps.database, workspaceScope(job.workspace), (tx) => staging.upload(tx, job.workspace, job.fileId))
  if (bytes === undefined) throw new AppError('not_found', 'The uploaded bytes are not kept any more; upload the file again.')
  const { declaredType } = job.payload
  return {
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    fileName,
    ...(declaredType === undefined ? {} : { declaredType }),
  }
}

/** Java is asked about the file only where the caller left something out. */
async function fileInfo(deps: EngineDeps, job: IngestJob): Promise<{ fileName?: string; mediaType?: string; size?: number }> {
  if (deps.java === undefined || (job.secret.signedUrl !== undefined && job.payload.named)) return {}
  try {
    return await deps.java.fileInfo(job.fileId, job.secret.token, job.signal)
  } catch (error) {
    // With a signed address in hand the name is a nicety; without one the lookup is the only way to the file.
    if (job.secret.signedUrl !== undefined && error instanceof AppError) return {}
    throw error
  }
}

async function settleName(deps: EngineDeps, job: IngestJob, fileName: string, found: string | undefined): Promise<string> {
  if (job.payload.named || found === undefined || found === fileName) return fileName
  await withScope(deps.database, workspaceScope(job.workspace), (tx) =>
    documents.rename(tx, job.workspace, job.fileId, job.row.job_id, found),
  )
  return found
}

/** A signed address that expired while the job waited is asked for once more. */
async function downloadOnceMore(deps: EngineDeps, job: IngestJob): Promise<DownloadedFile> {
  const url = job.secret.signedUrl ?? (await askForUrl(deps, job))
  try {
    return await deps.download(url, job.signal)
  } catch (error) {
    const expired = error instanceof AppError && error.code === 'download_failed' && error.details?.['expired'] === true
    if (!expired || deps.java === undefined) throw error
    return deps.download(await askForUrl(deps, job), job.signal)
  }
}

function askForUrl(deps: EngineDeps, job: IngestJob): Promise<string> {
  if (deps.java === undefined) {
    throw new AppError('invalid_request', 'There is no signed URL, and JAVA_BASE_URL is not set, so nobody can be asked for one.')
  }
  return deps.java.downloadUrl(job.fileId, job.secret.token, job.signal)
}
