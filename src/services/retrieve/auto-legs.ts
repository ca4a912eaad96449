// The graph's part in mode `auto`: chunks that assert near facts, chunks about named entities, and chunks one or two hops further.
import { directScores, type AutoLegs } from '../../core/auto.ts'
import { autoWeights, type AutoWeights, WALK_DECAY, WALK_ROUNDS, WALK_SEEDS } from '../../core/auto-weights.ts'
import { fullName } from '../../core/fusion.ts'
import { aboutness, type Link, rarity, spreadStrength } from '../../core/graph-walk.ts'
import { nameKey } from '../../core/names.ts'
import { byScore, type Scored, unit } from '../../core/scoring.ts'
import type { FactSeed } from '../../store/search-graph.ts'
import type { Probe } from '../../store/search-vectors.ts'
import { type LinkRow, linksFrom, namedChunks } from '../../store/search-walk.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { FoundEntity } from './graph-legs.ts'
import type { Plan } from './plan.ts'

export type AutoGraph = { legs: AutoLegs; weights: AutoWeights; direct: Scored[]; walked: Scored[] }

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

export async function autoGraph(tx: ScopedTx, plan: Plan, sources: AutoSources): Promise<AutoGraph> {
  // In a scope of several spaces the first decides; the weights differ only between built-in and semantic models.
  const weights = autoWeights(sources.probes[0]?.workspace.model ?? '')
  const legs = { vector: sources.vector, lexical: sources.lexical, fact: factLeg(sources.facts), named: await namedLeg(tx, plan, sources) }
  const direct = directScores(legs, weights)
  return { legs, weights, direct, walked: await walk(tx, plan, sources, direct) }
}

/** A chunk is as near as the nearest fact it asserts. */
function factLeg(facts: readonly FactSeed[]): Scored[] {
  const best = new Map<string, Scored>()
  for (const { workspace_id: workspaceId, cosine, chunk_ids } of facts) {
    for (const id of chunk_ids) {
      const name = fullName({ workspaceId, id })
      if ((best.get(name)?.score ?? -1) < cosine) best.set(name, { workspaceId, id, score: unit(cosine) })
    }
  }
  return [...best.values()].toSorted(byScore)
}

async function namedLeg(tx: ScopedTx, plan: Plan, { named, sizes }: AutoSources): Promise<Scored[]> {
  const best = new Map<string, Scored>()
  for (const row of await namedChunks(tx, named, plan.filter)) {
    const located = { workspaceId: row.workspace_id, id: row.chunk_id }
    const score = rarity(row.mentions, sizes.get(row.workspace_id) ?? 0) * aboutness(row.header, namesOf(row), row.mentions)
    if ((best.get(fullName(located))?.score ?? 0) < score) best.set(fullName(located), { ...located, score })
  }
  return [...best.values()].toSorted(byScore)
}

/** From the best chunks outwards, each round from the best of the last one's finds; a chunk is entered once. */
async function walk(tx: ScopedTx, plan: Plan, { probes, facts, sizes }: AutoSources, direct: readonly Scored[]): Promise<Scored[]> {
  const reached = new Map<string, Scored>()
  const visited = new Set<string>()
  let frontier: readonly Scored[] = direct.slice(0, WALK_SEEDS)
  for (let round = 0; round < WALK_ROUNDS && frontier.length > 0; round += 1) {
    for (const seed of frontier) visited.add(fullName(seed))
    const rows = await linksFrom(tx, probes, byWorkspace(frontier), plan.filter)
    const nearest = Math.max(0, ...facts.map((fact) => fact.cosine), ...rows.map((row) => row.fact ?? 0))
    const strengths = new Map(frontier.map((seed) => [fullName(seed), seed.score]))
    const next = [
      ...spreadStrength(
        strengths,
        rows.map((row) => linkOf(row, sizes)),
        nearest,
      ),
    ]
      .filter(([name]) => !visited.has(name))
      .map(([name, strength]) => scoredAs(name, strength * WALK_DECAY ** round))
      .toSorted(byScore)
    for (const found of next) if ((reached.get(fullName(found))?.score ?? 0) < found.score) reached.set(fullName(found), found)
    frontier = next.slice(0, WALK_SEEDS)
  }
  return [...reached.values()].toSorted(byScore)
}

const namesOf = (row: { key: string; aliases: readonly string[] }): string[] => [row.key, ...row.aliases.map(nameKey)]

const scoredAs = (name: string, score: number): Scored => {
  const [workspaceId = '', id = ''] = name.split(' ')
  return { workspaceId, id, score }
}

function linkOf(row: LinkRow, sizes: ReadonlyMap<string, number>): Link {
  return {
    seed: fullName({ workspaceId: row.workspace_id, id: row.seed }),
    entity: row.entity_id,
    names: namesOf(row),
    spread: row.mentions,
    fact: row.fact ?? 0,
    target: fullName({ workspaceId: row.workspace_id, id: row.chunk_id }),
    header: row.header,
    chunks: sizes.get(row.workspace_id) ?? 0,
  }
}

function byWorkspace(found: readonly Scored[]): Map<string, string[]> {
  return new Map([...Map.groupBy(found, (hit) => hit.workspaceId)].map(([workspaceId, hits]) => [workspaceId, hits.map((hit) => hit.id)]))
}
