// The two graph legs as LightRAG walks them: entities → their relations, relations → their ends, then both taken in turn.
import { AUTO_FACTS } from '../../core/auto-weights.ts'
import { fullName, type Located, roundRobin } from '../../core/fusion.ts'
import { compareCodePoints, displayName, nameKey } from '../../core/names.ts'
import { longestNames } from '../../core/query-names.ts'
import { byScore, unit } from '../../core/scoring.ts'
import {
  type EntitySeed,
  type FactSeed,
  incidentRelations,
  type RelationSeed,
  SEEDS_PER_RESULT,
  seedEntities,
  seedRelations,
} from '../../store/search-graph.ts'
import type { Probe } from '../../store/search-vectors.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { WorkspaceRow } from '../../store/workspaces.ts'
import type { QuestionVectors } from './embed.ts'
import type { Plan } from './plan.ts'
import type { Way } from './way.ts'

export type FoundEntity = Located & { score: number; way: Way }
export type FoundRelation = Located & { score: number; way: Way; ends: readonly [string, string] }

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

/** Relations looked for: fusion takes some more facts than are shown. */
const factsWanted = ({ mode, request }: Plan): number => (mode.ranking === 'fused' ? Math.max(request.topK, AUTO_FACTS) : request.topK)

/** The most names or facts that a statement asks an index for. */
export const seedsWanted = (plan: Plan): number => SEEDS_PER_RESULT * factsWanted(plan)

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
  const others = plan.renamed.flatMap((one) => one.others.map(({ name }) => nameKey(displayName(name))))
  const seeds = await seedEntities(
    tx,
    probes,
    workspaces.map((workspace) => workspace.workspace_id),
    [...plan.keys, ...others],
    topK,
    plan.filter,
  )
  const { named, near } = orderSeeds(seeds, new Set(plan.keys))
  const entities = [...named, ...near].slice(0, topK)
  const incident = await incidentRelations(tx, entities, topK, plan.filter)
  const found = new Map(entities.map((entity) => [fullName(entity), entity]))
  return {
    entities,
    named: named.slice(0, MAX_NAMED),
    relations: incident.flatMap((row) => {
      const [a, b] = [row.a_id, row.b_id].map((id) => found.get(fullName({ workspaceId: row.workspace_id, id })))
      // A relation is as relevant as the more relevant of its ends.
      const end = (b?.score ?? -1) > (a?.score ?? -1) ? b : a
      return end
        ? [relationOf(row, end.score, [...end.way, { kind: 'relation', id: row.relation_id, found: 'entity', score: end.score }])]
        : []
    }),
  }
}

/** Entities named to the letter come first, the rarest of them in front (a hub says little); then by similarity. */
function orderSeeds(seeds: readonly EntitySeed[], asked: ReadonlySet<string>): { named: FoundEntity[]; near: FoundEntity[] } {
  const longest = new Set(longestNames([...new Set(seeds.flatMap((seed) => seed.keys))]))
  const isNamed = (seed: EntitySeed): boolean => seed.keys.some((key) => longest.has(key))
  const named = seeds
    .filter(isNamed)
    .toSorted(
      (a, b) => a.mentions - b.mentions || compareCodePoints(a.entity_id, b.entity_id) || compareCodePoints(a.workspace_id, b.workspace_id),
    )
    .map((seed) => entityOf(seed, seed.keys.some((key) => asked.has(key)) ? 'name' : 'alias', 1))
  const near = seeds
    .filter((seed) => !isNamed(seed) && seed.cosine > COSINE_THRESHOLD)
    .map((seed) => entityOf(seed, 'similarity', unit(seed.cosine)))
    .toSorted(byScore)
  return { named, near }
}

async function fromRelations(tx: ScopedTx, plan: Plan, probes: readonly Probe[]): Promise<Omit<GraphFinds, 'named'>> {
  const { topK } = plan.request
  const facts = (await seedRelations(tx, probes, factsWanted(plan), plan.filter))
    .filter((fact) => fact.cosine > COSINE_THRESHOLD)
    .toSorted(
      (a, b) => b.cosine - a.cosine || compareCodePoints(a.relation_id, b.relation_id) || compareCodePoints(a.workspace_id, b.workspace_id),
    )
  const relations = roundRobin([facts.map((fact) => relationOf(fact, unit(fact.cosine), asserted(fact)))], fullName).slice(0, topK)
  return {
    entities: roundRobin([relations.flatMap((relation) => endsOf(relation, 1))], fullName).slice(0, topK),
    relations,
    facts: facts.slice(0, AUTO_FACTS),
  }
}

/** How a fact near the question was found. */
export const asserted = ({ relation_id: id, cosine }: RelationSeed): Way => [
  { kind: 'relation', id, found: 'similarity', score: unit(cosine) },
]

/** Both ends of a found relation, worth a share of it. */
export const endsOf = ({ workspaceId, ends, score, way }: FoundRelation, share: number): FoundEntity[] =>
  ends.map((id) => ({
    workspaceId,
    id,
    score: score * share,
    way: [...way, { kind: 'entity', id, found: 'relation', score: score * share }],
  }))

const entityOf = (
  { workspace_id: workspaceId, entity_id: id }: EntitySeed,
  found: 'name' | 'alias' | 'similarity',
  score: number,
): FoundEntity => ({
  workspaceId,
  id,
  score,
  way: [{ kind: 'entity', id, found, score }],
})

const relationOf = (row: RelationSeed, score: number, way: Way): FoundRelation => ({
  workspaceId: row.workspace_id,
  id: row.relation_id,
  score,
  way,
  ends: [row.a_id, row.b_id],
})
