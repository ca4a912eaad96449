// The graph's part in mode `auto`: chunks that assert near facts, chunks about named entities, and chunks one or two hops further.
import { directScores, type AutoLegs, type Walked } from '../../core/auto.ts'
import { autoWeights, type AutoWeights, WALK_DECAY, WALK_ROUNDS, WALK_SEEDS } from '../../core/auto-weights.ts'
import { byWorkspace, fullName, locatedAs } from '../../core/fusion.ts'
import { type Link, spreadStrength } from '../../core/graph-walk.ts'
import { byScore, type Scored, unit } from '../../core/scoring.ts'
import type { FactSeed } from '../../store/search-graph.ts'
import type { Probe } from '../../store/search-vectors.ts'
import { aroundChunks, type Links } from '../../store/search-walk.ts'
import type { ScopedTx } from '../../store/scope.ts'
import { aboutEntities, reader } from './about.ts'
import { asserted, type FoundEntity } from './graph-legs.ts'
import type { Remembered } from './memory.ts'
import type { Plan } from './plan.ts'
import { leading, type Led } from './way.ts'

/** How the walk came to a chunk: the last hop; the chunk before may have been walked to as well. */
export type Hop = { from: string; entity: string }

export type AutoGraph = {
  legs: AutoLegs & { fact: readonly Led[]; named: readonly Led[] }
  weights: AutoWeights
  direct: Scored[]
  walked: Walked[]
  /** By the full name of a walked chunk. */
  hops: ReadonlyMap<string, Hop>
}

/** What the graph is asked with. */
export type AutoSources = {
  vector: readonly Scored[]
  lexical: readonly Scored[]
  facts: readonly FactSeed[]
  named: readonly FoundEntity[]
  /** The question as facts are compared with it. */
  probes: readonly Probe[]
  /** Chunks by workspace. */
  sizes: ReadonlyMap<string, number>
}

export async function autoGraph(tx: ScopedTx, plan: Plan, sources: AutoSources, remembered: Remembered): Promise<AutoGraph> {
  const { vector, lexical, facts, named, sizes } = sources
  // In a scope of several spaces the first decides; the weights differ only between built-in and semantic models.
  const weights = autoWeights(sources.probes[0]?.workspace.model ?? '')
  const about = await aboutEntities(tx, plan, named, ({ about, rarity }) => rarity * about, remembered, sizes)
  const legs = { vector, lexical, fact: factLeg(facts), named: about }
  const direct = directScores(legs, weights)
  return { legs, weights, direct, ...(await walk(tx, plan, sources, direct, remembered)) }
}

/** A chunk is as near as the nearest fact it asserts. */
function factLeg(facts: readonly FactSeed[]): Led[] {
  const best = new Map<string, Led>()
  for (const fact of facts) {
    const { workspace_id: workspaceId, cosine } = fact
    const way = leading(asserted(fact), 'assertion')
    for (const id of fact.chunk_ids) {
      const name = fullName({ workspaceId, id })
      if ((best.get(name)?.score ?? -1) < cosine) best.set(name, { workspaceId, id, score: unit(cosine), way })
    }
  }
  return [...best.values()].toSorted(byScore)
}

/** From the best chunks outwards, each round from the best of the last one's finds; a chunk is entered once. */
async function walk(
  tx: ScopedTx,
  plan: Plan,
  { probes, facts, sizes }: AutoSources,
  direct: readonly Scored[],
  remembered: Remembered,
): Promise<Pick<AutoGraph, 'walked' | 'hops'>> {
  const reached = new Map<string, Walked>()
  const hops = new Map<string, Hop>()
  const visited = new Set<string>()
  let frontier: readonly Scored[] = direct.slice(0, WALK_SEEDS)
  for (let round = 0; round < WALK_ROUNDS && frontier.length > 0; round += 1) {
    for (const seed of frontier) visited.add(fullName(seed))
    const around = await aroundChunks(tx, probes, byWorkspace(frontier), plan.filter)
    const links = around.flatMap((one) => linksOf(one, sizes.get(one.workspace_id) ?? 0, remembered))
    const nearest = Math.max(0, ...facts.map((fact) => fact.cosine), ...links.map((link) => link.fact))
    const strengths = new Map(frontier.map((seed) => [fullName(seed), seed.score]))
    const arrivals = [...spreadStrength(strengths, links, nearest)].filter(([name]) => !visited.has(name))
    const next = arrivals
      .map(([name, { strength, link }]): Walked => ({ ...locatedAs(name), score: strength * WALK_DECAY ** round, from: link.seed }))
      .toSorted(byScore)
    for (const found of next) if ((reached.get(fullName(found))?.score ?? 0) < found.score) reached.set(fullName(found), found)
    for (const [name, { link }] of arrivals) if (!hops.has(name)) hops.set(name, { from: link.seed, entity: link.entity })
    frontier = next.slice(0, WALK_SEEDS)
  }
  return { walked: [...reached.values()].toSorted(byScore), hops }
}

function linksOf(around: Links, chunks: number, remembered: Remembered): Link[] {
  const { workspace_id: workspaceId, members, facts } = around
  const read = reader(around, remembered)
  const nearest = new Map<string, number>()
  for (const [seed, a, b, cosine] of facts) {
    for (const end of [a, b]) nearest.set(`${seed} ${end}`, Math.max(nearest.get(`${seed} ${end}`) ?? 0, cosine))
  }
  const seedsOf = Map.groupBy(members, ([, entity]) => entity)
  return around.reached.flatMap(([entityId, chunkId]) => {
    const found = read(entityId, chunkId)
    if (!found) return []
    const target = fullName({ workspaceId, id: chunkId })
    return (seedsOf.get(entityId) ?? [])
      .filter(([seed]) => seed !== chunkId)
      .map(([seed]): Link => ({
        seed: fullName({ workspaceId, id: seed }),
        entity: found.name,
        spread: found.spread,
        fact: nearest.get(`${seed} ${entityId}`) ?? 0,
        target,
        about: found.about,
        chunks,
      }))
  })
}
