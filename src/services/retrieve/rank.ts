// The third step: one order over the candidates of all legs. Pure; the scores are in 0..1 and compare across workspaces.
import { fullName, type Located, reciprocalRankFusion } from '../../core/fusion.ts'
import { byScore, unit } from '../../core/scoring.ts'
import type { Candidate, Gathered } from './gather.ts'
import { inTurn } from './gather.ts'
import type { Plan } from './plan.ts'

export type Why = Record<string, { rank: number; score: number }>
export type Ranked = Located & { score: number; why: Why }

/** How much each leg's vote counts in fusion. */
const FUSION_WEIGHTS = { vector: 1, lexical: 1, entity: 0.4, relation: 0.4 } as const
/** The share of the rank fusion in a fused score; the rest is the cosine, which tells a good best hit from a bad one. */
const FUSION_SHARE = 0.6

/** The pool, best first: at most `chunkTopK` candidates of those the mode gathered. */
export function rank(plan: Plan, gathered: Gathered): Ranked[] {
  const whys = whyEach(gathered)
  const scored = scoresOf(plan, gathered).map(({ workspaceId, id, score }): Ranked => ({ workspaceId, id, score, why: whys.get(fullName({ workspaceId, id })) ?? {} }))
  return scored.toSorted(byScore).slice(0, plan.request.chunkTopK)
}

function scoresOf(plan: Plan, gathered: Gathered): Candidate[] {
  const cosine = (located: Located): number => unit(gathered.cosines.get(fullName(located)) ?? 0)
  switch (plan.mode.ranking) {
    case 'bm25':
      return gathered.lexical
    case 'similarity':
      // The legs take turns to fill the pool; within it similarity decides.
      return inTurn(gathered).slice(0, plan.request.chunkTopK).map((located) => ({ workspaceId: located.workspaceId, id: located.id, score: cosine(located) }))
    case 'fused':
      return fuse(gathered, cosine)
  }
}

function fuse(gathered: Gathered, cosine: (located: Located) => number): Candidate[] {
  const legs = ['vector', 'lexical', 'entity', 'relation'] as const
  const located = new Map(legs.flatMap((leg) => gathered[leg].map(({ workspaceId, id }) => [fullName({ workspaceId, id }), { workspaceId, id }] as const)))
  const fused = reciprocalRankFusion(legs.map((leg) => ({ ids: gathered[leg].map(fullName), weight: FUSION_WEIGHTS[leg] })))
  return fused.flatMap(({ id, score }) => {
    const candidate = located.get(id)
    return candidate ? [{ ...candidate, score: FUSION_SHARE * score + (1 - FUSION_SHARE) * cosine(candidate) }] : []
  })
}

/** Where each candidate stood in each leg. */
function whyEach(gathered: Gathered): Map<string, Why> {
  const whys = new Map<string, Why>()
  for (const leg of ['vector', 'lexical', 'entity', 'relation'] as const) {
    gathered[leg].forEach((candidate, index) => {
      const why = whys.get(fullName(candidate)) ?? {}
      why[leg] = { rank: index + 1, score: unit(candidate.score) }
      whys.set(fullName(candidate), why)
    })
  }
  return whys
}
