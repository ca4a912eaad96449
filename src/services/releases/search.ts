// Search in a release: filter, then nearness, then strength. One snapshot decides which version is read; a question is answered from one.
import { AppError } from '../../core/errors.ts'
import { compareCodePoints } from '../../core/names.ts'
import { unit } from '../../core/scoring.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import { withNewest } from '../../store/newest.ts'
import * as releases from '../../store/releases.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import { contents, type FoundChunk } from '../../store/search-chunks.ts'
import type { ChunkFilter } from '../../store/search-filter.ts'
import { nearestChunks } from '../../store/search-vectors.ts'
import type { EngineDeps } from '../deps.ts'
import { homeFor, workspaceRow } from '../ingest/ready.ts'
import type { ReleaseAnswer, ReleaseHit, ReleaseQuery } from './api.ts'

/** A pointer that moves to another embedding space between embedding and reading costs one more try. */
const TRIES = 3
/** Candidates behind the results: what conflicts are looked for among. */
const POOL = 64

/** Weights of the fusion: nearness decides, age and quality settle what is equally near. */
const NEARNESS = 0.92
const RECENCY = 0.04
const QUALITY = 0.04
const YEAR_MS = 365.25 * 86_400_000

/** @throws AppError `not_found` without such a version; `embedding_service_unavailable` when its model cannot be reached. */
export async function searchRelease(
  deps: EngineDeps,
  workspace: WorkspaceId,
  query: ReleaseQuery,
  signal: AbortSignal,
): Promise<ReleaseAnswer> {
  const scope = workspaceScope(workspace)
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const found = await withScope(
      deps.database,
      scope,
      async (tx) => ({ version: await versionOf(tx, workspace, query.kb_version_id), row: await workspaceRow(tx, workspace) }),
      {
        snapshot: true,
      },
    )
    const home = homeFor(deps, workspace, {
      ...found.row,
      space_id: found.version.space_id,
      model: found.version.model,
      dim: found.version.dim,
    })
    const { vectors } = await home.model.embed([query.query], 'query', signal)
    const [vector] = vectors
    if (vector === undefined)
      throw new AppError('embedding_service_unavailable', 'The embedding model returned no vector for the question.')
    const answer = await withNewest(
      deps.database,
      scope,
      { workspaces: [found.row], certain: true },
      (tx) => read(tx, workspace, query, { vector, spaceId: home.space_id }),
      { signal },
    )
    if (answer !== undefined) return answer
  }
  throw new AppError('vector_store_error', 'The release is being moved to another embedding space; try again.')
}

async function versionOf(tx: ScopedTx, workspace: WorkspaceId, pinned: string | undefined): Promise<releases.VersionRow> {
  const version = pinned === undefined ? await releases.liveVersion(tx, workspace) : await releases.version(tx, workspace, pinned)
  if (version !== undefined && (version.live || version.passed !== null)) return version
  throw new AppError(
    'not_found',
    pinned === undefined ? 'This knowledge base has no promoted version.' : 'There is no such version in this knowledge base.',
  )
}

/** Undefined when the version now asked for lies in another space than the question was embedded in. */
async function read(
  tx: ScopedTx,
  workspace: WorkspaceId,
  query: ReleaseQuery,
  question: { vector: Float32Array; spaceId: number },
): Promise<ReleaseAnswer | undefined> {
  const version = await versionOf(tx, workspace, query.kb_version_id)
  if (version.space_id !== question.spaceId) return undefined
  return readVersion(tx, version, query, question.vector)
}

/** The results of one version inside the caller's snapshot; also what an evaluation asks. */
export async function readVersion(
  tx: ScopedTx,
  version: releases.VersionRow,
  query: ReleaseQuery,
  vector: Float32Array,
): Promise<ReleaseAnswer> {
  const row = await workspaceRow(tx, version.workspace_id)
  const probe = { workspace: { ...row, space_id: version.space_id, model: version.model, dim: version.dim }, vector }
  const near = await nearestChunks(tx, [probe], Math.max(POOL, query.top_k), filterOf(version, query))
  const cosines = new Map(near.map((hit) => [hit.chunk_id, hit.cosine]))
  const pool = fused(
    await contents(
      tx,
      near.map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id })),
    ),
    cosines,
  )
  const results = pool
    .slice(0, query.top_k)
    .toSorted((a, b) => Number(b.strength === 'hard_constraint') - Number(a.strength === 'hard_constraint') || byFusion(a, b))
  const shown = new Set(results.flatMap(itemsOf))
  const eligible = new Set(pool.flatMap(itemsOf))
  const conflicts = version.conflicts.filter(({ items: [a, b] }) => (shown.has(a) || shown.has(b)) && eligible.has(a) && eligible.has(b))
  return { kb_version_id: version.kb_version_id, results, conflicts: conflicts.map(({ items, reason }) => ({ items, reason })) }
}

/** The items whose text a result holds: its own, and those that were merged into it. */
export function itemsOf(hit: Pick<ReleaseHit, 'knowledge_item_id' | 'metadata'>): string[] {
  const merged = hit.metadata['merged_item_ids']
  return [hit.knowledge_item_id, ...(Array.isArray(merged) ? (merged as string[]) : [])]
}

function filterOf(version: releases.VersionRow, query: ReleaseQuery): ChunkFilter {
  const metadata = Object.entries(query.facets).map(([key, value]) => ({
    key,
    values: (Array.isArray(value) ? value : [value]).map(String),
  }))
  if (!query.include_deprecated) metadata.push({ key: 'status', values: ['active'] })
  if (query.role_recipe !== undefined) metadata.push({ key: 'role', values: rolesFor(version, query.role_recipe) })
  return { collections: [version.kb_version_id], metadata }
}

function rolesFor(version: releases.VersionRow, recipe: string | string[]): string[] {
  if (Array.isArray(recipe)) return recipe
  const roles = version.role_recipes.find((one) => one.role_recipe_id === recipe)?.roles
  if (roles === undefined) throw new AppError('invalid_request', 'role_recipe names no recipe of this version.')
  return roles
}

const timeOf = (value: unknown): number => (typeof value === 'string' ? Date.parse(value) : Number.NaN)

const byFusion = (a: ReleaseHit, b: ReleaseHit): number => b.score - a.score || compareCodePoints(a.chunk_id, b.chunk_id)

/** Best first. Recency is measured from the newest candidate, so that an answer does not depend on the day it is asked for. */
function fused(chunks: readonly FoundChunk[], cosines: ReadonlyMap<string, number>): ReleaseHit[] {
  const ages = chunks.map((chunk) => timeOf(chunk.metadata['updated_at']))
  const newest = Math.max(...ages.filter((time) => !Number.isNaN(time)), Number.NEGATIVE_INFINITY)
  return chunks
    .map((chunk, index): ReleaseHit => {
      const { metadata } = chunk
      const time = ages[index] ?? Number.NaN
      const recency = Number.isNaN(time) ? 0 : Math.exp((time - newest) / YEAR_MS)
      const quality = typeof metadata['quality'] === 'number' ? metadata['quality'] : 0.5
      return {
        knowledge_item_id: String(metadata['knowledge_item_id']),
        chunk_id: chunk.chunk_id,
        text: chunk.content,
        score: unit(NEARNESS * unit(cosines.get(chunk.chunk_id) ?? 0) + RECENCY * recency + QUALITY * quality),
        strength: metadata['strength'] === 'hard_constraint' ? 'hard_constraint' : 'soft_preference',
        role: metadata['role'] as string | string[],
        tags: Array.isArray(metadata['tags']) ? (metadata['tags'] as string[]) : [],
        metadata,
      }
    })
    .toSorted(byFusion)
}
