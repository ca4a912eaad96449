// What a search may look at besides its scope: collections, documents and metadata, as one SQL condition on a chunk that every leg carries.
import { sql, type RawBuilder } from 'kysely'
import { workspaceKind, type WorkspaceKind } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import type { WorkspaceRow } from './workspaces.ts'

export type Bound = { operator: 'gte' | 'gt' | 'lte' | 'lt'; value: string | number }

/** What one key of the metadata must hold. All of it must be true of the same value. */
export type KeyFilter = {
  key: string
  /** Any of these. Values are compared as text, so 5 finds 5 and "5". */
  values?: readonly string[]
  /** A number bounds numbers and texts that are one; a text bounds texts by code point, so that dates as 2024-09-01 work. */
  bounds?: readonly Bound[]
  /** Stands somewhere in the value, upper or lower case. */
  contains?: string
}

export type ChunkFilter = {
  /** Any of these; empty means every collection. */
  collections: readonly string[]
  /** Any of these documents; left out or empty means every document. */
  fileIds?: readonly string[]
  /** All keys must match. */
  metadata: readonly KeyFilter[]
  /** Where they are few: of a workspace, the documents whose chunks match all of the former, which then need not be asked again. */
  documents?: ReadonlyMap<string, readonly string[]>
  /** Where they are too many to be compared one by one: of a workspace with an index of its own, the share of its chunks that match. */
  broad?: ReadonlyMap<string, number>
}

const OPERATORS = { gte: sql.raw('>='), gt: sql.raw('>'), lte: sql.raw('<='), lt: sql.raw('<') } as const

/**
 * ` and …` over the row of `chunks` known as `alias`; nothing without a filter. A list in the metadata matches if one of its values does.
 *
 * @param alias a table alias of ours, never input.
 */
export function andMatches(alias: string, filter: ChunkFilter | undefined): RawBuilder<unknown> {
  if (!filter) return sql``
  const row = sql.raw(alias)
  const asked = conditions(filter, { collection: sql`${row}.collection`, file: sql`${row}.file_id`, metadata: sql`${row}.metadata` })
  if (!filter.documents) return asked
  const parts = [
    ...[...filter.documents]
      .filter(([, ids]) => ids.length > 0)
      .map(([id, ids]) => [id, sql` and ${row}.file_id = any(${[...ids]}::text[])`] as const),
    ...[...(filter.broad?.keys() ?? [])].map((id) => [id, asked] as const),
  ]
  if (parts.length === 0) return sql` and false`
  // The statement names the workspace itself; only several have to be told apart, for a document of the same id may be in each.
  const isAlone = filter.documents.size + (filter.broad?.size ?? 0) === 1
  return sql` and (${sql.join(
    parts.map(([id, condition]) => (isAlone ? sql`true${condition}` : sql`${row}.workspace_id = ${id}${condition}`)),
    sql` or `,
  )})`
}

type Columns = { collection: RawBuilder<unknown>; file: RawBuilder<unknown>; metadata: RawBuilder<unknown> }

function conditions(filter: ChunkFilter, { collection, file, metadata }: Columns): RawBuilder<unknown> {
  const all: RawBuilder<unknown>[] = []
  if (filter.collections.length > 0) all.push(sql` and ${collection} = any(${[...filter.collections]}::text[])`)
  if (filter.fileIds && filter.fileIds.length > 0) all.push(sql` and ${file} = any(${[...filter.fileIds]}::text[])`)
  for (const one of filter.metadata) {
    const value = sql`${metadata} -> ${one.key}::text`
    // Most values are no lists, and unnesting one costs ten times what comparing it does.
    all.push(sql` and case jsonb_typeof(${value}) when 'array'
      then exists (select from jsonb_array_elements_text(${value}) as held(value) where ${holds(sql`held.value`, one)})
      else ${holds(sql`(${value} #>> '{}')`, one)} end`)
  }
  return sql.join(all, sql``)
}

function holds(value: RawBuilder<unknown>, { values, bounds = [], contains }: KeyFilter): RawBuilder<unknown> {
  const wanted = bounds.map((bound) => within(value, bound))
  if (values) wanted.push(sql`${value} = any(${[...values]}::text[])`)
  if (contains !== undefined) wanted.push(sql`position(lower(${contains}::text) in lower(${value})) > 0`)
  return wanted.length === 0 ? sql`${value} is not null` : sql.join(wanted, sql` and `)
}

/** More documents than these are not written into every statement. */
const MAX_DOCUMENTS = 5_000

/** Up to so many matching chunks, comparing them one by one costs no more than an index that passes over the others. */
const MOST_COMPARED = 5_000

/**
 * The filter with its documents, found once and not by every leg: there are twenty times fewer of them than chunks, and a leg that knows them
 * reads nothing else. A list of thousands in every statement costs more than asking the few chunks that a leg meets, so where much matches
 * that is what they do. Left as it is where it only lists documents, where too many match, and in courses and knowledge bases, whose chunks
 * bear metadata of their own.
 */
export async function withDocuments(
  tx: ScopedTx,
  workspaces: readonly WorkspaceRow[],
  filter: ChunkFilter | undefined,
): Promise<ChunkFilter | undefined> {
  if (!filter || filter.metadata.length + filter.collections.length === 0) return filter
  if (workspaces.some(({ workspace_id: id }) => OF_CHUNKS.has(workspaceKind(id)))) return filter
  const columns = { collection: sql`d.live_collection`, file: sql`d.file_id`, metadata: sql`d.live_metadata` }
  const found = await sql<{ workspace_id: string; chunks: number; share: number; file_ids: string[] }>`
    select workspace_id, coalesce(sum(chunk_count) filter (where matches), 0)::int as chunks,
      coalesce((sum(chunk_count) filter (where matches))::float8 / nullif(sum(chunk_count), 0), 0) as share,
      (array_agg(file_id) filter (where matches))[1:${MAX_DOCUMENTS + 1}] as file_ids
    from (
      select d.workspace_id, d.file_id, d.chunk_count, true${conditions(filter, columns)} as matches from documents d
      where d.workspace_id = any(${workspaces.map((workspace) => workspace.workspace_id)}::text[]) and d.live_name is not null) d
    group by workspace_id`.execute(tx)
  const rows = new Map(found.rows.map((row) => [row.workspace_id, row]))
  const isBroad = ({ workspace_id: id, shard }: WorkspaceRow): boolean => shard !== 'small' && (rows.get(id)?.chunks ?? 0) > MOST_COMPARED
  const listed = workspaces
    .filter((workspace) => !isBroad(workspace))
    .map(({ workspace_id: id }) => [id, rows.get(id)?.file_ids ?? []] as const)
  if (listed.reduce((sum, [, ids]) => sum + ids.length, 0) > MAX_DOCUMENTS) return filter
  return {
    ...filter,
    documents: new Map(listed),
    broad: new Map(workspaces.filter(isBroad).map(({ workspace_id: id }) => [id, rows.get(id)?.share ?? 1])),
  }
}

const OF_CHUNKS: ReadonlySet<WorkspaceKind> = new Set(['course', 'kb'])

function within(held: RawBuilder<unknown>, { operator, value }: Bound): RawBuilder<unknown> {
  if (typeof value === 'string') return sql`${held} collate "C" ${OPERATORS[operator]} ${value}::text`
  // A text that is no number must not reach the cast. The bound travels as text: a float8 becomes a numeric of 15 digits only.
  return sql`case when ${held} ~ '^[+-]?[0-9]{1,30}([.][0-9]{1,30})?$' then (${held})::numeric ${OPERATORS[operator]} ${String(value)}::numeric else false end`
}
