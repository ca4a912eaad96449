// Entities that may be one thing: which were not compared yet, what resembles what, and who said that two are not the same.
import { sql } from 'kysely'
import type { Resemblance } from '../core/resemblance.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { homeOf } from './search-vectors.ts'
import { vectorTable } from './vectors.ts'
import type { WorkspaceRow } from './workspaces.ts'

export type NamedRow = { id: string; key: string }

/** Entities that were never compared, the best connected first. */
export async function uncompared(tx: ScopedTx, workspace: WorkspaceId, limit: number): Promise<NamedRow[]> {
  const found = await sql<NamedRow>`
    select entity_id as id, key from entities where workspace_id = ${workspace} and not compared
    order by degree desc, entity_id limit ${limit}`.execute(tx)
  return found.rows
}

/** The names a new one is compared with: of a very large graph only the best connected. */
export async function names(tx: ScopedTx, workspace: WorkspaceId, limit: number): Promise<NamedRow[]> {
  const found = await sql<NamedRow>`
    select entity_id as id, key from entities where workspace_id = ${workspace} order by degree desc, entity_id limit ${limit}`.execute(tx)
  return found.rows
}

export type NearName = { id: string; near_id: string; cosine: number }

/** The names nearest to each of the entities' own, in the workspace's embedding space; ids are those of names. */
export async function nearestNames(tx: ScopedTx, home: WorkspaceRow, ids: readonly string[], perName: number): Promise<NearName[]> {
  if (ids.length === 0) return []
  const table = vectorTable('entity', home.dim)
  const found = await sql<NearName>`
    select q.id, n.id as near_id, n.cosine
    from ${table} q cross join lateral (
      select v.id, 1 - (v.embedding <=> q.embedding) as cosine from ${table} v
      where ${homeOf('v', home)} order by v.embedding <=> q.embedding limit ${perName + 1}) n
    where ${homeOf('q', home)} and q.id = any(${[...ids]}::text[]) and n.id <> q.id`.execute(tx)
  return found.rows
}

/** Writes what was found, as far as both entities still exist, and that these entities are compared. Under the publish lock. */
export async function saveComparison(
  tx: ScopedTx,
  workspace: WorkspaceId,
  ids: readonly string[],
  found: readonly Resemblance[],
): Promise<void> {
  await sql`
    insert into entity_resemblances (workspace_id, a_id, b_id, score, reason)
    select ${workspace}, r.a, r.b, r.score, r.reason
    from jsonb_to_recordset(${JSON.stringify(found)}::jsonb) as r(a text, b text, score real, reason text)
    join entities a on a.workspace_id = ${workspace} and a.entity_id = r.a
    join entities b on b.workspace_id = ${workspace} and b.entity_id = r.b
    order by r.a collate "C", r.b collate "C"
    on conflict (workspace_id, a_id, b_id) do nothing`.execute(tx)
  await sql`update entities set compared = true where workspace_id = ${workspace} and entity_id = any(${[...ids]}::text[])`.execute(tx)
}

export type Side = { id: string; key: string; name: string; type: string; description: string; degree: number }
export type OpenResolution = { a: Side; b: Side; score: number; reason: Resemblance['reason']; unsure: boolean }

const SIDE = (alias: string) =>
  sql.raw(
    `jsonb_build_object('id', ${alias}.entity_id, 'key', ${alias}.key, 'name', ${alias}.name, 'type', ${alias}.type, 'degree', ${alias}.degree,
      'description', coalesce((select s.summary from entity_summaries s where s.workspace_id = ${alias}.workspace_id and s.entity_id = ${alias}.entity_id), ${alias}.description))`,
  )

/**
 * Pairs of entities that were called two things, under whichever of their names: what was merged into one of them since does not undo that.
 * In the order that ids are kept in.
 */
const DISTINCT = (workspace: WorkspaceId) => sql<{ x_id: string; y_id: string }>`
  select least(x.id, y.id) collate "C" as x_id, greatest(x.id, y.id) collate "C" as y_id
  from entity_distinctions d
  cross join lateral (
    select entity_id as id from entity_keys where workspace_id = d.workspace_id and key = d.a_key
    union all select entity_id from entities where workspace_id = d.workspace_id and key = d.a_key limit 1) x
  cross join lateral (
    select entity_id as id from entity_keys where workspace_id = d.workspace_id and key = d.b_key
    union all select entity_id from entities where workspace_id = d.workspace_id and key = d.b_key limit 1) y
  where d.workspace_id = ${workspace}`

/** Whether somebody said of any two names of these entities that they are not one thing. */
export async function areDistinct(tx: ScopedTx, workspace: WorkspaceId, a: string, b: string): Promise<boolean> {
  const found = await sql<{ distinct: boolean }>`
    select exists (select from (${DISTINCT(workspace)}) d
      where d.x_id = least(${a}::text collate "C", ${b}) and d.y_id = greatest(${a}::text collate "C", ${b})) as distinct`.execute(tx)
  return found.rows[0]?.distinct === true
}

/**
 * Pairs nobody has decided about, of one type (or one of them of none in particular), the most alike first.
 *
 * @param only  one pair; `asked` leaves out those a model could not decide.
 */
export async function open(
  tx: ScopedTx,
  workspace: WorkspaceId,
  { limit, only, asked = true }: { limit: number; only?: { a: string; b: string }; asked?: boolean },
): Promise<OpenResolution[]> {
  const found = await sql<OpenResolution>`
    select ${SIDE('a')} as a, ${SIDE('b')} as b, r.score, r.reason, r.unsure
    from entity_resemblances r
    join entities a on a.workspace_id = r.workspace_id and a.entity_id = r.a_id
    join entities b on b.workspace_id = r.workspace_id and b.entity_id = r.b_id
    where r.workspace_id = ${workspace} and (a.type = b.type or 'other' in (a.type, b.type))
      and ${only === undefined ? sql`true` : sql`r.a_id = ${only.a} and r.b_id = ${only.b}`} and ${asked ? sql`true` : sql`not r.unsure`}
      and (r.a_id, r.b_id) not in (select d.x_id, d.y_id from (${DISTINCT(workspace)}) d)
    order by r.score desc, r.a_id, r.b_id limit ${limit}`.execute(tx)
  return found.rows
}

export async function markUnsure(tx: ScopedTx, workspace: WorkspaceId, a: string, b: string): Promise<void> {
  await sql`update entity_resemblances set unsure = true where workspace_id = ${workspace} and a_id = ${a} and b_id = ${b}`.execute(tx)
}

export async function countUncompared(tx: ScopedTx, workspace: WorkspaceId): Promise<number> {
  const found = await sql<{ left: number }>`
    select count(*)::int as left from entities where workspace_id = ${workspace} and not compared`.execute(tx)
  return found.rows[0]?.left ?? 0
}

/** @param keys in code point order. */
export async function distinguish(tx: ScopedTx, workspace: WorkspaceId, keys: readonly [string, string], madeBy: string): Promise<void> {
  await sql`
    insert into entity_distinctions (workspace_id, a_key, b_key, made_by) values (${workspace}, ${keys[0]}, ${keys[1]}, ${madeBy})
    on conflict do nothing`.execute(tx)
}

export type MergeLine = { merge_id: string; from_keys: string[]; into_name: string; made_by: string; created_at: Date }

/** Merges that hold, the newest first. */
export async function merges(tx: ScopedTx, workspace: WorkspaceId, limit: number): Promise<MergeLine[]> {
  const found = await sql<MergeLine>`
    select merge_id, array_agg(from_key order by from_key) as from_keys, min(into_name) as into_name, min(made_by) as made_by, min(created_at) as created_at
    from entity_merges where workspace_id = ${workspace}
    group by merge_id order by min(created_at) desc, merge_id limit ${limit}`.execute(tx)
  return found.rows
}
