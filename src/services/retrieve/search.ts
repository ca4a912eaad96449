// Search from question to results: plan and embed, one snapshot of the database, then rerank. No model is called inside the snapshot.
import { AppError } from '../../core/errors.ts'
import { fullName } from '../../core/fusion.ts'
import { needsEmbedding } from '../../core/modes.ts'
import type { WorkspaceScope } from '../../core/workspace.ts'
import type { Database } from '../../ports/database.ts'
import type { Models } from '../../ports/models.ts'
import { type EntityCard, entityCards, type RelationCard, relationCards } from '../../store/search-cards.ts'
import { contents, type FoundChunk } from '../../store/search-chunks.ts'
import { withDocuments } from '../../store/search-filter.ts'
import { searchSettings } from '../../store/search-vectors.ts'
import { type Newest, newest, withNewest } from '../../store/newest.ts'
import type { ScopedTx } from '../../store/scope.ts'
import { inScope, type WorkspaceRow } from '../../store/workspaces.ts'
import type { SearchRequest, SearchResponse } from '../api.ts'
import type { AnswerCache } from './answer-cache.ts'
import { embedQuestion, type QuestionVectors } from './embed.ts'
import { withPaths } from './explain.ts'
import { gather, type Gathered, mostWanted } from './gather.ts'
import type { Remembered } from './memory.ts'
import { type Plan, planSearch } from './plan.ts'
import { pickResults, rank, type Ranked } from './rank.ts'
import { rerankPool, wantsRerank } from './rerank.ts'
import type { ResultCache } from './result-cache.ts'
import { type SectionText, sectionsAround } from './sections.ts'
import { showEntities, showRelations, showResults } from './show.ts'

export type RetrievalDeps = {
  database: Database
  models: Models
  remembered: Remembered
  answers: AnswerCache
  results: ResultCache
  /** Follow-ups are rewritten unless the call says otherwise. */
  rewriteFollowUps: boolean
}

/** A workspace that changed its space between the two looks is looked at once more; twice in one search is a fault. */
const TRIES = 2

/** @throws AppError `embedding_service_unavailable` unless the mode is lexical; a dead keyword or rerank model only degrades. */
export async function search(
  deps: RetrievalDeps,
  scope: WorkspaceScope,
  request: SearchRequest,
  signal: AbortSignal,
): Promise<SearchResponse> {
  const startedAt = performance.now()
  const known = await newest(deps.database, scope)
  const key = deps.results.keyFor(deps.models, scope, known.workspaces, request)
  const before = known.certain ? deps.results.get(key) : undefined
  if (before) return { ...before, timings: { embedMs: 0, retrieveMs: 0, totalMs: rounded(performance.now() - startedAt) } }
  const { reply, read } = await searchAnew(deps, scope, request, known, startedAt, signal)
  // What was read may be newer than what was known; such a reply belongs to another key.
  if (known.certain && deps.results.keyFor(deps.models, scope, read, request) === key) deps.results.set(key, reply)
  return reply
}

async function searchAnew(
  deps: RetrievalDeps,
  scope: WorkspaceScope,
  request: SearchRequest,
  known: Newest,
  startedAt: number,
  signal: AbortSignal,
): Promise<{ reply: SearchResponse; /** The workspaces as they were read. */ read: readonly WorkspaceRow[] }> {
  const { reranker } = deps.models
  const plan = await planSearch(deps.models.keywords, request, signal)
  const found = plan.mode.legs.length === 0 ? NOTHING : await lookUp(deps, scope, plan, known, signal)
  const rerank = wantsRerank(plan, reranker) && found.pool.length > 0
  const pool = rerank ? await rerankPool(reranker, plan, found.pool, found.chunks, signal) : found.pool
  const reply: SearchResponse = {
    mode: request.mode,
    results: showResults(pickResults(pool, found.chunks, request), found.chunks, found.sections, request.explain),
    entities: showEntities(found.gathered.entities, found.entities),
    relations: showRelations(found.gathered.relations, found.relations),
    keywords: plan.keywords,
    timings: { embedMs: rounded(found.embedMs), retrieveMs: rounded(found.retrieveMs), totalMs: rounded(performance.now() - startedAt) },
    ...(plan.degraded.length > 0 ? { degraded: true, degradedReason: plan.degraded.join(' ') } : {}),
  }
  return { reply, read: found.workspaces }
}

type Found = {
  workspaces: readonly WorkspaceRow[]
  gathered: Gathered
  pool: Ranked[]
  chunks: ReadonlyMap<string, FoundChunk>
  sections: ReadonlyMap<string, SectionText>
  entities: EntityCard[]
  relations: RelationCard[]
  embedMs: number
  retrieveMs: number
}

const NOTHING: Found = {
  workspaces: [],
  gathered: { vector: [], lexical: [], entity: [], relation: [], titled: [], auto: undefined, entities: [], relations: [] },
  pool: [],
  chunks: new Map(),
  sections: new Map(),
  entities: [],
  relations: [],
  embedMs: 0,
  retrieveMs: 0,
}

const WITHOUT_PRIMARY = 'The primary database does not answer; what was changed last may be missing.'

/** A statement of a search takes milliseconds; one that takes this long is stopped before many of them stop everything. */
const STATEMENT_MS = 20_000

async function lookUp(deps: RetrievalDeps, scope: WorkspaceScope, plan: Plan, first: Newest, signal: AbortSignal): Promise<Found> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const startedAt = performance.now()
    const known = attempt === 1 ? first : await newest(deps.database, scope)
    const { workspaces } = known
    const vectors = needsEmbedding(plan.request.mode)
      ? await embedQuestion(deps, workspaces, plan, signal)
      : new Map<number, QuestionVectors>()
    const embeddedAt = performance.now()
    const found = await withNewest(deps.database, scope, known, (tx) => readSnapshot(tx, deps, plan, workspaces, vectors), {
      signal,
      timeoutMs: STATEMENT_MS,
      settings: searchSettings(workspaces, mostWanted(plan)),
    })
    if (found && !known.certain) plan.degraded.push(WITHOUT_PRIMARY)
    if (found) return { ...found, embedMs: embeddedAt - startedAt, retrieveMs: performance.now() - embeddedAt }
  }
  throw new AppError('vector_store_error', 'A searched workspace is being moved to another embedding space; try again.')
}

/** Undefined when a workspace has changed its space since the question was embedded. */
async function readSnapshot(
  tx: ScopedTx,
  deps: RetrievalDeps,
  asked: Plan,
  embedded: readonly WorkspaceRow[],
  vectors: ReadonlyMap<number, QuestionVectors>,
): Promise<Omit<Found, 'embedMs' | 'retrieveMs'> | undefined> {
  const workspaces = await inScope(tx, tx.scope)
  const spaceOf = new Map(embedded.map((workspace) => [workspace.workspace_id, workspace.space_id]))
  if (vectors.size > 0 && workspaces.some((workspace) => spaceOf.get(workspace.workspace_id) !== workspace.space_id)) return undefined
  const ids = workspaces.map((workspace) => workspace.workspace_id)
  const plan = { ...asked, filter: await withDocuments(tx, ids, asked.filter) }
  const gathered = await gather(tx, plan, workspaces, vectors, deps.remembered)
  const pool = rank(plan, gathered)
  const { topK, maxPerDocument, expand, explain } = plan.request
  const shown = wantsRerank(plan, deps.models.reranker) || maxPerDocument !== undefined ? pool : pool.slice(0, topK)
  const chunks = await contents(tx, shown)
  return {
    workspaces,
    gathered,
    pool: explain ? await withPaths(tx, gathered, shown) : pool,
    chunks: new Map(chunks.map((chunk) => [fullName({ workspaceId: chunk.workspace_id, id: chunk.chunk_id }), chunk])),
    sections: expand === 'section' ? await sectionsAround(tx, shown) : new Map(),
    entities: await entityCards(tx, gathered.entities, plan.filter),
    relations: await relationCards(tx, gathered.relations, plan.filter),
  }
}

/** Milliseconds with one decimal. */
const rounded = (ms: number): number => Math.round(ms * 10) / 10
