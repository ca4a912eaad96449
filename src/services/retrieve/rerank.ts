// An optional second opinion on the pool's order. It may fail or be slow; then the order it was given stands.
import { AppError } from '../../core/errors.ts'
import { fullName } from '../../core/fusion.ts'
import { byScore, unit } from '../../core/scoring.ts'
import type { Reranker } from '../../ports/models.ts'
import type { FoundChunk } from '../../store/search-chunks.ts'
import type { Plan } from './plan.ts'
import type { Ranked } from './rank.ts'

/** Longer than this a person waits; the fused order is good enough. */
const RERANK_TIMEOUT_MS = 8_000

/** True when the pool will be reranked, so that its content must be read. */
export function wantsRerank(plan: Plan, reranker: Reranker | undefined): boolean {
  return plan.request.rerank || (plan.mode.rerank && reranker !== undefined)
}

/** The pool in the reranker's order with its scores, or as it was, with the reason added to `plan.degraded`. */
export async function rerankPool(
  reranker: Reranker | undefined,
  plan: Plan,
  pool: readonly Ranked[],
  chunks: ReadonlyMap<string, FoundChunk>,
  signal: AbortSignal,
): Promise<Ranked[]> {
  if (!reranker) {
    plan.degraded.push('Reranking was asked for, but no rerank model is configured.')
    return [...pool]
  }
  const shown = pool.filter((candidate) => chunks.has(fullName(candidate)))
  const texts = shown.map((candidate) => {
    const chunk = chunks.get(fullName(candidate))
    return chunk ? [chunk.header, chunk.content].filter((part) => part !== '').join('\n') : ''
  })
  const limit = AbortSignal.timeout(RERANK_TIMEOUT_MS)
  try {
    const { scores } = await reranker.rerank(plan.request.query, texts, AbortSignal.any([signal, limit]))
    return inNewOrder(shown, scores)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof AppError) && !limit.aborted) throw error
    plan.degraded.push('The rerank model could not be reached; results are in the order before reranking.')
    return [...pool]
  }
}

function inNewOrder(pool: readonly Ranked[], scores: readonly number[]): Ranked[] {
  const scored = pool
    .map(({ workspaceId, id, why }, index): Ranked => ({ workspaceId, id, why, score: unit(scores[index] ?? 0) }))
    .toSorted(byScore)
  return scored.map(({ workspaceId, id, why, score }, index) => ({
    workspaceId,
    id,
    score,
    why: { ...why, rerank: { rank: index + 1, score } },
  }))
}
