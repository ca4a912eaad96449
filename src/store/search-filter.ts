// What a search may look at besides its scope: collections, documents and metadata, as one SQL condition on a chunk that every leg carries.
import { sql, type RawBuilder } from 'kysely'
import { workspaceKind, type WorkspaceId, type WorkspaceKind } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

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
  /** Where it is known: of every workspace searched, the documents whose chunks match all of the former, which then need not be asked again. */
  documents?: ReadonlyMap<string, readonly string[]>
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
  if (!filter.documents)
    return conditions(filter, { collection: sql`${row}.collection`, file: sql`${row}.file_id`, metadata: sql`${row}.metadata` })
  const found = [...filter.documents].filter(([, ids]) => ids.length > 0)
  if (found.length === 0) return sql` and false`
  const parts = found.map(([workspace, ids]) => {
    const one = sql`${row}.file_id = any(${[...ids]}::text[])`
    // The statement names the workspace itself; only several have to be told apart, for a document of the same id may be in each.
    return filter.documents?.size === 1 ? one : sql`${row}.workspace_id = ${workspace} and ${one}`
  })
  return sql` and (${sql.join(parts, sql` or `)})`
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

/**
 * The filter with its documents, found once and not by every leg: there are twenty times fewer of them than chunks, and a leg that knows them
 * reads nothing else. Left as it is where it does not look at metadata, where too many match, and in courses and knowledge bases, whose
 * chunks bear metadata of their own.
 */
export async function withDocuments(
  tx: ScopedTx,
  workspaces: readonly WorkspaceId[],
  filter: ChunkFilter | undefined,
): Promise<ChunkFilter | undefined> {
  if (!filter || filter.metadata.length === 0 || workspaces.some((workspace) => OF_CHUNKS.has(workspaceKind(workspace)))) return filter
  const columns = { collection: sql`d.live_collection`, file: sql`d.file_id`, metadata: sql`d.live_metadata` }
  const found = await sql<{ workspace_id: string; file_id: string }>`
    select d.workspace_id, d.file_id from documents d
    where d.workspace_id = any(${[...workspaces]}::text[]) and d.live_name is not null${conditions(filter, columns)}
    limit ${MAX_DOCUMENTS + 1}`.execute(tx)
  if (found.rows.length > MAX_DOCUMENTS) return filter
  const documents = Map.groupBy(found.rows, (row) => row.workspace_id)
  return { ...filter, documents: new Map(workspaces.map((id) => [id, (documents.get(id) ?? []).map((row) => row.file_id)])) }
}

const OF_CHUNKS: ReadonlySet<WorkspaceKind> = new Set(['course', 'kb'])

function within(held: RawBuilder<unknown>, { operator, value }: Bound): RawBuilder<unknown> {
  if (typeof value === 'string') return sql`${held} collate "C" ${OPERATORS[operator]} ${value}::text`
  // A text that is no number must not reach the cast. The bound travels as text: a float8 becomes a numeric of 15 digits only.
  return sql`case when ${held} ~ '^[+-]?[0-9]{1,30}([.][0-9]{1,30})?$' then (${held})::numeric ${OPERATORS[operator]} ${String(value)}::numeric else false end`
}
