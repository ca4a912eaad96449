// A person's corrections and merges as rows, and what an edit must know of the entity it is about.
import { sql } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { EntityEdit, RelationEdit } from './graph.ts'
import type { ScopedTx } from './scope.ts'

export type KnownEntity = { entity_id: string; key: string; name: string }

export async function entity(tx: ScopedTx, workspace: WorkspaceId, id: string): Promise<KnownEntity | undefined> {
  const found = await sql<KnownEntity>`
    select entity_id, key, name from entities where workspace_id = ${workspace} and entity_id = ${id}`.execute(tx)
  return found.rows[0]
}

/** The names that are this entity today, besides one that stands alone. */
export async function keysOf(tx: ScopedTx, workspace: WorkspaceId, id: string): Promise<string[]> {
  const found = await sql<{ key: string }>`
    select key from entity_keys where workspace_id = ${workspace} and entity_id = ${id} order by key`.execute(tx)
  return found.rows.map((row) => row.key)
}

export async function editOf(tx: ScopedTx, workspace: WorkspaceId, key: string): Promise<EntityEdit | undefined> {
  const found = await sql<EntityEdit>`
    select key, name, type, description, created, deleted from entity_edits where workspace_id = ${workspace} and key = ${key}`.execute(tx)
  return found.rows[0]
}

export async function saveEntityEdit(tx: ScopedTx, workspace: WorkspaceId, edit: EntityEdit): Promise<void> {
  await sql`
    insert into entity_edits (workspace_id, key, name, type, description, created, deleted)
    values (${workspace}, ${edit.key}, ${edit.name}, ${edit.type}, ${edit.description}, ${edit.created}, ${edit.deleted})
    on conflict (workspace_id, key) do update
    set name = excluded.name, type = excluded.type, description = excluded.description, created = excluded.created, deleted = excluded.deleted,
      edited_at = now()`.execute(tx)
}

export async function relationExists(tx: ScopedTx, workspace: WorkspaceId, id: string): Promise<boolean> {
  const found = await sql<{ found: boolean }>`
    select exists (select from relations where workspace_id = ${workspace} and relation_id = ${id}) as found`.execute(tx)
  return found.rows[0]?.found === true
}

/** The corrections that lead to a relation, of which one is left after the next edit. */
export async function takeRelationEdits(
  tx: ScopedTx,
  workspace: WorkspaceId,
  relationId: string,
): Promise<(RelationEdit & { fact_id: string | null })[]> {
  const found = await sql<RelationEdit & { fact_id: string | null }>`
    with taken as (delete from relation_edits where workspace_id = ${workspace} and relation_id = ${relationId} returning *)
    select source_key, target_key, keywords, description, weight::text as weight, created, deleted, relation_id, fact_id
    from taken order by source_key, target_key`.execute(tx)
  return found.rows
}

export async function addRelationEdit(
  tx: ScopedTx,
  workspace: WorkspaceId,
  edit: RelationEdit & { fact_id: string | null },
): Promise<void> {
  await sql`
    insert into relation_edits (workspace_id, source_key, target_key, keywords, description, weight, created, deleted, relation_id, fact_id)
    values (${workspace}, ${edit.source_key}, ${edit.target_key}, ${edit.keywords}::text[], ${edit.description}, ${edit.weight}::numeric, ${edit.created},
      ${edit.deleted}, ${edit.relation_id}, ${edit.fact_id})`.execute(tx)
}

export type MergeRow = { merge_id: string; from_key: string; into_key: string; into_name: string; made_by: 'person' | 'model' }

export async function addMerges(tx: ScopedTx, workspace: WorkspaceId, rows: readonly MergeRow[]): Promise<void> {
  await sql`
    insert into entity_merges (workspace_id, merge_id, from_key, into_key, into_name, made_by)
    select ${workspace}, merge_id, from_key, into_key, into_name, made_by
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(merge_id text, from_key text, into_key text, into_name text, made_by text)
    on conflict (workspace_id, from_key, merge_id) do nothing`.execute(tx)
}

export async function removeMerge(tx: ScopedTx, workspace: WorkspaceId, mergeId: string): Promise<MergeRow[]> {
  const gone = await sql<MergeRow>`
    delete from entity_merges where workspace_id = ${workspace} and merge_id = ${mergeId}
    returning merge_id, from_key, into_key, into_name, made_by`.execute(tx)
  return gone.rows
}

export type CorrectedRelation = {
  a_name: string
  b_name: string
  forward: boolean
  keywords: string[]
  description: string
  weight: number
}

export async function relation(tx: ScopedTx, workspace: WorkspaceId, id: string): Promise<CorrectedRelation | undefined> {
  const found = await sql<CorrectedRelation>`
    select a.name as a_name, b.name as b_name, r.forward, r.keywords, r.description, r.weight::float8 as weight
    from relations r
    join entities a on a.workspace_id = r.workspace_id and a.entity_id = r.a_id
    join entities b on b.workspace_id = r.workspace_id and b.entity_id = r.b_id
    where r.workspace_id = ${workspace} and r.relation_id = ${id}`.execute(tx)
  return found.rows[0]
}
