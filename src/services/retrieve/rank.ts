// The third step: one order over the candidates of all legs. Pure; the scores are in 0..1 and compare across workspaces.
import { autoScores } from '../../core/auto.ts'
import { fullName, roundRobin } from '../../core/fusion.ts'
import { byScore, type Scored, unit } from '../../core/scoring.ts'
import type { AliasUsed, LegExplanation } from '../api.ts'
import type { Gathered } from './gather.ts'
import type { Plan } from './plan.ts'

export type Why = Record<string, LegExplanation>
export type Ranked = Scored & { why: Why }

/** The pool, best first: at most `plan.pool` candidates of those the mode gathered. */
export function rank(plan: Plan, gathered: Gathered): Ranked[] {
  const scored = scoresOf(plan, gathered).toSorted(byScore).slice(0, plan.pool)
  const whys = whyEach(gathered)
  return scored.map(({ workspaceId, id, score }) => ({ workspaceId, id, score, why: whys.get(fullName({ workspaceId, id })) ?? {} }))
}

function scoresOf(plan: Plan, gathered: Gathered): Scored[] {
  if (gathered.auto) return autoScores(gathered.auto.direct, gathered.auto.walked, gathered.auto.legs, gathered.auto.weights)
  if (plan.mode.ranking === 'bm25') return gathered.lexical
  // The legs take turns to fill the pool, in LightRAG's order; within it similarity decides, or what a chunk is titled if that says more.
  const legs = [gathered.vector, gathered.entity, gathered.relation]
  const best = new Map<string, number>()
  for (const hit of legs.flat()) best.set(fullName(hit), Math.max(best.get(fullName(hit)) ?? 0, hit.score))
  return roundRobin<Scored>(legs, fullName)
    .slice(0, plan.pool)
    .map(({ workspaceId, id }) => ({ workspaceId, id, score: unit(best.get(fullName({ workspaceId, id })) ?? 0) }))
}

/** Where each candidate stood in each leg. */
function whyEach(gathered: Gathered): Map<string, Why> {
  const { vector, lexical, entity, relation, auto } = gathered
  const legs: Record<string, readonly (Scored & { aliases?: readonly AliasUsed[] })[]> = {
    vector,
    lexical,
    entity,
    relation,
    fact: auto?.legs.fact ?? [],
    named: auto?.legs.named ?? [],
    walk: auto?.walked ?? [],
  }
  const whys = new Map<string, Why>()
  for (const [leg, candidates] of Object.entries(legs)) {
    candidates.forEach((candidate, index) => {
      const { score, aliases = [] } = candidate
      const why = whys.get(fullName(candidate)) ?? {}
      why[leg] = { rank: index + 1, score: unit(score), ...(aliases.length > 0 ? { aliases: [...aliases] } : {}) }
      whys.set(fullName(candidate), why)
    })
  }
  return whys
}

/** The first `topK`, of one document at most `maxPerDocument`; candidates without a chunk are left out. */
export function pickResults(
  pool: readonly Ranked[],
  chunks: ReadonlyMap<string, { workspace_id: string; file_id: string }>,
  { topK, maxPerDocument = Infinity }: { topK: number; maxPerDocument?: number | undefined },
): Ranked[] {
  const shown = new Map<string, number>()
  const picked = pool.filter((candidate) => {
    const chunk = chunks.get(fullName(candidate))
    if (!chunk) return false
    const document = fullName({ workspaceId: chunk.workspace_id, id: chunk.file_id })
    const count = (shown.get(document) ?? 0) + 1
    shown.set(document, count)
    return count <= maxPerDocument
  })
  return picked.slice(0, topK)
}
