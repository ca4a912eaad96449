// The two graph legs as LightRAG walks them: entities → their relations, relations → their ends, then both taken in turn.
import { AUTO_FACTS } from '../../core/auto-weights.ts'
import { fullName, type Located, roundRobin } from '../../core/fusion.ts'
import { compareCodePoints } from '../../core/names.ts'
import { longestNames } from '../../core/query-names.ts'
import { byScore, unit } from '../../core/scoring.ts'
import {
  type EntitySeed,
  type FactSeed,
  incidentRelations,
  type RelationSeed,
  seedEntities,
  seedRelations,
} from '../../store/search-graph.ts'
import type { Probe } from '../../store/search-vectors.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { WorkspaceRow } from '../../store/workspaces.ts'
import type { QuestionVectors } from './embed.ts'
import type { Plan } from './plan.ts'

export type FoundEntity = Located & { score: number }
export type FoundRelation = Located & { score: number; ends: readonly [string, string] }

/** Names and facts less similar than this say nothing about the question. Source: LightRAG's COSINE_THRESHOLD. */
const COSINE_THRESHOLD = 0.2
/** Names of a question that are followed to their chunks. */
const MAX_NAMED = 20

export type GraphFinds = {
  entities: FoundEntity[]
  relations: FoundRelation[]
  /** Facts near the question, nearest first. */
  facts: FactSeed[]
  /** Entities that the question names to the letter. */
  named: FoundEntity[]
}

/** Entities and relations of the question, each at most `topK`, the most relevant first, and what they were found by. */
export async function walkGraph(
  tx: ScopedTx,
  plan: Plan,
  workspaces: readonly WorkspaceRow[],
  probing: (pick: keyof QuestionVectors) => Probe[],
): Promise<GraphFinds> {
  const { topK } = plan.request
  const local = plan.mode.legs.includes('entity')
    ? await fromEntities(tx, plan, workspaces, probing('low'))
    : { entities: [], relations: [], named: [] }
  const global = plan.mode.legs.includes('relation')
    ? await fromRelations(tx, plan, probing('high'))
    : { entities: [], relations: [], facts: [] }
  return {
    entities: roundRobin([local.entities, global.entities], fullName).slice(0, topK),
    relations: roundRobin([local.relations, global.relations], fullName).slice(0, topK),
    facts: global.facts,
    named: local.named,
  }
}

async function fromEntities(
  tx: ScopedTx,
  plan: Plan,
  workspaces: readonly WorkspaceRow[],
  probes: readonly Probe[],
): Promise<Omit<GraphFinds, 'facts'>> {
  const { topK } = plan.request
  const seeds = await seedEntities(
    tx,
    probes,
    workspaces.map((workspace) => workspace.workspace_id),
    plan.keys,
    topK,
    plan.filter,
  )
  const { named, near } = orderSeeds(seeds)
  const entities = [...named, ...near].slice(0, topK)
  const incident = await incidentRelations(tx, entities, topK, plan.filter)
  const scores = new Map(entities.map((entity) => [fullName(entity), entity.score]))
  const scoreOf = (workspaceId: string, id: string): number => scores.get(fullName({ workspaceId, id })) ?? 0
  return {
    entities,
    named: named.slice(0, MAX_NAMED),
    // A relation is as relevant as the more relevant of its ends.
    relations: incident.map((row) => relationOf(row, Math.max(scoreOf(row.workspace_id, row.a_id), scoreOf(row.workspace_id, row.b_id)))),
  }
}

/** Entities named to the letter come first, the rarest of them in front (a hub says little); then by similarity. */
function orderSeeds(seeds: readonly EntitySeed[]): { named: FoundEntity[]; near: FoundEntity[] } {
  const longest = new Set(longestNames([...new Set(seeds.flatMap((seed) => seed.keys))]))
  const isNamed = (seed: EntitySeed): boolean => seed.keys.some((key) => longest.has(key))
  const named = seeds
    .filter(isNamed)
    .toSorted(
      (a, b) => a.mentions - b.mentions || compareCodePoints(a.entity_id, b.entity_id) || compareCodePoints(a.workspace_id, b.workspace_id),
    )
    .map((seed) => ({ workspaceId: seed.workspace_id, id: seed.entity_id, score: 1 }))
  const near = seeds
    .filter((seed) => !isNamed(seed) && seed.cosine > COSINE_THRESHOLD)
    .map((seed) => ({ workspaceId: seed.workspace_id, id: seed.entity_id, score: unit(seed.cosine) }))
    .toSorted(byScore)
  return { named, near }
}

async function fromRelations(tx: ScopedTx, plan: Plan, probes: readonly Probe[]): Promise<Omit<GraphFinds, 'named'>> {
  const { topK } = plan.request
  const wanted = plan.mode.ranking === 'fused' ? Math.max(topK, AUTO_FACTS) : topK
  const facts = (await seedRelations(tx, probes, wanted, plan.filter))
    .filter((fact) => fact.cosine > COSINE_THRESHOLD)
    .toSorted(
      (a, b) => b.cosine - a.cosine || compareCodePoints(a.relation_id, b.relation_id) || compareCodePoints(a.workspace_id, b.workspace_id),
    )
  const relations = roundRobin([facts.map((fact) => relationOf(fact, unit(fact.cosine)))], fullName).slice(0, topK)
  const ends = relations.flatMap((relation) =>
    relation.ends.map((id) => ({ workspaceId: relation.workspaceId, id, score: relation.score })),
  )
  return { entities: roundRobin([ends], fullName).slice(0, topK), relations, facts: facts.slice(0, AUTO_FACTS) }
}

const relationOf = (row: RelationSeed, score: number): FoundRelation => ({
  workspaceId: row.workspace_id,
  id: row.relation_id,
  score,
  ends: [row.a_id, row.b_id],
})
