// The figures of a release, its gates, and the report that states them.
import { z } from 'zod'
import { bootstrap, quantile, recallAt, type Interval } from './evaluation.ts'
import type { Conflict } from './release-conflicts.ts'
import type { PreviewQuery, ReleaseManifest } from './release-request.ts'
import { isNearDuplicate, profileOf } from './release-similarity.ts'

/** What one preview question found, best first. */
export type PreviewResult = {
  query: PreviewQuery
  /** Of each result: the items whose text it holds (more than one where duplicates were merged), its text, its strength. */
  results: readonly { items: readonly string[]; text: string; hard: boolean }[]
  ms: number
}

export const DEFAULT_THRESHOLDS = { recall_at_k: 0.6, k: 8, constraint_conflict_rate: 0.2 } as const

export type Thresholds = {
  recall_at_k: number
  k: number
  constraint_conflict_rate: number
  /** Gated only where the manifest says so. */ redundancy_rate: number | undefined
}

export function thresholdsOf(manifest: ReleaseManifest): Thresholds {
  const given = manifest.thresholds ?? {}
  return {
    recall_at_k: given.recall_at_k ?? DEFAULT_THRESHOLDS.recall_at_k,
    k: given.k ?? DEFAULT_THRESHOLDS.k,
    constraint_conflict_rate: given.constraint_conflict_rate ?? DEFAULT_THRESHOLDS.constraint_conflict_rate,
    redundancy_rate: given.redundancy_rate,
  }
}

export type Figures = {
  /** Of the questions that expect an item; null without one. */
  recall: Record<string, Interval> | null
  k: number
  recall_at_8: number | null
  recall_at_k: number | null
  constraint_conflict_rate: number
  redundancy_rate: number
  latency_ms: { p50: number; p95: number } | null
  per_query: {
    query: string
    k: number
    expected: string[]
    missed: string[]
    recall: number | null
    conflicts: number
    redundant: number
  }[]
}

/** Ranks that are looked at for every question. */
export const EVALUATED_DEPTH = 10

/** How deep the results of a question must go for every figure. */
export const depthFor = (query: PreviewQuery, thresholds: Thresholds): number => Math.max(EVALUATED_DEPTH, thresholds.k, query.k ?? 0)

/**
 * recall@k: mean share of the expected items among the first k results (of a question's own k where it names one).
 * constraint_conflict_rate: mean share of the first k results that are hard constraints and stand against another one there.
 * redundancy_rate: mean share of the first k results that say again what a better one says.
 * Without questions the two rates are shares of `pool`: active items that are such constraints, chunks that repeat another.
 */
export function measure(
  results: readonly PreviewResult[],
  conflicts: readonly Conflict[],
  thresholds: Thresholds,
  pool: { items: number; texts: readonly string[] },
): Figures {
  const hard = conflicts.filter((conflict) => conflict.hard)
  const judged = results.filter(({ query }) => query.expected_item_ids.length > 0)
  const recallOf = (at: (query: PreviewQuery) => number): Interval => bootstrap(judged.map((one) => recallWithin(one, at(one.query))))
  const own = (query: PreviewQuery): number => query.k ?? thresholds.k
  const recall =
    judged.length === 0
      ? null
      : Object.fromEntries([
          ...[...new Set([5, 8, 10, thresholds.k])]
            .toSorted((a, b) => a - b)
            .map((k) => [`recall_at_${k}`, rounded(recallOf(() => k))] as const),
          ['recall_at_k', rounded(recallOf(own))] as const,
        ])
  const perQuery = results.map((one) => perQueryFigures(one, hard, own(one.query)))
  const times = results.map((one) => one.ms).toSorted((a, b) => a - b)
  return {
    recall,
    k: thresholds.k,
    recall_at_8: recall?.['recall_at_8']?.mean ?? null,
    recall_at_k: recall?.['recall_at_k']?.mean ?? null,
    constraint_conflict_rate: round(
      results.length > 0
        ? mean(results.map((one, index) => share(perQuery[index]?.conflicts ?? 0, Math.min(one.results.length, own(one.query)))))
        : share(inConflict(hard).size, pool.items),
    ),
    redundancy_rate: round(
      results.length > 0
        ? mean(results.map((one, index) => share(perQuery[index]?.redundant ?? 0, Math.min(one.results.length, own(one.query)))))
        : share(redundantAmong(pool.texts), pool.texts.length),
    ),
    latency_ms: times.length === 0 ? null : { p50: round(quantile(times, 0.5)), p95: round(quantile(times, 0.95)) },
    per_query: perQuery,
  }
}

function recallWithin({ query, results }: PreviewResult, k: number): number {
  const expected = new Map(query.expected_item_ids.map((id) => [id, 1]))
  // A merged chunk stands for all its items at one rank.
  const found = results.slice(0, k).flatMap(({ items }) => items)
  return recallAt(found.length, found, expected)
}

function perQueryFigures(one: PreviewResult, hard: readonly Conflict[], k: number): Figures['per_query'][number] {
  const top = one.results.slice(0, k)
  const items = new Set(top.flatMap((result) => result.items))
  const against = inConflict(hard.filter(({ items: [a, b] }) => items.has(a) && items.has(b)))
  const expected = one.query.expected_item_ids
  return {
    query: one.query.query,
    k,
    expected,
    missed: expected.filter((id) => !items.has(id)),
    recall: expected.length === 0 ? null : round(recallWithin(one, k)),
    conflicts: top.filter((result) => result.hard && result.items.some((id) => against.has(id))).length,
    redundant: redundantAmong(top.map((result) => result.text)),
  }
}

const inConflict = (conflicts: readonly Conflict[]): Set<string> => new Set(conflicts.flatMap(({ items }) => items))

/** Texts that say again what an earlier one says. */
function redundantAmong(texts: readonly string[]): number {
  const profiles = texts.map(profileOf)
  return profiles.filter((profile, index) => profiles.slice(0, index).some((earlier) => isNearDuplicate(profile, earlier))).length
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const mean = (values: readonly number[]): number => share(sum(values), values.length)
const round = (value: number): number => Math.round(value * 10_000) / 10_000
const rounded = ({ mean: middle, low, high }: Interval): Interval => ({ mean: round(middle), low: round(low), high: round(high) })

export type Gate = { gate: string; value: number | null; threshold: number; passed: boolean }

/** A figure that could not be measured fails nothing; the report says that it is missing. */
export function gatesOf(figures: Figures, thresholds: Thresholds): Gate[] {
  const atMost = (gate: string, value: number, threshold: number): Gate => ({ gate, value, threshold, passed: value <= threshold })
  return [
    {
      gate: `recall_at_${thresholds.k}`,
      value: figures.recall_at_k,
      threshold: thresholds.recall_at_k,
      passed: figures.recall_at_k === null || figures.recall_at_k >= thresholds.recall_at_k,
    },
    atMost('constraint_conflict_rate', figures.constraint_conflict_rate, thresholds.constraint_conflict_rate),
    ...(thresholds.redundancy_rate === undefined ? [] : [atMost('redundancy_rate', figures.redundancy_rate, thresholds.redundancy_rate)]),
  ]
}

export const RECOMMENDATIONS = ['promote_to_active', 'hold', 'rollback'] as const
export type Recommendation = (typeof RECOMMENDATIONS)[number]

const reviewItem = z.strictObject({ knowledge_item_id: z.string(), reason: z.string(), message: z.string(), blocking: z.boolean() })

/** `kb_index_build_report.json`: exactly the fields of the output contract, and `extensions`. */
export const buildReport = z.strictObject({
  version: z.literal('1.0'),
  kb_version_id: z.string(),
  build_id: z.string(),
  status: z.enum(['index_ready', 'review_required', 'failed']),
  chunking_policy_id: z.string(),
  embedding_model: z.string(),
  stats: z.strictObject({ items: z.int(), chunks: z.int(), avg_chunk_chars: z.number(), embedding_time_sec: z.number() }),
  eval: z.strictObject({
    enabled: z.boolean(),
    preview_queries: z.int(),
    recall_at_8: z.number().nullable().describe('null when no question expects an item.'),
    constraint_conflict_rate: z.number().nullable(),
    redundancy_rate: z.number().nullable(),
    recommendation: z.enum(RECOMMENDATIONS),
  }),
  warnings: z.array(z.string()),
  review_required_items: z.array(reviewItem),
  extensions: z.record(z.string(), z.unknown()),
})
export type BuildReport = z.output<typeof buildReport>
