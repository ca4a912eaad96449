// All use cases over one set of dependencies.
import { randomUUID } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import { truncateTokens } from '../core/tokens.ts'
import { workspaceKind, workspaceScope, type WorkspaceId } from '../core/workspace.ts'
import * as jobs from '../store/jobs.ts'
import * as workspaces from '../store/workspaces.ts'
import type { Engine, Readiness, Retrieval, WorkspaceView } from './api.ts'
import { requireBudget } from './budget.ts'
import { createAudit } from './audit.ts'
import { createChunks } from './chunks.ts'
import { createCourses } from './courses/courses.ts'
import type { EngineDeps } from './deps.ts'
import { createDocuments } from './documents.ts'
import { createGraph } from './graph/graph.ts'
import { createImages } from './images/analyze.ts'
import { createOperations } from './operations.ts'
import { createProfiles } from './profile.ts'
import { createReleases } from './releases/releases.ts'
import { isSeeding } from './seed.ts'
import { onBehalfOf, streamOnBehalfOf } from './usage.ts'

export function createEngine(deps: EngineDeps, retrieval: Retrieval): Engine {
  return {
    documents: createDocuments(deps),
    retrieval: onBehalfOfScope(deps, retrieval),
    graph: createGraph(deps),
    chunks: createChunks(deps),
    operations: createOperations(deps),
    audit: createAudit(deps),
    workspaces: { list: (scope) => listWorkspaces(deps, scope) },
    profiles: createProfiles(deps),
    courses: createCourses(deps),
    releases: createReleases(deps),
    images: createImages(deps),
    readiness: () => readiness(deps),
    embed: async (texts, kind, signal) => {
      const { model, dim } = deps.models.embedding
      const { embedMaxTokens: most } = deps.limits
      const given = most === undefined ? texts : texts.map((text) => truncateTokens(text, most))
      const shortened = given.filter((text, at) => text !== texts[at]).length
      const { vectors, truncated: cut } = await deps.models.embedding.embed(given, kind, signal)
      const truncated = cut + shortened
      if (truncated > 0)
        deps.log.info({ texts: texts.length, truncated, share: truncated / texts.length }, 'texts were cut at the embedding model limit')
      return { vectors, model, dim, truncated }
    },
  }
}

/** Questions are accounted to the first workspace of their scope: the caller's own. */
function onBehalfOfScope(deps: EngineDeps, retrieval: Retrieval): Retrieval {
  return {
    search: (scope, request, signal) =>
      onBehalfOf({ workspace: scope[0], queryId: randomUUID() }, () => retrieval.search(scope, request, signal)),
    query: (scope, request, signal) =>
      streamOnBehalfOf(
        { workspace: scope[0], queryId: randomUUID() },
        withinBudget(deps, scope[0], () => retrieval.query(scope, request, signal)),
      ),
    context: (scope, request, signal) =>
      onBehalfOf({ workspace: scope[0], queryId: randomUUID() }, () => retrieval.context(scope, request, signal)),
  }
}

/** An answer written by a language model costs money; quotations do not. */
async function* withinBudget<T>(deps: EngineDeps, workspace: WorkspaceId, open: () => AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  if (deps.models.hasLanguageModel) await requireBudget(deps, workspace)
  yield* open()
}

async function listWorkspaces(deps: EngineDeps, scope: Parameters<Engine['workspaces']['list']>[0]): Promise<WorkspaceView[]> {
  const [first, ...rest] = scope ?? (await workspaces.all(deps.database.db))
  if (first === undefined) return []
  const rows = await workspaces.counts(deps.database, workspaceScope(first, ...rest))
  return rows.map((row) => ({
    workspace: row.workspace_id,
    kind: workspaceKind(row.workspace_id),
    documents: row.documents,
    chunks: row.chunks,
    entities: row.entities,
    relations: row.relations,
    revision: Number(row.revision),
    embedding: { model: row.model, dim: row.dim },
  }))
}

/** Ready means migrated and serving; a first seeding goes on beside it and is told apart. */
async function readiness(deps: EngineDeps): Promise<Readiness> {
  const problems = deps.modelProblems?.() ?? []
  const checks: Record<string, string> = { models: deps.models.describe() }
  // Searches by words and everything that needs no model go on, so this is told without turning traffic away.
  if (problems.length > 0) checks['modelProblems'] = problems.join(' ')
  const reasons: string[] = []
  let seeding = false
  try {
    const depth = await jobs.depth(deps.database.side)
    checks['database'] = 'ok'
    checks['queue'] = depth.length === 0 ? 'empty' : depth.map((row) => `${row.jobs} ${row.kind} ${row.state}`).join(', ')
    const { replica } = deps.database
    if (replica !== undefined) {
      const { replica: answered, behind, failed } = replica.counts
      checks['replica'] = `${answered} searches answered, ${behind} left to the primary because it was behind, ${failed} failures`
    }
    seeding = await isSeeding(deps)
  } catch (error) {
    const cause = error instanceof AppError ? error.message : 'The database does not answer.'
    checks['database'] = cause
    reasons.push(cause)
  }
  return { ready: reasons.length === 0, reasons, seeding, checks }
}
