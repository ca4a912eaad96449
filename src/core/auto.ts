// How mode `auto` makes one order of its legs: text and graph evidence on one scale, then what the walk over shared entities adds.
import { AUTO_DEPTH, type AutoWeights, WALK_CAP } from './auto-weights.ts'
import { fullName, stretched } from './fusion.ts'
import { byScore, type Scored, unit } from './scoring.ts'

/** Each leg best first, scores in 0..1. */
export type AutoLegs = { vector: readonly Scored[]; lexical: readonly Scored[]; fact: readonly Scored[]; named: readonly Scored[] }

/**
 * Every candidate of the direct legs, best first; the best has score 1. A chunk that a leg did not see gets nothing from it,
 * so that a leg which finds nothing takes no part.
 */
export function directScores(legs: AutoLegs, weights: AutoWeights): Scored[] {
  const totals = new Map<string, Scored>()
  const add = (leg: readonly Scored[], values: readonly number[], weight: number): void =>
    leg.forEach(({ workspaceId, id }, index) => {
      const name = fullName({ workspaceId, id })
      const score = (totals.get(name)?.score ?? 0) + weight * (values[index] ?? 0)
      totals.set(name, { workspaceId, id, score })
    })
  const scores = (leg: readonly Scored[]): number[] => leg.map((hit) => unit(hit.score))
  add(legs.vector, stretched(scores(legs.vector), AUTO_DEPTH), weights.vector)
  // BM25 is 0 for a chunk without any of the terms, so even the last hit of a long list is worth its share.
  add(legs.lexical, stretched(scores(legs.lexical), Infinity), 1 - weights.vector)
  add(legs.fact, stretched(scores(legs.fact), Infinity), weights.fact)
  add(legs.named, scores(legs.named), weights.named)
  return scaled([...totals.values()], 1)
}

/** A chunk that the walk reached, and the full name of the one it came from. */
export type Walked = Scored & { from: string }

/**
 * The final order. What was walked to stands after where the walk came from. Scores keep the proportions of the fused evidence and are scaled so that the best result has the strength of the best
 * single piece of evidence: a question that nothing really matches gets low scores throughout.
 *
 * @param direct as `directScores` gave them.
 * @param walked chunks reached over shared entities, strength in 0..1.
 */
export function autoScores(direct: readonly Scored[], walked: readonly Walked[], legs: AutoLegs, weights: AutoWeights): Scored[] {
  const totals = new Map(direct.map((candidate) => [fullName(candidate), candidate]))
  const steps = new Map(walked.map((one) => [fullName(one), one]))
  const total = (name: string): number => {
    const own = totals.get(name)?.score ?? 0
    const step = steps.get(name)
    return step ? Math.max(own, Math.min(own + weights.walk * step.score, WALK_CAP * total(step.from))) : own
  }
  const reached = walked.map(({ workspaceId, id }) => ({ workspaceId, id, score: total(fullName({ workspaceId, id })) }))
  for (const one of reached) totals.set(fullName(one), one)
  const strength = Math.max(...[legs.vector, legs.lexical, legs.fact].map((leg) => unit(leg[0]?.score ?? 0)))
  return scaled([...totals.values()], strength)
}

function scaled(candidates: readonly Scored[], best: number): Scored[] {
  const highest = candidates.reduce((most, candidate) => Math.max(most, candidate.score), 0)
  return candidates
    .map(({ workspaceId, id, score }) => ({ workspaceId, id, score: highest === 0 ? 0 : unit((score / highest) * best) }))
    .toSorted(byScore)
}
