// A workspace as rows that can be carried elsewhere: which tables hold it, its rows as JSON, and the way back. The tables are
// found in the catalogue, so a new table of tenants is carried and deleted without being named here.
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { isPublished } from './staged-versions.ts'

export type TenantTable = {
  name: string
  /** Those that can be written: neither generated nor identities. */
  columns: string[]
  key: string[]
  /** Some of its rows may wait behind a curtain. */
  staged: boolean
}

/** Every table with a workspace_id, those that others refer to first. Reads the catalogue only. */
export async function tenantTables(tx: Kysely<unknown>): Promise<TenantTable[]> {
  const found = await sql<TenantTable & { parents: string[] }>`
    select c.relname as name,
      array(select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attidentity = '' and a.attgenerated = '' and a.attname <> 'staged_as'
        order by a.attnum) as columns,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'staged_as') as staged,
      array(select a.attname::text from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
        where i.indrelid = c.oid and i.indisprimary order by a.attnum) as key,
      array(select distinct p.relname::text from pg_constraint f join pg_class p on p.oid = f.confrelid
        where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as parents
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped)
    order by c.relname`.execute(tx)
  return parentsFirst(found.rows)
}

function parentsFirst(tables: readonly (TenantTable & { parents: string[] })[]): TenantTable[] {
  const names = new Set(tables.map((table) => table.name))
  const placed = new Set<string>()
  const order: TenantTable[] = []
  while (order.length < tables.length) {
    const free = tables.filter(
      (table) => !placed.has(table.name) && table.parents.every((parent) => placed.has(parent) || !names.has(parent)),
    )
    if (free.length === 0) throw new Error('the foreign keys of the tenant tables form a circle')
    for (const { name, columns, key, staged } of free) {
      placed.add(name)
      order.push({ name, columns, key, staged })
    }
  }
  return order
}

/** Whether one of the tables has a row of the workspace. */
export async function holdAnything(tx: ScopedTx, workspace: WorkspaceId, tables: readonly TenantTable[]): Promise<boolean> {
  const held = tables.map(({ name }) => sql`exists (select from ${sql.table(name)} where workspace_id = ${workspace})`)
  const found = await sql<{ held: boolean }>`select ${sql.join(held, sql` or `)} as held`.execute(tx)
  return found.rows[0]?.held === true
}

export type Space = { space_id: number; model: string; dim: number }

/** The embedding spaces that rows of the workspace refer to. */
export async function spacesOf(tx: ScopedTx, workspace: WorkspaceId, tables: readonly TenantTable[]): Promise<Space[]> {
  const columns = tables.flatMap((table) => table.columns.filter(isSpace).map((column) => ({ table: table.name, column })))
  const used = columns.map(
    ({ table, column }) => sql`select ${sql.ref(column)} as space_id from ${sql.table(table)} where workspace_id = ${workspace}`,
  )
  const found = await sql<Space>`
    select space_id, model, dim from embedding_spaces
    where space_id in (${sql.join(used, sql` union `)}) order by space_id`.execute(tx)
  return found.rows
}

const isSpace = (column: string): boolean => column === 'space_id' || column === 'from_space_id'

/** How many rows are fetched at once; a row of assets may be tens of megabytes. */
const FETCH = 100

/**
 * All rows of one table as the text of JSON objects, by primary key. `shape` changes a row of the table `t`, for example to
 * leave out what must not be carried; the text is never read as JavaScript numbers, so no digit is lost.
 */
export async function* rowsOf(tx: ScopedTx, workspace: WorkspaceId, table: TenantTable, shape: RowShape = {}): AsyncGenerator<string> {
  const order = table.key.length === 0 ? sql`` : sql`order by ${sql.join(table.key.map((column) => sql.ref(`t.${column}`)))}`
  await sql`
    declare carried no scroll cursor for
    select (to_jsonb(t) - ${['staged_as', ...(shape.without ?? [])]}::text[] || ${JSON.stringify(shape.set ?? {})}::jsonb)::text as row
    from ${sql.table(table.name)} t where t.workspace_id = ${workspace}${table.staged ? sql` and ${isPublished('t')}` : sql``} and ${shape.states === undefined ? sql`true` : sql`t.state = any(${[...shape.states]}::text[])`}
    ${order}`.execute(tx)
  for (;;) {
    const batch = await sql<{ row: string }>`fetch ${sql.raw(String(FETCH))} from carried`.execute(tx)
    for (const { row } of batch.rows) yield row
    if (batch.rows.length < FETCH) break
  }
  await sql`close carried`.execute(tx)
}

export type RowShape = { without?: readonly string[]; set?: Readonly<Record<string, unknown>>; states?: readonly string[] }

/** Documents whose work is not carried with them would wait for ever; they say what happened instead. */
export async function* documentRows(tx: ScopedTx, workspace: WorkspaceId, table: TenantTable, error: string): AsyncGenerator<string> {
  for await (const row of rowsOf(tx, workspace, table)) {
    const settled = await sql<{ row: string }>`
      select (case when r ->> 'parse_status' in ('pending', 'processing')
        then r || jsonb_build_object('parse_status', 'failed', 'stage', 'failed', 'parse_error', ${error}::text) else r end)::text as row
      from (select ${row}::jsonb as r) one`.execute(tx)
    yield settled.rows[0]?.row ?? row
  }
}

/**
 * Writes rows as `rowsOf` gave them. The workspace is the scope's whatever the rows say, embedding spaces are those of this
 * database, and vectors go to the shared shard. A column that the rows do not have takes its default.
 */
export async function insertRows(
  tx: ScopedTx,
  workspace: WorkspaceId,
  table: TenantTable,
  rows: readonly string[],
  columns: readonly string[],
  spaces: ReadonlyMap<number, number>,
): Promise<void> {
  if (rows.length === 0) return
  const known = table.columns.filter((column) => columns.includes(column))
  const map = JSON.stringify(Object.fromEntries(spaces))
  const fixed: RawBuilder<unknown>[] = [sql`jsonb_build_object('workspace_id', ${workspace}::text)`]
  if (known.includes('shard')) fixed.push(sql`'{"shard": "small"}'::jsonb`)
  for (const column of known.filter(isSpace)) {
    fixed.push(sql`jsonb_build_object(${column}::text, (${map}::jsonb ->> (r.row::jsonb ->> ${column}))::int)`)
  }
  const list = sql.join(known.map((column) => sql.ref(column)))
  await sql`
    insert into ${sql.table(table.name)} (${list})
    select ${sql.join(known.map((column) => sql.ref(`p.${column}`)))}
    from unnest(${[...rows]}::text[]) with ordinality r(row, place),
      lateral jsonb_populate_record(null::${sql.table(table.name)}, r.row::jsonb || ${sql.join(fixed, sql` || `)}) p
    order by r.place`.execute(tx)
}
