// Reading the graph over a scope: the list, and one entity with its relations and evidence.
import { AppError } from '../../core/errors.ts'
import { displayName, nameKey } from '../../core/names.ts'
import type { WorkspaceScope } from '../../core/workspace.ts'
import * as graphRead from '../../store/graph-read.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import type { EngineDeps } from '../deps.ts'
import { sourceOf } from '../retrieve/show.ts'
import type { EntityDetail, EntityPage, EntityRelation, EntitySummary, GraphEvidence } from './api.ts'
import { keysOfName, unknownEntity } from './names.ts'

const MAX_RELATIONS = 100
const MAX_EVIDENCE = 20

export async function listEntities(
  deps: EngineDeps,
  scope: WorkspaceScope,
  { q, limit, cursor }: EntityPage,
): Promise<{ entities: EntitySummary[]; nextCursor: string | null }> {
  const after = cursor === undefined ? undefined : afterOf(cursor)
  const key = q === undefined ? '' : nameKey(displayName(q) || q)
  if (q !== undefined && key === '') return { entities: [], nextCursor: null }
  const rows = await withScope(
    deps.database,
    scope,
    (tx) => (key === '' ? graphRead.byDegree(tx, after, limit + 1) : graphRead.byName(tx, key, after, limit + 1)),
    { snapshot: true },
  )
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { entities: shown.map(summaryOf), nextCursor: last === undefined ? null : cursorOf(last) }
}

function cursorOf(row: graphRead.EntityMatch): string {
  return encodeCursor({ match: String(row.match), degree: String(row.degree), place: String(row.place), id: row.entity_id })
}

function afterOf(cursor: string): graphRead.After {
  const { match, degree, place, id } = decodeCursor(cursor, ['match', 'degree', 'place', 'id'])
  const after = { match: Number(match), degree: Number(degree), place: Number(place), entityId: id }
  if (![after.match, after.degree, after.place].every((part) => Number.isInteger(part) && Math.abs(part) < 2 ** 31)) {
    throw new AppError('invalid_request', 'cursor is not one that this service gave.')
  }
  return after
}

/** @throws AppError `not_found` */
export function readEntity(deps: EngineDeps, scope: WorkspaceScope, name: string): Promise<EntityDetail> {
  return withScope(
    deps.database,
    scope,
    async (tx) => {
      const [entity] = await findEntities(tx, name)
      if (entity === undefined) throw unknownEntity(name)
      return detailOf(tx, entity)
    },
    { snapshot: true },
  )
}

/** The entity of each workspace that the name leads to; the whole name counts before a part of it. */
export async function findEntities(tx: ScopedTx, name: string): Promise<graphRead.EntityLine[]> {
  const { keys, ids } = keysOfName(name)
  for (const [at, key] of keys.entries()) {
    const found = await graphRead.byKeys(tx, [key], ids.slice(at, at + 1))
    if (found.length > 0) return found
  }
  return []
}

export async function detailOf(tx: ScopedTx, entity: graphRead.EntityLine): Promise<EntityDetail> {
  const aliases = await graphRead.aliasesOf(tx, entity)
  const relations = await graphRead.relationsOf(tx, entity, MAX_RELATIONS)
  const evidence = await graphRead.evidenceOf(tx, entity, MAX_EVIDENCE)
  return {
    ...summaryOf(entity),
    aliases,
    relations: relations.map(relationOf),
    evidence: evidence.map((line) => evidenceView(entity.workspace_id, line)),
  }
}

export function summaryOf(row: graphRead.EntityLine): EntitySummary {
  return { name: row.name, type: row.type, description: row.description, degree: row.degree, workspace: row.workspace_id }
}

export function relationOf({ a_name, b_name, forward, keywords, description, weight }: graphRead.RelationLine): EntityRelation {
  const [source, target] = forward ? [a_name, b_name] : [b_name, a_name]
  return { source, target, keywords: keywords.join(', '), description, weight }
}

export function evidenceView(workspace: string, line: graphRead.EvidenceLine): GraphEvidence {
  return { chunkId: line.chunk_id, fileId: line.file_id, source: sourceOf(workspace, line.file_name), page: line.page, quote: line.quote }
}
