// The embedding job of one course: pull if there is where to pull from, embed what changed, publish, and count.
import { isBlank, readCourseChunks, type CourseChunk } from '../../core/course-chunks.ts'
import { AppError } from '../../core/errors.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as chunkStore from '../../store/chunks.ts'
import * as courses from '../../store/courses.ts'
import * as documents from '../../store/documents.ts'
import * as jobs from '../../store/jobs.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import { parseErrorText } from '../api.ts'
import type { EngineDeps } from '../deps.ts'
import { begin, type IngestJob } from '../ingest/job.ts'
import { diffChunks, sha256 } from '../ingest/plan.ts'
import { Superseded } from '../ingest/publication.ts'
import { publish } from '../ingest/publish.ts'
import { homeFor, planReady, readyJob, readyPublication, workspaceRow, type ReadyChunk } from '../ingest/ready.ts'
import { embedTexts, type Home } from '../ingest/think.ts'
import { pullChunks } from './pull.ts'

export const COURSE_EMBED = 'course-embed'
/** A course is one document of its workspace. */
export const COURSE_FILE = 'course'

const PROGRESS_EVERY_MS = 200

export type CoursePayload = { rebuild: boolean }

export const courseIdOf = (workspace: WorkspaceId): string => workspace.slice('course-'.length)

/** Runs one embedding job to its end. Throws what made it fail; the worker decides about another try. */
export async function runCourseEmbedding(deps: EngineDeps, row: jobs.JobRow, signal: AbortSignal): Promise<void> {
  const job = readyJob(row, COURSE_FILE, signal)
  const inScope = <T>(work: (tx: ScopedTx) => Promise<T>): Promise<T> => withScope(deps.database, workspaceScope(job.workspace), work)
  const { rebuild } = row.payload as CoursePayload
  await begin(deps, job, async () => undefined)
  const progress = progressOf(deps, job)
  await progress(0)
  if (deps.courseChunksUrl !== undefined) await pull(deps, job, deps.courseChunksUrl)
  const [given, home, live] = await inScope(async (tx) => [
    await courses.chunks(tx, job.workspace),
    homeFor(deps, job.workspace, await workspaceRow(tx, job.workspace)),
    await chunkStore.live(tx, job.workspace, COURSE_FILE),
  ])
  const planned = planReady(job.workspace, COURSE_FILE, given.filter((chunk) => !isBlank(chunk.text)).map(toReady))
  const skipped = given.length - planned.length
  if (skipped > 0) deps.log.warn({ workspace: job.workspace, jobId: row.job_id, skipped }, 'chunks without text were skipped')
  const open = rebuild ? planned : diffChunks(live, planned).revector
  const settled = given.length - open.length
  const vectorsByHash = await embedTexts(
    deps,
    job,
    home,
    open.map((chunk) => chunk.embedText),
    (share) => progress((settled + share * open.length) / Math.max(1, given.length)),
    { anew: rebuild },
  )
  const recipe = sha256(JSON.stringify(['course-1', home.model.model, home.dim]))
  const publication = readyPublication({
    planned,
    vectorsByHash,
    home,
    collection: 'course',
    metadata: {},
    title: `course ${courseIdOf(job.workspace)}`,
    recipe,
  })
  await publish(deps, job, { ...publication, rewriteVectors: rebuild, within: (tx) => settle(tx, job, home, planned.length) })
  deps.log.info(
    { workspace: job.workspace, jobId: row.job_id, chunks: planned.length, embedded: open.length, skipped },
    'a course was embedded',
  )
}

/** Done only when every chunk has its vector; anything else rolls the publication back. */
async function settle(tx: ScopedTx, job: IngestJob, home: Home, expected: number): Promise<void> {
  const { vectors } = await courses.counts(tx, job.workspace, COURSE_FILE, home)
  if (vectors !== expected) {
    throw new AppError('vector_store_error', `The course has ${expected} chunks to search but ${vectors} vectors, so nothing was changed.`)
  }
  await courses.complete(tx, job.workspace, job.row.job_id)
}

function toReady(chunk: CourseChunk): ReadyChunk {
  return { key: chunk.chunkId, content: chunk.text, header: '', headings: [], metadata: chunk.metadata }
}

function progressOf(deps: EngineDeps, job: IngestJob): (progress: number) => Promise<void> {
  let written = Number.NEGATIVE_INFINITY
  return async (progress) => {
    job.signal.throwIfAborted()
    if (performance.now() - written < PROGRESS_EVERY_MS) return
    written = performance.now()
    const rounded = Math.round(progress * 1000) / 1000
    const ours = await withScope(deps.database, workspaceScope(job.workspace), (tx) =>
      courses.advance(tx, job.workspace, job.row.job_id, rounded),
    )
    if (!ours) throw new Superseded()
  }
}

/** The stage-one API is the source of truth: what it no longer names is dropped. A course it does not know keeps what was handed over. */
async function pull(deps: EngineDeps, job: IngestJob, base: string): Promise<void> {
  const courseId = courseIdOf(job.workspace)
  const items = await pullChunks(base, courseId, job.signal).catch(async (error: unknown) => {
    const given = await withScope(deps.database, workspaceScope(job.workspace), (tx) => courses.chunks(tx, job.workspace))
    if (error instanceof AppError && error.code === 'not_found' && given.length > 0) return undefined
    throw error
  })
  if (items === undefined) return
  const { chunks, problems } = readCourseChunks(courseId, items)
  const [first] = problems
  if (first !== undefined) {
    throw new AppError(
      'invalid_request',
      `The stage-one API gave ${problems.length} bad fields; the first is ${first.field} of item ${first.index}, which ${first.message}.`,
      { details: { items: problems } },
    )
  }
  await withScope(deps.database, workspaceScope(job.workspace), (tx) => courses.putChunks(tx, job.workspace, chunks, true))
}

/** The embedding failed for good: course, document and job in one transaction. What was searchable stays so. */
export async function giveUpCourse(deps: EngineDeps, row: jobs.JobRow, error: AppError): Promise<void> {
  const text = parseErrorText(error.code, error.message)
  await withScope(deps.database, workspaceScope(row.workspace_id), async (tx) => {
    if (!(await jobs.failForGood(tx, row, text))) return
    await documents.fail(tx, row.workspace_id, { fileId: COURSE_FILE, jobId: row.job_id, error: text, attempts: row.attempts })
    await courses.fail(tx, row.workspace_id, row.job_id, text)
  })
}
