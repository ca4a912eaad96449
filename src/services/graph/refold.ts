// Recomputes entities and relations from their votes, chosen descriptions and a person's corrections. Runs after the
// workspace's publish lock was taken in an earlier statement, inside the same transaction.
import { foldEntity, foldRelation } from '../../core/fold.ts'
import { entityId } from '../../core/names.ts'
import { endsOf, type Ends } from '../../core/tally.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import * as aliases from '../../store/aliases.ts'
import * as graph from '../../store/graph.ts'
import type { ScopedTx } from '../../store/scope.ts'

export type Touched = {
  entityIds: ReadonlySet<string>
  relationIds: ReadonlySet<string>
  /** Ends of relations that may be new. */
  ends: ReadonlyMap<string, Ends>
}

/** Corrections with their keys resolved to today's entities. */
type Resolved = {
  edits: Map<string, graph.EntityEdit>
  createdIds: Set<string>
  hiddenIds: Set<string>
  relations: Map<string, graph.RelationEdit & Ends>
}

/** Brings every touched entity and relation up to date. */
export async function refold(tx: ScopedTx, workspace: WorkspaceId, touched: Touched): Promise<void> {
  const corrections = await resolveCorrections(tx, workspace)
  const degrees = await refoldRelations(tx, workspace, touched, corrections)
  await refoldEntities(tx, workspace, new Set([...touched.entityIds, ...degrees.keys()]), degrees, corrections)
}

async function resolveCorrections(tx: ScopedTx, workspace: WorkspaceId): Promise<Resolved> {
  const { entities, relations } = await graph.corrections(tx, workspace)
  const resolved: Resolved = { edits: new Map(), createdIds: new Set(), hiddenIds: new Set(), relations: new Map() }
  if (entities.length === 0 && relations.length === 0) return resolved
  const keys = [...entities.map((edit) => edit.key), ...relations.flatMap((edit) => [edit.source_key, edit.target_key])]
  const leads = await aliases.resolve(tx, workspace, keys)
  const idOf = (key: string): string => leads.get(key) ?? entityId(key)
  for (const edit of entities) {
    const id = idOf(edit.key)
    // Of several corrected names that are one entity today, the representative's correction counts.
    if (!resolved.edits.has(id) || entityId(edit.key) === id) resolved.edits.set(id, edit)
    if (edit.created && !edit.deleted) resolved.createdIds.add(id)
    if (edit.deleted && entityId(edit.key) === id) resolved.hiddenIds.add(id)
  }
  for (const edit of relations) {
    const ends = endsOf(idOf(edit.source_key), idOf(edit.target_key))
    if (ends) resolved.relations.set(ends.relationId, { ...edit, ...ends })
  }
  return resolved
}

/** Returns by how much each entity's degree changed. */
async function refoldRelations(tx: ScopedTx, workspace: WorkspaceId, touched: Touched, corrections: Resolved): Promise<Map<string, number>> {
  const evidence = await graph.relationEvidence(tx, workspace, [...touched.relationIds])
  const save: graph.RelationRow[] = []
  const gone: string[] = []
  const degrees = new Map<string, number>()
  const add = (id: string, change: number): Map<string, number> => degrees.set(id, (degrees.get(id) ?? 0) + change)
  for (const found of evidence) {
    const edit = corrections.relations.get(found.relation_id)
    const stored = found.a_id !== null && found.b_id !== null ? { a: found.a_id, b: found.b_id } : undefined
    const ends = stored ?? touched.ends.get(found.relation_id) ?? edit
    const fold = foldRelation({
      votes: found.votes.map(([keyword, forward, backward, weight]) => ({ keyword, forward, backward, weight })),
      descriptions: found.descriptions,
      edit,
    })
    const hidden = edit?.deleted === true || (ends !== undefined && (corrections.hiddenIds.has(ends.a) || corrections.hiddenIds.has(ends.b)))
    if ((fold.mentions === 0 && edit?.created !== true) || hidden) {
      if (stored) gone.push(found.relation_id)
      continue
    }
    if (ends === undefined) throw new Error(`relation ${found.relation_id} has votes but no known ends`)
    if (!stored) {
      add(ends.a, 1)
      add(ends.b, 1)
    }
    save.push({ relation_id: found.relation_id, a_id: ends.a, b_id: ends.b, ...fold })
  }
  const removed = await graph.removeRelations(tx, workspace, gone)
  for (const row of removed) {
    add(row.a_id, -1)
    add(row.b_id, -1)
  }
  await graph.saveRelations(tx, workspace, save)
  return degrees
}

async function refoldEntities(
  tx: ScopedTx,
  workspace: WorkspaceId,
  ids: ReadonlySet<string>,
  degrees: ReadonlyMap<string, number>,
  corrections: Resolved,
): Promise<void> {
  const evidence = await graph.entityEvidence(tx, workspace, [...ids].toSorted())
  const save: graph.EntityRow[] = []
  const gone: string[] = []
  for (const found of evidence) {
    const edit = corrections.edits.get(found.entity_id)
    const votes = (kind: 'name' | 'type'): { value: string; votes: number }[] =>
      found.votes.filter((vote) => vote[0] === kind).map(([, value, count]) => ({ value, votes: count }))
    const fold = foldEntity({ names: votes('name'), types: votes('type'), descriptions: found.descriptions, aliasNames: found.alias_names, edit })
    const supported = fold.mentions > 0 || corrections.createdIds.has(found.entity_id)
    if (!supported || corrections.hiddenIds.has(found.entity_id)) {
      gone.push(found.entity_id)
      continue
    }
    const candidates = [...found.keys, ...(found.key === null ? [] : [found.key]), ...(edit ? [edit.key] : [])]
    const key = candidates.find((candidate) => entityId(candidate) === found.entity_id) ?? candidates[0] ?? ''
    save.push({ entity_id: found.entity_id, key, ...fold, degree: found.degree + (degrees.get(found.entity_id) ?? 0) })
  }
  await graph.saveEntities(tx, workspace, save)
  await graph.removeEntities(tx, workspace, gone)
}
