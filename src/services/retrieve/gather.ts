// The second step: every leg that the mode asks for, inside one snapshot. Legs return candidates; none of them decides the answer.
import { similarityCandidates } from '../../core/budget.ts'
import { fullName, type Located, roundRobin } from '../../core/fusion.ts'
import { byScore, inverseDocumentFrequency, lexicalShare, termFrequencyOfRank } from '../../core/scoring.ts'
import { ownedChunks } from '../../store/search-graph.ts'
import { type LexicalHit, lexicalCandidates, statistics, type TermStatistics } from '../../store/search-terms.ts'
import { cosinesOf, nearestChunks, prepareIndexScans, type Probe } from '../../store/search-vectors.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { WorkspaceRow } from '../../store/workspaces.ts'
import type { QuestionVectors } from './embed.ts'
import { type FoundEntity, type FoundRelation, walkGraph } from './graph-legs.ts'
import type { Plan } from './plan.ts'

/** A chunk as one leg found it, with that leg's score in 0..1. */
export type Candidate = Located & { score: number }
export type OwnedCandidate = Candidate & { /** Entities or relations of the question that stand in it. */ owners: string[] }

/** Each list best first. */
export type Gathered = {
  vector: Candidate[]
  lexical: Candidate[]
  entity: OwnedCandidate[]
  relation: OwnedCandidate[]
  /** Cosine of every candidate by `fullName`; empty for lexical search alone. */
  cosines: Map<string, number>
  entities: FoundEntity[]
  relations: FoundRelation[]
}

/** Fusion needs to see below the edge of each leg: what is twentieth in two legs may be first in both together. */
const FUSION_DEPTH = 60
/** Chunks whose term vectors are opened per workspace; beyond these, the approximate weight decides. */
const LEXICAL_DEPTH = 300

export async function gather(tx: ScopedTx, plan: Plan, workspaces: readonly WorkspaceRow[], vectors: ReadonlyMap<number, QuestionVectors>): Promise<Gathered> {
  const probing = (pick: keyof QuestionVectors): Probe[] =>
    workspaces.flatMap((workspace) => {
      const question = vectors.get(workspace.space_id)
      return question ? [{ workspace, vector: question[pick] }] : []
    })
  const { legs, ranking } = plan.mode
  const depth = ranking === 'fused' ? Math.max(FUSION_DEPTH, plan.request.chunkTopK) : plan.request.chunkTopK
  await prepareIndexScans(tx, workspaces)

  const vector = legs.includes('vector') ? await vectorLeg(tx, probing('query'), depth, plan) : []
  const lexical = legs.includes('lexical') ? (await lexicalLeg(tx, workspaces, plan)).slice(0, depth) : []
  const { entities, relations } = await walkGraph(tx, plan, workspaces, probing)
  const owned = await ownedLeg(tx, plan, probing('query'), entities, relations)

  const cosines = new Map([...vector, ...owned.entity, ...owned.relation].map((hit) => [fullName(hit), hit.score]))
  if (ranking === 'fused') await addCosines(tx, probing('query'), lexical, cosines)
  return { vector, lexical, ...owned, cosines, entities, relations }
}

async function vectorLeg(tx: ScopedTx, probes: readonly Probe[], depth: number, plan: Plan): Promise<Candidate[]> {
  const hits = await nearestChunks(tx, probes, depth, plan.filter)
  return hits
    .map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id, score: hit.cosine }))
    .toSorted(byScore)
    .slice(0, depth)
}

async function lexicalLeg(tx: ScopedTx, workspaces: readonly WorkspaceRow[], plan: Plan): Promise<Candidate[]> {
  if (plan.terms.length === 0 || workspaces.length === 0) return []
  const indexes = new Map((await statistics(tx, workspaces.map((workspace) => workspace.workspace_id))).map((row) => [row.workspace_id, row]))
  const scored: Candidate[] = []
  for (const workspace of workspaces) {
    const index = indexes.get(workspace.workspace_id)
    if (!index) continue
    const hits = await lexicalCandidates(tx, workspace.workspace_id, plan.terms, index, LEXICAL_DEPTH, plan.filter)
    scored.push(...hits.map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id, score: lexicalScore(hit, index) })))
  }
  return scored.toSorted(byScore)
}

function lexicalScore(hit: LexicalHit, index: TermStatistics): number {
  const terms = hit.ranks.map((rank, position) => ({
    frequency: termFrequencyOfRank(rank),
    idf: inverseDocumentFrequency(index.chunks, hit.document_frequencies[position] ?? 0),
  }))
  return lexicalShare(terms, hit.length, index.average_length)
}

/** Chunks of the found entities and relations, picked by similarity to the question; a chunk counts for the entities first. */
async function ownedLeg(
  tx: ScopedTx,
  plan: Plan,
  probes: readonly Probe[],
  entities: readonly FoundEntity[],
  relations: readonly FoundRelation[],
): Promise<{ entity: OwnedCandidate[]; relation: OwnedCandidate[] }> {
  if (entities.length + relations.length === 0) return { entity: [], relation: [] }
  const fused = plan.mode.ranking === 'fused'
  const wanted = (owners: number): number => Math.max(similarityCandidates(owners), fused ? FUSION_DEPTH : 0)
  const limit = wanted(entities.length) + wanted(relations.length)
  const hits = await ownedChunks(tx, probes, idsByWorkspace(entities), idsByWorkspace(relations), limit, plan.filter)
  const side = (name: 'entity' | 'relation'): OwnedCandidate[] =>
    hits
      .filter((hit) => hit.side === name)
      .map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id, score: hit.cosine, owners: hit.owners }))
      .toSorted(byScore)
  const entity = side('entity').slice(0, wanted(entities.length))
  if (fused) return { entity, relation: side('relation').slice(0, wanted(relations.length)) }
  const taken = new Set(entity.map(fullName))
  return { entity, relation: side('relation').filter((hit) => !taken.has(fullName(hit))).slice(0, wanted(relations.length)) }
}

function idsByWorkspace(found: readonly Located[]): Map<string, string[]> {
  const ids = new Map<string, string[]>()
  for (const { workspaceId, id } of found) ids.set(workspaceId, [...(ids.get(workspaceId) ?? []), id])
  return ids
}

async function addCosines(tx: ScopedTx, probes: readonly Probe[], found: readonly Located[], cosines: Map<string, number>): Promise<void> {
  const missing = found.filter((hit) => !cosines.has(fullName(hit)))
  for (const hit of await cosinesOf(tx, probes, idsByWorkspace(missing))) {
    cosines.set(fullName({ workspaceId: hit.workspace_id, id: hit.chunk_id }), hit.cosine)
  }
}

/** The candidates of all legs in LightRAG's order: vector, entity, relation in turn. */
export function inTurn(gathered: Gathered): Located[] {
  return roundRobin<Located>([gathered.vector, gathered.entity, gathered.relation], fullName)
}
