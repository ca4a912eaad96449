// Courses: what callers may do with them. The embedding itself is a job (embed.ts).
import { isBlank, readCourseChunks } from '../../core/course-chunks.ts'
import { AppError } from '../../core/errors.ts'
import { workspaceKind, workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as chunkStore from '../../store/chunks.ts'
import * as courses from '../../store/courses.ts'
import * as documents from '../../store/documents.ts'
import * as jobs from '../../store/jobs.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as vectors from '../../store/vectors.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { workspaceRow } from '../ingest/ready.ts'
import { onBehalfOf } from '../usage.ts'
import type { Courses, CourseStatus } from './api.ts'
import { COURSE_EMBED, COURSE_FILE, courseIdOf } from './embed.ts'
import { knowsCourse } from './pull.ts'
import { searchCourse } from './search.ts'

export function createCourses(deps: EngineDeps): Courses {
  return {
    putChunks: (workspace, items, replace) => putChunks(deps, workspace, items, replace),
    embed: (workspace, options, signal) => embed(deps, workspace, options, signal),
    status: (workspace, signal) => status(deps, workspace, signal),
    list: () => list(deps),
    search: (workspace, query, signal) => onBehalfOf({ workspace }, () => searchCourse(deps, workspace, query, signal)),
    remove: (workspace) => remove(deps, workspace),
  }
}

const inWorkspace = <T>(deps: EngineDeps, workspace: WorkspaceId, work: (tx: ScopedTx) => Promise<T>): Promise<T> =>
  withScope(deps.database, workspaceScope(workspace), work)

async function known(tx: ScopedTx, workspace: WorkspaceId): Promise<courses.CourseRow> {
  const row = await courses.get(tx, workspace)
  if (row === undefined) throw new AppError('not_found', 'There is no course with this id.')
  return row
}

async function putChunks(
  deps: EngineDeps,
  workspace: WorkspaceId,
  items: readonly unknown[],
  replace: boolean,
): Promise<{ accepted: number; skipped: number }> {
  const { chunks, problems } = readCourseChunks(courseIdOf(workspace), items)
  if (problems.length > 0) {
    const bad = new Set(problems.map((problem) => problem.index)).size
    throw new AppError('invalid_request', `${bad} of ${items.length} chunks are not valid, so none was taken; details.items lists them.`, {
      details: { items: problems },
    })
  }
  await ensureCourse(deps, workspace, (tx) => courses.putChunks(tx, workspace, chunks, replace))
  const skipped = chunks.filter((chunk) => isBlank(chunk.text)).length
  if (skipped > 0) deps.log.warn({ workspace, skipped }, 'chunks without text were handed over; they will not be embedded')
  return { accepted: chunks.length, skipped }
}

async function ensureCourse<T>(deps: EngineDeps, workspace: WorkspaceId, work: (tx: ScopedTx) => Promise<T>): Promise<T> {
  const { model, dim } = deps.models.embedding
  const space = await workspaces.ensureSpace(deps.database.db, model, dim)
  return inWorkspace(deps, workspace, async (tx) => {
    await workspaces.ensure(tx, workspace, space)
    await courses.ensure(tx, workspace)
    return work(tx)
  })
}

async function embed(
  deps: EngineDeps,
  workspace: WorkspaceId,
  { rebuild }: { rebuild: boolean },
  signal: AbortSignal,
): Promise<{ status: 'pending'; job_id: string }> {
  const exists = await inWorkspace(deps, workspace, (tx) => courses.get(tx, workspace))
  if (exists === undefined && !(await isElsewhere(deps, workspace, signal))) {
    throw new AppError('not_found', 'There is no course with this id; hand over its chunks first.')
  }
  const jobId = await ensureCourse(deps, workspace, async (tx) => {
    const job = await jobs.enqueue(tx, workspace, { kind: COURSE_EMBED, subject: COURSE_FILE, payload: { rebuild }, secret: undefined })
    if (!job.fresh) throw new AppError('already_running', 'This course is being embedded already.', { details: { job_id: job.jobId } })
    await courses.queue(tx, workspace, job.jobId)
    const attempt = {
      fileId: COURSE_FILE,
      jobId: job.jobId,
      fileName: `course ${courseIdOf(workspace)}`,
      collection: COURSE_FILE,
      metadata: {},
    }
    await documents.startAttempt(tx, workspace, attempt)
    return job.jobId
  })
  deps.wake('jobs')
  return { status: 'pending', job_id: jobId }
}

async function status(deps: EngineDeps, workspace: WorkspaceId, signal: AbortSignal): Promise<CourseStatus> {
  const here = await inWorkspace(deps, workspace, async (tx) => {
    const row = await courses.get(tx, workspace)
    return row && (await statusOf(tx, row))
  })
  if (here !== undefined) return here
  if (!(await isElsewhere(deps, workspace, signal))) throw new AppError('not_found', 'There is no course with this id.')
  return { course_id: courseIdOf(workspace), status: 'not_started', progress: 0, error: null, chunks: 0, vectors: 0, skipped: 0 }
}

/** A course that nobody handed over may be waiting where chunks are pulled from. */
async function isElsewhere(deps: EngineDeps, workspace: WorkspaceId, signal: AbortSignal): Promise<boolean> {
  return deps.courseChunksUrl !== undefined && (await knowsCourse(deps.courseChunksUrl, courseIdOf(workspace), signal))
}

async function statusOf(tx: ScopedTx, row: courses.CourseRow): Promise<CourseStatus> {
  const home = await workspaceRow(tx, row.workspace_id)
  const { chunks, vectors: made, skipped } = await courses.counts(tx, row.workspace_id, COURSE_FILE, home)
  const { embedding_status: status, embedding_progress: progress, embedding_error: error } = row
  return { course_id: courseIdOf(row.workspace_id), status, progress, error, chunks, vectors: made, skipped }
}

async function list(deps: EngineDeps): Promise<CourseStatus[]> {
  const [first, ...rest] = (await workspaces.all(deps.database.db)).filter((workspace) => workspaceKind(workspace) === 'course')
  if (first === undefined) return []
  return withScope(
    deps.database,
    workspaceScope(first, ...rest),
    async (tx) => {
      const statuses: CourseStatus[] = []
      for (const row of await courses.list(tx)) statuses.push(await statusOf(tx, row))
      return statuses
    },
    { snapshot: true },
  )
}

/** Chunks, vectors and what was handed over go in one transaction; a running job can no longer commit. */
async function remove(deps: EngineDeps, workspace: WorkspaceId): Promise<{ course_id: string; deleted: true }> {
  await inWorkspace(deps, workspace, async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    await known(tx, workspace)
    await jobs.cancel(tx, workspace, COURSE_EMBED, COURSE_FILE)
    const live = await chunkStore.live(tx, workspace, COURSE_FILE)
    const home = await workspaceRow(tx, workspace)
    await vectors.remove(
      tx,
      workspace,
      home,
      'chunk',
      live.map((chunk) => chunk.chunk_id),
    )
    await documents.remove(tx, workspace, COURSE_FILE)
    await courses.remove(tx, workspace)
    await workspaces.bumpRevision(tx, workspace)
  })
  return { course_id: courseIdOf(workspace), deleted: true }
}
