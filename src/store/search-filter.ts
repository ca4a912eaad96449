// What a search may look at besides its scope: collections and metadata, as one SQL condition on a chunk that every leg carries.
import { sql, type RawBuilder } from 'kysely'

export type ChunkFilter = {
  /** Any of these; empty means every collection. */
  collections: readonly string[]
  /** All keys must match; of one key any value. Values are compared as text, so 5 finds 5 and "5". */
  metadata: readonly { key: string; values: readonly string[] }[]
}

/**
 * ` and …` over the row of `chunks` known as `alias`; nothing without a filter. A list in the metadata matches if it contains
 * one of the values.
 *
 * @param alias a table alias of ours, never input.
 */
export function andMatches(alias: string, filter: ChunkFilter | undefined): RawBuilder<unknown> {
  if (!filter) return sql``
  const row = sql.raw(alias)
  const conditions: RawBuilder<unknown>[] = []
  if (filter.collections.length > 0) conditions.push(sql` and ${row}.collection = any(${[...filter.collections]}::text[])`)
  for (const { key, values } of filter.metadata) {
    const value = sql`${row}.metadata -> ${key}::text`
    conditions.push(sql` and exists (
      select from jsonb_array_elements_text(case jsonb_typeof(${value}) when 'array' then ${value} else jsonb_build_array(${value}) end) as held(value)
      where held.value = any(${[...values]}::text[]))`)
  }
  return sql.join(conditions, sql``)
}
