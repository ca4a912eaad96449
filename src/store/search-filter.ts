// What a search may look at besides its scope: collections, documents and metadata, as one SQL condition on a chunk that every leg carries.
import { sql, type RawBuilder } from 'kysely'

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
  const conditions: RawBuilder<unknown>[] = []
  if (filter.collections.length > 0) conditions.push(sql` and ${row}.collection = any(${[...filter.collections]}::text[])`)
  if (filter.fileIds && filter.fileIds.length > 0) conditions.push(sql` and ${row}.file_id = any(${[...filter.fileIds]}::text[])`)
  for (const { key, values, bounds = [], contains } of filter.metadata) {
    const value = sql`${row}.metadata -> ${key}::text`
    const wanted: RawBuilder<unknown>[] = []
    if (values) wanted.push(sql`held.value = any(${[...values]}::text[])`)
    if (contains !== undefined) wanted.push(sql`position(lower(${contains}::text) in lower(held.value)) > 0`)
    wanted.push(...bounds.map(within))
    conditions.push(sql` and exists (
      select from jsonb_array_elements_text(case jsonb_typeof(${value}) when 'array' then ${value} else jsonb_build_array(${value}) end) as held(value)
      where ${sql.join(wanted, sql` and `)})`)
  }
  return sql.join(conditions, sql``)
}

function within({ operator, value }: Bound): RawBuilder<unknown> {
  if (typeof value === 'string') return sql`held.value collate "C" ${OPERATORS[operator]} ${value}::text`
  // A text that is no number must not reach the cast. The bound travels as text: a float8 becomes a numeric of 15 digits only.
  return sql`case when held.value ~ '^[+-]?[0-9]{1,30}([.][0-9]{1,30})?$' then held.value::numeric ${OPERATORS[operator]} ${String(value)}::numeric else false end`
}
