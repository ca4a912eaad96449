// The one way evidence enters and leaves the graph: mentions go, mentions come, and everything they add up to follows.
import { setImmediate as breathe } from 'node:timers/promises'
import type { ChunkKnowledge } from '../../core/knowledge.ts'
import { representatives } from '../../core/components.ts'
import { entityId } from '../../core/names.ts'
import { type Ends, endsOf, Tally } from '../../core/tally.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import * as aliases from '../../store/aliases.ts'
import * as graph from '../../store/graph.ts'
import * as mentions from '../../store/mentions.ts'
import type { ScopedTx } from '../../store/scope.ts'
import { firstEvidence } from './first-evidence.ts'
import { refold, slices } from './refold.ts'

/** Votes in a statement, and chunks whose mentions are summed, at a time: this thread serves others in between. */
const VOTES_AT_ONCE = 2000
const CHUNKS_AT_ONCE = 50

export type NewEvidence = {
  chunkId: string
  knowledge: ChunkKnowledge
  /** 0 stated by the source's structure, 1 a language model, 2 the built-in extractor. */
  rank: 0 | 1 | 2
  extractor: string
}

export type EvidenceChange = {
  removeChunks: readonly string[]
  add: readonly NewEvidence[]
  staged?: StagedEvidence
}

/** Evidence whose mentions are written already, behind a curtain. */
export type StagedEvidence = {
  chunkIds: ReadonlySet<string>
  /** Where the keys led when the mentions were written; the others led to themselves. */
  leads: ReadonlyMap<string, string>
  /** Draws the curtain back. */
  reveal: () => Promise<void>
}

/** Names and facts whose vectors publish must now write or may have to remove. */
export type EvidenceEffect = {
  addedKeys: Set<string>
  removedKeys: Set<string>
  addedFacts: Map<string, string>
  removedFacts: Set<string>
  /** What was folded anew. */
  folded: Pick<Tally, 'entityIds' | 'relationIds'>
}

/**
 * Applies a change of evidence inside the publish transaction, after the workspace's lock. The outcome depends on the
 * set of live mentions only: not on their order, nor on what came and went before.
 */
export async function applyEvidence(tx: ScopedTx, workspace: WorkspaceId, change: EvidenceChange): Promise<EvidenceEffect> {
  const tally = new Tally()
  const effect: EvidenceEffect = {
    addedKeys: new Set(),
    removedKeys: new Set(),
    addedFacts: new Map(),
    removedFacts: new Set(),
    folded: tally,
  }
  const aliasKeys = new Set<string>()
  if (change.removeChunks.length > 0) await removeMentions(tx, workspace, change.removeChunks, { tally, effect, aliasKeys })
  const newAliases = change.add.flatMap((evidence) =>
    evidence.knowledge.aliases.map((alias) => ({
      chunk_id: evidence.chunkId,
      key: alias.key,
      alias_key: alias.aliasKey,
      alias_name: alias.aliasName,
    })),
  )
  await mentions.addAliasMentions(tx, workspace, newAliases)
  for (const alias of newAliases) {
    for (const key of [alias.key, alias.alias_key]) {
      aliasKeys.add(key)
      effect.addedKeys.add(key)
    }
  }
  if (aliasKeys.size > 0) await reconnect(tx, workspace, [...aliasKeys], tally)
  // Behind the curtain until here, or the mentions would have been moved and counted as if they had been there before.
  await change.staged?.reveal()
  const said = await addMentions(tx, workspace, change, { tally, effect })
  for (const votes of slices(tally.entityDeltas(), VOTES_AT_ONCE)) await graph.addEntityVotes(tx, workspace, votes)
  const votes = tally.relationDeltas()
  const first = new Set<string>()
  for (const slice of slices(votes, VOTES_AT_ONCE)) for (const id of await graph.addRelationVotes(tx, workspace, slice)) first.add(id)
  await refold(tx, workspace, tally, firstEvidence(first, votes, said))
  return effect
}

type Sums = { tally: Tally; effect: EvidenceEffect; aliasKeys: Set<string> }

async function removeMentions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  chunkIds: readonly string[],
  { tally, effect, aliasKeys }: Sums,
): Promise<void> {
  for (const gone of await mentions.removeEntityMentions(tx, workspace, chunkIds)) {
    tally.entity(gone.entity_id, gone.name, gone.type, -1)
    effect.removedKeys.add(gone.key)
  }
  for (const gone of await mentions.removeRelationMentions(tx, workspace, chunkIds)) {
    if (gone.relation_id !== null) tally.relation(gone.relation_id, gone, -1)
    effect.removedFacts.add(gone.fact_id)
  }
  for (const gone of await mentions.removeAliasMentions(tx, workspace, chunkIds)) {
    for (const key of [gone.key, gone.alias_key]) {
      aliasKeys.add(key)
      effect.removedKeys.add(key)
    }
  }
}

/** Returns what is said of relations. */
async function addMentions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  { add, staged }: EvidenceChange,
  { tally, effect }: Pick<Sums, 'tally' | 'effect'>,
): Promise<RelationRow[]> {
  const leads = await aliases.resolve(tx, workspace, keysOf(add))
  const rows: MentionRows = { entities: [], relations: [] }
  for (const slice of slices(add, CHUNKS_AT_ONCE)) {
    const { entities, relations } = mentionRows(slice, leads)
    for (const { entity_id, name, type, key } of entities) {
      tally.entity(entity_id, name, type, 1)
      effect.addedKeys.add(key)
    }
    for (const { ends, fact_text, ...relation } of relations) {
      effect.addedFacts.set(relation.fact_id, fact_text)
      if (ends === undefined) continue
      tally.ends.set(ends.relationId, ends)
      tally.relation(ends.relationId, relation, 1)
    }
    rows.entities.push(...entities)
    rows.relations.push(...relations)
    if (slice.length === CHUNKS_AT_ONCE) await breathe()
  }
  const isNew = ({ chunk_id }: { chunk_id: string }): boolean => staged?.chunkIds.has(chunk_id) !== true
  await mentions.addEntityMentions(tx, workspace, rows.entities.filter(isNew))
  await mentions.addRelationMentions(tx, workspace, rows.relations.filter(isNew))
  if (staged) await leadStaged(tx, workspace, rows, staged.leads, leads)
  return rows.relations
}

/** What others published since the mentions were staged may have led their names elsewhere. */
async function leadStaged(
  tx: ScopedTx,
  workspace: WorkspaceId,
  rows: MentionRows,
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): Promise<void> {
  const led = (leads: ReadonlyMap<string, string>, key: string): string => leads.get(key) ?? entityId(key)
  const moved = new Set(rows.entities.map(({ key }) => key).filter((key) => led(before, key) !== led(now, key)))
  if (moved.size === 0) return
  const entities = new Map(rows.entities.filter(({ key }) => moved.has(key)).map(({ key, entity_id }) => [key, { key, entity_id }]))
  await aliases.leadEntityMentions(tx, workspace, [...entities.values()])
  const relations = new Map(
    rows.relations
      .filter(({ source_key, target_key }) => moved.has(source_key) || moved.has(target_key))
      .map((row) => [`${row.source_key}\n${row.target_key}`, row]),
  )
  await aliases.moveRelationMentions(
    tx,
    workspace,
    [...relations.values()].map(({ source_key, target_key, relation_id, forward }) => ({ source_key, target_key, relation_id, forward })),
  )
}

type RelationRow = mentions.RelationMention & { ends: Ends | undefined; fact_text: string }
export type MentionRows = { entities: mentions.EntityMention[]; relations: RelationRow[] }

export const keysOf = (added: readonly NewEvidence[]): string[] => [
  ...new Set(added.flatMap((evidence) => evidence.knowledge.entities.map((entity) => entity.key))),
]

/** Evidence as rows, with every name led to where it leads now. */
export function mentionRows(added: readonly NewEvidence[], leads: ReadonlyMap<string, string>): MentionRows {
  const idOf = (key: string): string => leads.get(key) ?? entityId(key)
  const rows: MentionRows = { entities: [], relations: [] }
  for (const { chunkId, knowledge, rank, extractor } of added) {
    for (const { key, name, type, description, quote } of knowledge.entities)
      rows.entities.push({ chunk_id: chunkId, key, entity_id: idOf(key), name, type, description, quote, rank, extractor })
    for (const { sourceKey, targetKey, factId, factText, keywords, description, quote, weight } of knowledge.relations) {
      const ends = endsOf(idOf(sourceKey), idOf(targetKey))
      rows.relations.push({
        chunk_id: chunkId,
        source_key: sourceKey,
        target_key: targetKey,
        relation_id: ends?.relationId ?? null,
        fact_id: factId,
        forward: ends?.forward ?? true,
        keywords,
        description,
        quote,
        weight: weight.toFixed(3),
        rank,
        extractor,
        ends,
        fact_text: factText,
      })
    }
  }
  return rows
}

/** Where the keys will lead once this evidence is published, if nothing else is published before. */
export async function foreseenLeads(tx: ScopedTx, workspace: WorkspaceId, added: readonly NewEvidence[]): Promise<Map<string, string>> {
  const leads = await aliases.resolve(tx, workspace, keysOf(added))
  const own = added.flatMap(({ knowledge }) => knowledge.aliases.map(({ key, aliasKey }) => ({ key, other: aliasKey, merged: false })))
  if (own.length === 0) return leads
  const keys = [...new Set(own.flatMap(({ key, other }) => [key, other]))]
  const edges = await aliases.componentEdges(tx, workspace, keys)
  for (const [key, leader] of representatives(keys, [...edges, ...own])) leads.set(key, entityId(leader))
  return leads
}

/** Aliases or merges changed: decides anew which keys are one entity and leads their mentions there. */
export async function reconnect(tx: ScopedTx, workspace: WorkspaceId, keys: readonly string[], tally: Tally): Promise<void> {
  const edges = await aliases.componentEdges(tx, workspace, keys)
  const leader = representatives(keys, edges)
  const before = await aliases.resolve(tx, workspace, [...leader.keys()])
  const connected = new Set(edges.flatMap((edge) => [edge.key, edge.other]))
  const idOf = (key: string): string => entityId(leader.get(key) ?? key)
  const moved = [...leader.keys()].filter((key) => (before.get(key) ?? entityId(key)) !== idOf(key)).toSorted()
  const alone = [...leader.keys()].filter((key) => !connected.has(key) && before.has(key))
  await aliases.setKeys(
    tx,
    workspace,
    [...connected].filter((key) => before.get(key) !== idOf(key)).map((key) => ({ key, key_id: entityId(key), entity_id: idOf(key) })),
    alone,
  )
  // An entity whose names changed is folded again even when no mention moves.
  for (const key of leader.keys()) {
    tally.entityIds.add(idOf(key))
    tally.entityIds.add(before.get(key) ?? entityId(key))
  }
  const leads = moved.map((key) => ({ key, entity_id: idOf(key) }))
  for (const { key, name, type, votes } of await aliases.moveEntityMentions(tx, workspace, leads)) {
    tally.entity(before.get(key) ?? entityId(key), name, type, -votes)
    tally.entity(idOf(key), name, type, votes)
  }
  if (moved.length > 0) await moveRelations(tx, workspace, moved, tally)
}

async function moveRelations(tx: ScopedTx, workspace: WorkspaceId, keys: readonly string[], tally: Tally): Promise<void> {
  const rows = await aliases.relationMentionsOf(tx, workspace, keys)
  const ends = [...new Set(rows.flatMap((row) => [row.source_key, row.target_key]))]
  const leads = await aliases.resolve(tx, workspace, ends)
  const changed = new Map<string, { source_key: string; target_key: string; relation_id: string | null; forward: boolean }>()
  for (const row of rows) {
    const now = endsOf(leads.get(row.source_key) ?? entityId(row.source_key), leads.get(row.target_key) ?? entityId(row.target_key))
    if (row.relation_id !== null) tally.relation(row.relation_id, row, -1)
    if (now !== undefined) {
      tally.ends.set(now.relationId, now)
      tally.relation(now.relationId, { ...row, forward: now.forward }, 1)
    }
    changed.set(`${row.source_key}\n${row.target_key}`, {
      source_key: row.source_key,
      target_key: row.target_key,
      relation_id: now?.relationId ?? null,
      forward: now?.forward ?? true,
    })
  }
  await aliases.moveRelationMentions(tx, workspace, [...changed.values()])
}
