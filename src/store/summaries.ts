// Summaries of entities and relations: which folds may have outgrown their thresholds, what a summary reads, and its row.
import { sql, type RawBuilder } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

export type Summarised = 'entity' | 'relation'

const TABLES = {
  entity: {
    rows: sql.table('entities'),
    mentions: sql.table('entity_mentions'),
    summaries: sql.table('entity_summaries'),
    id: sql.ref('entity_id'),
  },
  relation: {
    rows: sql.table('relations'),
    mentions: sql.table('relation_mentions'),
    summaries: sql.table('relation_summaries'),
    id: sql.ref('relation_id'),
  },
}

/** What a person has described is not summarised: their words count. */
const DESCRIBED: Record<Summarised, RawBuilder<unknown>> = {
  entity: sql`exists (
    select from entity_edits d where d.workspace_id = e.workspace_id and d.description is not null
      and (d.key = e.key or d.key in (select k.key from entity_keys k where k.workspace_id = e.workspace_id and k.entity_id = e.entity_id)))`,
  relation: sql`exists (
    select from relation_edits d where d.workspace_id = e.workspace_id and d.description is not null and d.relation_id = e.relation_id)`,
}

const NAME: Record<Summarised, RawBuilder<unknown>> = {
  entity: sql`e.name`,
  relation: sql`(select a.name || ' – ' || b.name from entities a, entities b
    where a.workspace_id = e.workspace_id and a.entity_id = e.a_id and b.workspace_id = e.workspace_id and b.entity_id = e.b_id)`,
}

/** Mentions by which a fold must have grown since it was last looked at: a hub is summarised a few times in its life, not at every document. */
const GROWTH = 1.5

export type Outgrown = { id: string; name: string; mentions: number; mentions_hash: string | null }

/**
 * Folds that may have outgrown their thresholds since they were last looked at, those with the most mentions first: of some, or of the
 * whole workspace. Whether a summary is worth its price is seen from the descriptions themselves.
 */
export async function outgrown(
  tx: ScopedTx,
  workspace: WorkspaceId,
  kind: Summarised,
  { limit, without = [], among }: { limit: number; without?: readonly string[]; among?: readonly string[] },
): Promise<Outgrown[]> {
  const { rows, summaries, id } = TABLES[kind]
  const found = await sql<Outgrown>`
    select e.${id} as id, ${NAME[kind]} as name, e.mentions, s.mentions_hash
    from ${rows} e left join ${summaries} s on s.workspace_id = e.workspace_id and s.${id} = e.${id}
    where e.workspace_id = ${workspace} and (e.mentions >= 8 or (e.mentions >= 2 and octet_length(e.description) >= 1200))
      and (s.mentions is null or e.mentions >= s.mentions * ${GROWTH}::float8)
      and e.${id} <> all(${[...without]}::text[]) and ${among === undefined ? sql`true` : sql`e.${id} = any(${[...among]}::text[])`}
      and not ${DESCRIBED[kind]}
    order by e.mentions desc, e.${id} limit ${limit}`.execute(tx)
  return found.rows
}

export type ReadMention = { chunk_id: string; key: string; description: string }

/** LightRAG's limit of sources; a hub of ten thousand mentions is summarised from its first. */
const MAX_READ = 200

const KEY: Record<Summarised, RawBuilder<unknown>> = { entity: sql`m.key`, relation: sql`m.source_key || ' ' || m.target_key` }

/** What a summary is made of, in the fold's order. */
export async function mentionsOf(tx: ScopedTx, workspace: WorkspaceId, kind: Summarised, id: string): Promise<ReadMention[]> {
  const tables = TABLES[kind]
  const key = KEY[kind]
  const order = kind === 'entity' ? sql`m.rank, m.chunk_id, m.key` : sql`m.rank, m.chunk_id, m.source_key, m.target_key`
  const found = await sql<ReadMention>`
    select m.chunk_id, ${key} as key, m.description from ${tables.mentions} m
    where m.workspace_id = ${workspace} and m.${tables.id} = ${id} order by ${order} limit ${MAX_READ}`.execute(tx)
  return found.rows
}

/** Whether all of these still say what they said, whatever came beside them. */
export async function allThere(
  tx: ScopedTx,
  workspace: WorkspaceId,
  kind: Summarised,
  id: string,
  read: readonly ReadMention[],
): Promise<boolean> {
  const tables = TABLES[kind]
  const found = await sql<{ gone: boolean }>`
    select exists (
      select from jsonb_to_recordset(${JSON.stringify(read)}::jsonb) as r(chunk_id text, key text, description text)
      where not exists (
        select from ${tables.mentions} m
        where m.workspace_id = ${workspace} and m.${tables.id} = ${id} and m.chunk_id = r.chunk_id and ${KEY[kind]} = r.key
          and m.description = r.description)) as gone`.execute(tx)
  return found.rows[0]?.gone === false
}

export type SummaryRow = {
  id: string
  mentionsHash: string
  mentions: number
  /** Null: nothing worth summarising. */ summary: string | null
}

export async function save(tx: ScopedTx, workspace: WorkspaceId, kind: Summarised, row: SummaryRow): Promise<void> {
  const { summaries, id } = TABLES[kind]
  await sql`
    insert into ${summaries} (workspace_id, ${id}, mentions_hash, summary, mentions)
    values (${workspace}, ${row.id}, ${row.mentionsHash}, ${row.summary}, ${row.mentions})
    on conflict (workspace_id, ${id}) do update
    set mentions_hash = excluded.mentions_hash, summary = excluded.summary, mentions = excluded.mentions`.execute(tx)
}

/** The same mentions were read before: only how many there are today is new. */
export async function confirm(tx: ScopedTx, workspace: WorkspaceId, kind: Summarised, entity: string, mentions: number): Promise<void> {
  const { summaries, id } = TABLES[kind]
  await sql`update ${summaries} set mentions = ${mentions} where workspace_id = ${workspace} and ${id} = ${entity}`.execute(tx)
}

/** What lost a mention must not go on saying what that mention said. */
export async function drop(tx: ScopedTx, workspace: WorkspaceId, kind: Summarised, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const { summaries, id } = TABLES[kind]
  await sql`delete from ${summaries} where workspace_id = ${workspace} and ${id} = any(${[...ids]}::text[])`.execute(tx)
}
