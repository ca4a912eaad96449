// Recomputes entities and relations from their votes, chosen descriptions and a person's corrections. Runs after the
// workspace's publish lock was taken in an earlier statement, inside the same transaction.
import { foldEntity, foldRelation } from '../../core/fold.ts'
import { entityId } from '../../core/names.ts'
import { endsOf, type Ends } from '../../core/tally.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import * as aliases from '../../store/aliases.ts'
import * as graph from '../../store/graph.ts'
import type { ScopedTx } from '../../store/scope.ts'
import * as summaries from '../../store/summaries.ts'

export type Touched = {
  entityIds: ReadonlySet<string>
  relationIds: ReadonlySet<string>
  /** Ends of relations that may be new. */
  ends: ReadonlyMap<string, Ends>
  /** Those whose summaries may tell of a mention that went. */
  lostEntityIds: ReadonlySet<string>
  lostRelationIds: ReadonlySet<string>
}

type Fields = { name: string | null; type: string | null; description: string | null }

/** What people said about one entity, over all names that lead to it today. */
type Corrected = {
  /** The representative's correction first; other names of the entity fill what it leaves open. */
  edit?: Fields
  merged: Fields[]
  mergedName?: string
  keys: string[]
}

/** Corrections with their keys resolved to today's entities. */
type Resolved = {
  entities: Map<string, Corrected>
  createdIds: Set<string>
  hiddenIds: Set<string>
  relations: Map<string, graph.RelationEdit & Ends>
  /** Relations that corrections came to or left since they were last looked at. */
  movedIds: Set<string>
}

/** Relations without a row of which the caller knows all that is said. */
export type Known = ReadonlyMap<string, graph.RelationEvidence>

/** Brings every touched entity and relation up to date. */
export async function refold(tx: ScopedTx, workspace: WorkspaceId, touched: Touched, known: Known = new Map()): Promise<void> {
  const corrections = await resolveCorrections(tx, workspace)
  const degrees = await refoldRelations(tx, workspace, { ...touched, known }, corrections)
  await refoldEntities(tx, workspace, new Set([...touched.entityIds, ...degrees.keys()]), degrees, corrections)
  await dropSummaries(tx, workspace, touched, corrections)
}

/** A summary goes with the first of the mentions it may have read, and before what a person wrote. */
async function dropSummaries(tx: ScopedTx, workspace: WorkspaceId, touched: Touched, corrections: Resolved): Promise<void> {
  const entities = [...corrections.entities].filter(
    ([id, { edit, merged }]) => touched.entityIds.has(id) && [edit, ...merged].some((one) => one != null && one.description !== null),
  )
  const relations = [...corrections.relations].filter(([id, edit]) => touched.relationIds.has(id) && edit.description !== null)
  await summaries.drop(tx, workspace, 'entity', [...touched.lostEntityIds, ...entities.map(([id]) => id)])
  await summaries.drop(tx, workspace, 'relation', [...touched.lostRelationIds, ...relations.map(([id]) => id)])
}

async function resolveCorrections(tx: ScopedTx, workspace: WorkspaceId): Promise<Resolved> {
  const { entities, relations, merges } = await graph.corrections(tx, workspace)
  const resolved: Resolved = { entities: new Map(), createdIds: new Set(), hiddenIds: new Set(), relations: new Map(), movedIds: new Set() }
  if (entities.length + relations.length + merges.length === 0) return resolved
  const keys = [
    ...entities.map((edit) => edit.key),
    ...relations.flatMap((edit) => [edit.source_key, edit.target_key]),
    ...merges.map((merge) => merge.into_key),
  ]
  const leads = await aliases.resolve(tx, workspace, keys)
  const idOf = (key: string): string => leads.get(key) ?? entityId(key)
  resolveMerges(resolved, merges, idOf)
  resolveEntities(resolved, entities, new Set(merges.map((merge) => merge.from_key)), idOf)
  await graph.leadRelationEdits(tx, workspace, resolveRelations(resolved, relations, idOf))
  return resolved
}

function correctedOf(resolved: Resolved, id: string): Corrected {
  const known = resolved.entities.get(id) ?? { merged: [], keys: [] }
  resolved.entities.set(id, known)
  return known
}

function resolveMerges(resolved: Resolved, merges: readonly graph.Merge[], idOf: (key: string) => string): void {
  for (const { into_key, into_name } of merges) {
    const id = idOf(into_key)
    if (entityId(into_key) === id) correctedOf(resolved, id).mergedName ??= into_name
  }
}

function resolveEntities(
  resolved: Resolved,
  edits: readonly graph.EntityEdit[],
  merged: ReadonlySet<string>,
  idOf: (key: string) => string,
): void {
  const isOwn = (edit: graph.EntityEdit): boolean => entityId(edit.key) === idOf(edit.key)
  for (const edit of [...edits.filter(isOwn), ...edits.filter((one) => !isOwn(one))]) {
    const id = idOf(edit.key)
    const corrected = correctedOf(resolved, id)
    corrected.keys.push(edit.key)
    if (edit.created && !edit.deleted) resolved.createdIds.add(id)
    if (edit.deleted && isOwn(edit)) resolved.hiddenIds.add(id)
    if (!isOwn(edit) && merged.has(edit.key)) corrected.merged.push(edit)
    else {
      const { edit: first } = corrected
      corrected.edit = {
        name: first?.name ?? (isOwn(edit) ? edit.name : (corrected.mergedName ?? edit.name)),
        type: first?.type ?? edit.type,
        description: first?.description ?? edit.description,
      }
    }
  }
}

/** Returns the corrections that lead elsewhere than when they were last looked at. */
function resolveRelations(
  resolved: Resolved,
  edits: readonly graph.RelationEdit[],
  idOf: (key: string) => string,
): { source_key: string; target_key: string; relation_id: string | null }[] {
  const moved = []
  for (const edit of edits) {
    const ends = endsOf(idOf(edit.source_key), idOf(edit.target_key))
    const relation_id = ends?.relationId ?? null
    if (relation_id !== edit.relation_id) {
      for (const id of [relation_id, edit.relation_id]) if (id !== null) resolved.movedIds.add(id)
      moved.push({ source_key: edit.source_key, target_key: edit.target_key, relation_id })
    }
    if (ends === undefined) continue
    // Of several corrections of what is one relation today, that of the representatives' names counts.
    const known = resolved.relations.get(ends.relationId)
    if (known === undefined || (isOwnPair(edit, idOf) && !isOwnPair(known, idOf)))
      resolved.relations.set(ends.relationId, { ...edit, ...ends })
  }
  return moved
}

const isOwnPair = ({ source_key, target_key }: graph.RelationEdit, idOf: (key: string) => string): boolean =>
  entityId(source_key) === idOf(source_key) && entityId(target_key) === idOf(target_key)

/** Touched relations, those that corrections moved, and those that a person made between entities that come or go. */
function relationsToFold(touched: Touched, { relations, movedIds }: Resolved): string[] {
  const made = [...relations.values()].filter((edit) => edit.created && (touched.entityIds.has(edit.a) || touched.entityIds.has(edit.b)))
  return [...new Set([...touched.relationIds, ...movedIds, ...made.map((edit) => edit.relationId)])]
}

/** Folded at a time: a document that touches thousands must not hold the thread that serves others for longer than a blink. */
const FOLDED_AT_ONCE = 500

export function* slices<T>(all: readonly T[], size = FOLDED_AT_ONCE): Generator<T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

/** Returns by how much each entity's degree changed. */
async function refoldRelations(
  tx: ScopedTx,
  workspace: WorkspaceId,
  touched: Touched & { known: Known },
  corrections: Resolved,
): Promise<Map<string, number>> {
  const ids = relationsToFold(touched, corrections)
  const made = ids.flatMap((id) => corrections.relations.get(id) ?? []).filter((edit) => edit.created)
  const mentioned = await graph.mentionedEntities(tx, workspace, [...new Set(made.flatMap((edit) => [edit.a, edit.b]))])
  const stands = (id: string): boolean => mentioned.has(id) || corrections.createdIds.has(id)
  const degrees = new Map<string, number>()
  const add = (id: string, change: number): Map<string, number> => degrees.set(id, (degrees.get(id) ?? 0) + change)
  for (const slice of slices(ids)) {
    const { save, gone } = await foldRelations(tx, workspace, slice, touched, corrections, stands)
    for (const row of await graph.removeRelations(tx, workspace, gone)) {
      add(row.a_id, -1)
      add(row.b_id, -1)
    }
    for (const row of save.filter((one) => one.isNew)) {
      add(row.a_id, 1)
      add(row.b_id, 1)
    }
    await graph.saveRelations(tx, workspace, save)
  }
  return degrees
}

async function foldRelations(
  tx: ScopedTx,
  workspace: WorkspaceId,
  ids: readonly string[],
  touched: Touched & { known: Known },
  corrections: Resolved,
  stands: (id: string) => boolean,
): Promise<{ save: (graph.RelationRow & { isNew: boolean })[]; gone: string[] }> {
  // What a person said of a relation may be all that its row stands on.
  const isKnown = (id: string): boolean => !corrections.relations.has(id) && !corrections.movedIds.has(id)
  const known = ids.filter(isKnown).flatMap((id) => touched.known.get(id) ?? [])
  const asked = ids.filter((id) => !isKnown(id) || !touched.known.has(id))
  const evidence = [...known, ...(await graph.relationEvidence(tx, workspace, asked))]
  const hiddenEnds = await endsOfMentions(
    tx,
    workspace,
    evidence.filter((found) => found.a_id === null && !touched.ends.has(found.relation_id)),
  )
  const save: (graph.RelationRow & { isNew: boolean })[] = []
  const gone: string[] = []
  for (const found of evidence) {
    const edit = corrections.relations.get(found.relation_id)
    const stored = found.a_id !== null && found.b_id !== null ? { a: found.a_id, b: found.b_id } : undefined
    const ends = stored ?? touched.ends.get(found.relation_id) ?? edit ?? hiddenEnds.get(found.relation_id)
    const fold = foldRelation({
      votes: found.votes.map(([keyword, forward, backward, weight]) => ({ keyword, forward, backward, weight })),
      descriptions: found.descriptions,
      edit: edit === undefined ? undefined : { ...edit, directed: edit.created || edit.keywords !== null },
    })
    const supported = fold.mentions > 0 || (edit?.created === true && stands(edit.a) && stands(edit.b))
    const hidden =
      edit?.deleted === true || (ends !== undefined && (corrections.hiddenIds.has(ends.a) || corrections.hiddenIds.has(ends.b)))
    if (!supported || hidden) {
      if (stored) gone.push(found.relation_id)
      continue
    }
    if (ends === undefined) throw new Error(`relation ${found.relation_id} has votes but no known ends`)
    save.push({ relation_id: found.relation_id, a_id: ends.a, b_id: ends.b, ...fold, isNew: stored === undefined })
  }
  return { save, gone }
}

/** The ends of relations without a row of their own, from what one of their mentions calls them. */
async function endsOfMentions(tx: ScopedTx, workspace: WorkspaceId, rows: readonly graph.RelationEvidence[]): Promise<Map<string, Ends>> {
  const leads = await aliases.resolve(tx, workspace, [
    ...new Set(rows.flatMap((row) => [row.source_key ?? [], row.target_key ?? []].flat())),
  ])
  const idOf = (key: string): string => leads.get(key) ?? entityId(key)
  const found = new Map<string, Ends>()
  for (const { relation_id, source_key, target_key } of rows) {
    const ends = source_key === null || target_key === null ? undefined : endsOf(idOf(source_key), idOf(target_key))
    if (ends !== undefined) found.set(relation_id, ends)
  }
  return found
}

async function refoldEntities(
  tx: ScopedTx,
  workspace: WorkspaceId,
  ids: ReadonlySet<string>,
  degrees: ReadonlyMap<string, number>,
  corrections: Resolved,
): Promise<void> {
  for (const slice of slices([...ids].toSorted())) {
    const save: graph.EntityRow[] = []
    const gone: string[] = []
    for (const found of await graph.entityEvidence(tx, workspace, slice)) {
      const row = foldedEntity(found, corrections)
      if (row === undefined) gone.push(found.entity_id)
      else save.push({ ...row, degree: found.degree + (degrees.get(found.entity_id) ?? 0) })
    }
    await graph.saveEntities(tx, workspace, save)
    await graph.removeEntities(tx, workspace, gone)
  }
}

/** Undefined for an entity that nothing supports any more or that a person hid. */
function foldedEntity(found: graph.EntityEvidence, corrections: Resolved): Omit<graph.EntityRow, 'degree'> | undefined {
  const corrected = corrections.entities.get(found.entity_id)
  const votes = (kind: 'name' | 'type'): { value: string; votes: number }[] =>
    found.votes.filter((vote) => vote[0] === kind).map(([, value, count]) => ({ value, votes: count }))
  const fold = foldEntity({
    names: votes('name'),
    types: votes('type'),
    descriptions: found.descriptions,
    aliasNames: found.alias_names,
    edit: corrected?.edit,
    mergedName: corrected?.mergedName,
    merged: corrected?.merged,
  })
  const supported = fold.mentions > 0 || corrections.createdIds.has(found.entity_id)
  if (!supported || corrections.hiddenIds.has(found.entity_id)) return undefined
  const candidates = [...found.keys, ...(found.key === null ? [] : [found.key]), ...(corrected?.keys ?? [])]
  const key = candidates.find((candidate) => entityId(candidate) === found.entity_id) ?? candidates[0] ?? ''
  return { entity_id: found.entity_id, key, ...fold }
}
