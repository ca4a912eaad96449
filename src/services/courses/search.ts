// Search in one course: filters first, then nearness. One snapshot; the question is embedded before it.
import { AppError } from '../../core/errors.ts'
import { byScore, unit } from '../../core/scoring.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as courses from '../../store/courses.ts'
import { withNewest } from '../../store/newest.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import { contents } from '../../store/search-chunks.ts'
import type { ChunkFilter } from '../../store/search-filter.ts'
import { nearestChunks } from '../../store/search-vectors.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { homeFor } from '../ingest/ready.ts'
import type { CourseHit, CourseQuery } from './api.ts'
import { COURSE_FILE } from './embed.ts'

/** A course that changed its space between embedding and reading is read once more. */
const TRIES = 2

export async function searchCourse(
  deps: EngineDeps,
  workspace: WorkspaceId,
  query: CourseQuery,
  signal: AbortSignal,
): Promise<CourseHit[]> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const row = await fromStore(() => withScope(deps.database, workspaceScope(workspace), (tx) => readyRow(tx, workspace)))
    const home = homeFor(deps, workspace, row)
    const { vectors } = await home.model.embed([query.query], 'query', signal)
    const [vector] = vectors
    if (vector === undefined)
      throw new AppError('embedding_service_unavailable', 'The embedding model returned no vector for the question.')
    const hits = await fromStore(() =>
      withNewest(
        deps.database,
        workspaceScope(workspace),
        { workspaces: [row], certain: true },
        (tx) => readHits(tx, workspace, query, { vector, spaceId: home.space_id }),
        { signal },
      ),
    )
    if (hits !== undefined) return hits
  }
  throw new AppError('vector_store_error', 'The course is being moved to another embedding space; try again.')
}

/** @throws AppError `embedding_not_ready` while no embedding of this course has ever finished. */
async function readyRow(tx: ScopedTx, workspace: WorkspaceId): Promise<workspaces.WorkspaceRow> {
  const course = await courses.get(tx, workspace)
  const [row] = await workspaces.inScope(tx, [workspace])
  if (course?.ready !== true || row === undefined) throw new AppError('embedding_not_ready')
  return row
}

async function readHits(
  tx: ScopedTx,
  workspace: WorkspaceId,
  query: CourseQuery,
  question: { vector: Float32Array; spaceId: number },
): Promise<CourseHit[] | undefined> {
  const row = await readyRow(tx, workspace)
  if (row.space_id !== question.spaceId) return undefined
  const near = await nearestChunks(tx, [{ workspace: row, vector: question.vector }], query.top_k, filterOf(query))
  const ranked = near.map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id, score: unit(hit.cosine) })).toSorted(byScore)
  const found = new Map((await contents(tx, ranked)).map((chunk) => [chunk.chunk_id, chunk]))
  return ranked.flatMap(({ id, score }) => {
    const chunk = found.get(id)
    return chunk === undefined
      ? []
      : [{ chunk_id: String(chunk.metadata['chunk_id']), text: chunk.content, score, metadata: chunk.metadata }]
  })
}

function filterOf(query: CourseQuery): ChunkFilter {
  const metadata = (['lecture_id', 'section_id', 'source_type'] as const).flatMap((key) => {
    const value = query[key]
    return value === undefined ? [] : [{ key, values: [value] }]
  })
  return { collections: [COURSE_FILE], metadata }
}

/** Whatever the database cannot do is one thing to the caller; the cause is kept for the log. */
async function fromStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('vector_store_error', undefined, { cause })
  }
}
