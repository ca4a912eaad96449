// The second step: every leg that the mode asks for, inside one snapshot. Legs return candidates; none of them decides the answer.
import { AUTO_DEPTH } from '../../core/auto-weights.ts'
import { similarityCandidates } from '../../core/budget.ts'
import { byWorkspace, fullName } from '../../core/fusion.ts'
import { readsGraph } from '../../core/modes.ts'
import { otherNames } from '../../core/other-names.ts'
import { byScore, type Scored } from '../../core/scoring.ts'
import { ownedChunks } from '../../store/search-graph.ts'
import { namesOfKeys } from '../../store/search-names.ts'
import { nearestChunks, type Probe } from '../../store/search-vectors.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { WorkspaceRow } from '../../store/workspaces.ts'
import { titledChunks } from './about.ts'
import { type AutoGraph, autoGraph } from './auto-legs.ts'
import { step } from '../steps.ts'
import type { QuestionVectors } from './embed.ts'
import { type FoundEntity, type FoundRelation, seedsWanted, walkGraph } from './graph-legs.ts'
import { indexSizes, type LexicalFind, lexicalLeg } from './lexical-leg.ts'
import type { Remembered } from './memory.ts'
import type { Plan } from './plan.ts'
import type { Led } from './way.ts'

/** Each list best first, scores in 0..1 but for cosines, which may be negative. */
export type Gathered = {
  vector: Scored[]
  lexical: LexicalFind[]
  /** Chunks of the found entities, and of the found relations, by similarity. */
  entity: Scored[]
  relation: Scored[]
  /** Of the former, those titled after what was found. */
  titled: Led[]
  /** Only in mode `auto`, in place of the three before. */
  auto: AutoGraph | undefined
  entities: FoundEntity[]
  relations: FoundRelation[]
}

/** Fusion needs to see below the edge of each leg: what is twentieth in two legs may be first in both together. */
const chunksWanted = ({ mode, pool }: Plan): number => (mode.ranking === 'fused' ? Math.max(AUTO_DEPTH, pool) : pool)

/** The most rows that any leg asks an index of vectors for. */
export const mostWanted = (plan: Plan): number => Math.max(chunksWanted(plan), readsGraph(plan.request.mode) ? seedsWanted(plan) : 0)

export async function gather(
  tx: ScopedTx,
  asked: Plan,
  workspaces: readonly WorkspaceRow[],
  vectors: ReadonlyMap<number, QuestionVectors>,
  remembered: Remembered,
): Promise<Gathered> {
  const plan = readsGraph(asked.request.mode) ? await step('leg', 'names', () => withOtherNames(tx, asked, workspaces)) : asked
  const probing = (pick: keyof QuestionVectors): Probe[] =>
    workspaces.flatMap((workspace) => {
      const question = vectors.get(workspace.space_id)
      return question ? [{ workspace, vector: question[pick] }] : []
    })
  const { legs, ranking } = plan.mode
  const fused = ranking === 'fused'
  const depth = chunksWanted(plan)

  const vector = legs.includes('vector') ? await step('leg', 'vector', () => vectorLeg(tx, probing('query'), depth, plan)) : []
  const indexes = legs.includes('lexical') ? await indexSizes(tx, workspaces, remembered) : []
  const lexical = await step('leg', 'lexical', () => lexicalLeg(tx, plan, workspaces, indexes, remembered, depth))
  const { entities, relations, facts, named } = await step('leg', 'graph', () => walkGraph(tx, plan, workspaces, probing))
  if (!fused)
    return {
      vector,
      lexical,
      ...(await step('leg', 'owned', () => ownedLegs(tx, plan, probing('query'), entities, relations, remembered))),
      auto: undefined,
      entities,
      relations,
    }

  const sizes = new Map(indexes.map((index) => [index.workspace_id, index.chunks]))
  const auto = await step('leg', 'auto', () =>
    autoGraph(tx, plan, { vector, lexical, facts, named, probes: probing('high'), sizes }, remembered),
  )
  return { vector, lexical, entity: [], relation: [], titled: [], auto, entities, relations }
}

/** The plan with what the things it names are called anywhere in the scope, so that one workspace's glossary serves the others. */
async function withOtherNames(tx: ScopedTx, plan: Plan, workspaces: readonly WorkspaceRow[]): Promise<Plan> {
  const ids = workspaces.map((workspace) => workspace.workspace_id)
  return { ...plan, renamed: otherNames(plan.terms, plan.keys, await namesOfKeys(tx, ids, plan.keys, plan.filter)) }
}

async function vectorLeg(tx: ScopedTx, probes: readonly Probe[], depth: number, plan: Plan): Promise<Scored[]> {
  const hits = await nearestChunks(tx, probes, depth, plan.filter)
  return hits
    .map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id, score: hit.cosine }))
    .toSorted(byScore)
    .slice(0, depth)
}

/**
 * Chunks of the found entities and relations, picked by similarity to the question as LightRAG does; a chunk counts for the entities first.
 * Those titled after what was found count at least as much as it.
 */
async function ownedLegs(
  tx: ScopedTx,
  plan: Plan,
  probes: readonly Probe[],
  entities: readonly FoundEntity[],
  relations: readonly FoundRelation[],
  remembered: Remembered,
): Promise<Pick<Gathered, 'entity' | 'relation' | 'titled'>> {
  if (entities.length + relations.length === 0) return { entity: [], relation: [], titled: [] }
  const wanted = { entity: similarityCandidates(entities.length), relation: similarityCandidates(relations.length) }
  const hits = await ownedChunks(tx, probes, byWorkspace(entities), byWorkspace(relations), wanted.entity + wanted.relation, plan.filter)
  const side = (name: 'entity' | 'relation'): Scored[] =>
    hits
      .filter((hit) => hit.side === name)
      .map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id, score: hit.cosine }))
      .toSorted(byScore)
  const titled = await titledChunks(tx, plan, entities, relations, remembered)
  const entity = highest([...side('entity'), ...titled]).slice(0, wanted.entity)
  const taken = new Set(entity.map(fullName))
  return {
    entity,
    titled,
    relation: side('relation')
      .filter((hit) => !taken.has(fullName(hit)))
      .slice(0, wanted.relation),
  }
}

/** Each chunk once, with its highest score, best first. */
function highest(found: readonly Scored[]): Scored[] {
  const best = new Map<string, Scored>()
  for (const hit of found) if (hit.score > (best.get(fullName(hit))?.score ?? -Infinity)) best.set(fullName(hit), hit)
  return [...best.values()].toSorted(byScore)
}
