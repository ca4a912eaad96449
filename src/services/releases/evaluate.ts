// Stage: asks a version its preview questions as a caller would, and states what came of it, beside the version that is live.
import {
  gatesOf,
  depthFor,
  measure,
  thresholdsOf,
  type Figures,
  type Gate,
  type PreviewResult,
  type Recommendation,
} from '../../core/release-report.ts'
import { flagsOf, rolesOf, type PreviewQuery, type ReleaseRequest } from '../../core/release-request.ts'
import { quantile } from '../../core/evaluation.ts'
import { workspaceScope } from '../../core/workspace.ts'
import * as releases from '../../store/releases.ts'
import { withScope } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import { homeFor, workspaceRow } from '../ingest/ready.ts'
import { itemsOf, readVersion } from './search.ts'

/** Questions embedded in one call. */
const ROUND = 64
const OVERLAP = 10

export type Evaluation = {
  enabled: boolean
  questions: number
  figures: Figures | undefined
  gates: Gate[]
  passed: boolean
  recommendation: Recommendation
  /** Beside the live version, on the same questions. */
  comparison: Record<string, unknown> | undefined
  role_recipes: Record<string, unknown>[]
}

export type Judged = { version: releases.VersionRow; request: ReleaseRequest; proposal: boolean; texts: readonly string[] }

export async function evaluateVersion(deps: EngineDeps, judged: Judged, signal: AbortSignal): Promise<Evaluation> {
  const { version, request } = judged
  const thresholds = thresholdsOf(request.manifest)
  const nothing = { figures: undefined, gates: [], comparison: undefined, role_recipes: [] }
  if (!flagsOf(request).enable_eval_suite) return { enabled: false, questions: 0, ...nothing, passed: true, recommendation: 'hold' }
  const queries = request.preview_queries
  const results = await ask(deps, version, queries, thresholds.k, signal)
  const active = request.knowledge_items.filter((item) => item.status === 'active')
  const pool = { items: active.length, texts: judged.texts }
  const figures = measure(results, version.conflicts, thresholds, pool)
  const gates = gatesOf(figures, thresholds)
  const comparison = await compareWithLive(deps, version, results, thresholds.k, signal)
  const worse = !version.is_primary && comparison !== undefined && comparison.recall_at_k.candidate < comparison.recall_at_k.live
  const passed = gates.every((gate) => gate.passed)
  const failed = judged.proposal || version.live ? 'rollback' : 'hold'
  return {
    enabled: true,
    questions: queries.length,
    figures,
    gates,
    passed,
    recommendation: !passed ? failed : figures.recall_at_k === null || worse ? 'hold' : 'promote_to_active',
    comparison,
    role_recipes: await tryRecipes(deps, judged, thresholds.k, signal),
  }
}

/** Each question once, in the order of relevance; all from one snapshot. */
async function ask(
  deps: EngineDeps,
  version: releases.VersionRow,
  queries: readonly PreviewQuery[],
  k: number,
  signal: AbortSignal,
  roles?: string[],
): Promise<PreviewResult[]> {
  const scope = workspaceScope(version.workspace_id)
  const row = await withScope(deps.database, scope, (tx) => workspaceRow(tx, version.workspace_id))
  const home = homeFor(deps, version.workspace_id, { ...row, space_id: version.space_id, model: version.model, dim: version.dim })
  const vectors: Float32Array[] = []
  for (let at = 0; at < queries.length; at += ROUND) {
    const texts = queries.slice(at, at + ROUND).map((one) => one.query)
    vectors.push(...(await home.model.embed(texts, 'query', signal)).vectors)
  }
  return withScope(
    deps.database,
    scope,
    async (tx) => {
      const results: PreviewResult[] = []
      for (const [index, query] of queries.entries()) {
        signal.throwIfAborted()
        const started = performance.now()
        const depth = depthFor(query, { recall_at_k: 0, k, constraint_conflict_rate: 0, redundancy_rate: undefined })
        const asked = {
          query: query.query,
          top_k: depth,
          facets: query.filters ?? {},
          include_deprecated: false,
          ...(roles === undefined ? {} : { role_recipe: roles }),
        }
        const answer = await readVersion(tx, version, asked, vectors[index] ?? new Float32Array(version.dim))
        const ms = performance.now() - started
        const ranked = answer.results.toSorted((a, b) => b.score - a.score)
        results.push({
          query,
          results: ranked.map((hit) => ({ items: itemsOf(hit), text: hit.text, hard: hit.strength === 'hard_constraint' })),
          ms,
        })
      }
      return results
    },
    { snapshot: true },
  )
}

type Comparison = { against: string; recall_at_k: { live: number; candidate: number }; [figure: string]: unknown }

async function compareWithLive(
  deps: EngineDeps,
  version: releases.VersionRow,
  results: readonly PreviewResult[],
  k: number,
  signal: AbortSignal,
): Promise<Comparison | undefined> {
  const live = await withScope(deps.database, workspaceScope(version.workspace_id), (tx) => releases.liveVersion(tx, version.workspace_id))
  if (live === undefined || live.kb_version_id === version.kb_version_id || results.length === 0) return undefined
  const theirs = await ask(
    deps,
    live,
    results.map((one) => one.query),
    k,
    signal,
  )
  const recallOf = (all: readonly PreviewResult[]): number =>
    measure(all, [], { recall_at_k: 0, k, constraint_conflict_rate: 1, redundancy_rate: undefined }, { items: 0, texts: [] }).recall_at_k ??
    0
  const overlaps = results.map((one, index) => overlap(one, theirs[index]))
  const p95 = (all: readonly PreviewResult[]): number =>
    Math.round(
      quantile(
        all.map((one) => one.ms).toSorted((a, b) => a - b),
        0.95,
      ) * 10,
    ) / 10
  return {
    against: live.kb_version_id,
    embedding_model: { live: live.model, candidate: version.model },
    recall_at_k: { live: recallOf(theirs), candidate: recallOf(results) },
    [`overlap_at_${OVERLAP}`]: Math.round((overlaps.reduce((sum, value) => sum + value, 0) / overlaps.length) * 10_000) / 10_000,
    p95_ms: { live: p95(theirs), candidate: p95(results) },
  }
}

/** Share of the items in one's first ten results that are in the other's too. */
function overlap(one: PreviewResult, other: PreviewResult | undefined): number {
  const mine = new Set(one.results.slice(0, OVERLAP).flatMap(({ items }) => items))
  const theirs = new Set(other?.results.slice(0, OVERLAP).flatMap(({ items }) => items))
  const all = new Set([...mine, ...theirs])
  return all.size === 0 ? 1 : [...mine].filter((id) => theirs.has(id)).length / all.size
}

/** Every recipe on the questions whose answers are for its roles: which of them it finds, and which roles its results have. */
async function tryRecipes(
  deps: EngineDeps,
  { version, request }: Judged,
  k: number,
  signal: AbortSignal,
): Promise<Record<string, unknown>[]> {
  const rolesById = new Map(request.knowledge_items.map((item) => [item.knowledge_item_id, rolesOf(item)]))
  const tried: Record<string, unknown>[] = []
  for (const recipe of request.role_recipes) {
    const meant = request.preview_queries.filter(
      (query) =>
        query.expected_item_ids.length > 0 &&
        query.expected_item_ids.every((id) => rolesById.get(id)?.some((role) => recipe.roles.includes(role))),
    )
    const results = await ask(deps, version, meant, k, signal, recipe.roles)
    const recall = measure(
      results,
      [],
      { recall_at_k: 0, k, constraint_conflict_rate: 1, redundancy_rate: undefined },
      { items: 0, texts: [] },
    ).recall_at_k
    const seen = new Set(results.flatMap((one) => one.results.flatMap(({ items }) => items.flatMap((id) => rolesById.get(id) ?? []))))
    tried.push({
      role_recipe_id: recipe.role_recipe_id,
      roles: recipe.roles,
      preview_queries: meant.length,
      recall_at_k: recall,
      roles_found: recipe.roles.filter((role) => seen.has(role)),
    })
  }
  return tried
}
