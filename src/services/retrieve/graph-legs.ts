// The two graph legs as LightRAG walks them: entities → their relations, relations → their ends, then both taken in turn.
import { fullName, type Located, roundRobin } from '../../core/fusion.ts'
import { compareCodePoints } from '../../core/names.ts'
import { longestNames } from '../../core/query-names.ts'
import { byScore, unit } from '../../core/scoring.ts'
import { type EntitySeed, incidentRelations, type RelationSeed, seedEntities, seedRelations } from '../../store/search-graph.ts'
import type { Probe } from '../../store/search-vectors.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { WorkspaceRow } from '../../store/workspaces.ts'
import type { QuestionVectors } from './embed.ts'
import type { Plan } from './plan.ts'

export type FoundEntity = Located & { score: number }
export type FoundRelation = Located & { score: number; ends: readonly [string, string] }

/** Names and facts less similar than this say nothing about the question. Source: LightRAG's COSINE_THRESHOLD. */
const COSINE_THRESHOLD = 0.2

/** Entities and relations of the question, each at most `topK`, the most relevant first. */
export async function walkGraph(
  tx: ScopedTx,
  plan: Plan,
  workspaces: readonly WorkspaceRow[],
  probing: (pick: keyof QuestionVectors) => Probe[],
): Promise<{ entities: FoundEntity[]; relations: FoundRelation[] }> {
  const { topK } = plan.request
  const local = plan.mode.legs.includes('entity') ? await fromEntities(tx, plan, workspaces, probing('low')) : NOTHING
  const global = plan.mode.legs.includes('relation') ? await fromRelations(tx, plan, probing('high')) : NOTHING
  return {
    entities: roundRobin([local.entities, global.entities], fullName).slice(0, topK),
    relations: roundRobin([local.relations, global.relations], fullName).slice(0, topK),
  }
}

type Walked = { entities: FoundEntity[]; relations: FoundRelation[] }
const NOTHING: Walked = { entities: [], relations: [] }

async function fromEntities(tx: ScopedTx, plan: Plan, workspaces: readonly WorkspaceRow[], probes: readonly Probe[]): Promise<Walked> {
  const { topK } = plan.request
  const seeds = await seedEntities(tx, probes, workspaces.map((workspace) => workspace.workspace_id), plan.keys, topK, plan.filter)
  const entities = orderSeeds(seeds).slice(0, topK)
  const incident = await incidentRelations(tx, entities, topK, plan.filter)
  const scores = new Map(entities.map((entity) => [fullName(entity), entity.score]))
  const scoreOf = (workspaceId: string, id: string): number => scores.get(fullName({ workspaceId, id })) ?? 0
  return {
    entities,
    // A relation is as relevant as the more relevant of its ends.
    relations: incident.map((row) => relationOf(row, Math.max(scoreOf(row.workspace_id, row.a_id), scoreOf(row.workspace_id, row.b_id)))),
  }
}

/** Entities named to the letter come first, the rarest of them in front (a hub says little); then by similarity. */
function orderSeeds(seeds: readonly EntitySeed[]): FoundEntity[] {
  const named = new Set(longestNames([...new Set(seeds.flatMap((seed) => seed.keys))]))
  const isNamed = (seed: EntitySeed): boolean => seed.keys.some((key) => named.has(key))
  const exact = seeds
    .filter(isNamed)
    .toSorted((a, b) => a.mentions - b.mentions || compareCodePoints(a.entity_id, b.entity_id) || compareCodePoints(a.workspace_id, b.workspace_id))
    .map((seed) => ({ workspaceId: seed.workspace_id, id: seed.entity_id, score: 1 }))
  const near = seeds
    .filter((seed) => !isNamed(seed) && seed.cosine > COSINE_THRESHOLD)
    .map((seed) => ({ workspaceId: seed.workspace_id, id: seed.entity_id, score: unit(seed.cosine) }))
    .toSorted(byScore)
  return [...exact, ...near]
}

async function fromRelations(tx: ScopedTx, plan: Plan, probes: readonly Probe[]): Promise<Walked> {
  const { topK } = plan.request
  const relations = (await seedRelations(tx, probes, topK, plan.filter))
    .filter((row) => row.cosine > COSINE_THRESHOLD)
    .map((row) => relationOf(row, unit(row.cosine)))
    .toSorted(byScore)
    .slice(0, topK)
  const ends = relations.flatMap((relation) => relation.ends.map((id) => ({ workspaceId: relation.workspaceId, id, score: relation.score })))
  return { entities: roundRobin([ends], fullName).slice(0, topK), relations }
}

const relationOf = (row: RelationSeed, score: number): FoundRelation => ({ workspaceId: row.workspace_id, id: row.relation_id, score, ends: [row.a_id, row.b_id] })
