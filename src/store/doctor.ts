// Invariants of a workspace as queries: what the fold, the counts and the vectors must be, compared with what they are.
import { sql } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { VECTOR_KINDS, vectorTable, type VectorHome, type VectorKind } from './vectors.ts'

/** Entities whose votes differ from what their live mentions add up to. */
export async function wrongEntityVotes(tx: ScopedTx, workspace: WorkspaceId): Promise<string[]> {
  const found = await sql<{ entity_id: string }>`
    with counted as (
      select entity_id, kind, value, count(*)::int as votes from (
        select entity_id, 'name' as kind, name as value from entity_mentions where workspace_id = ${workspace}
        union all select entity_id, 'type', type from entity_mentions where workspace_id = ${workspace}) m
      group by entity_id, kind, value),
    stored as (select entity_id, kind, value, votes from entity_votes where workspace_id = ${workspace})
    select distinct entity_id from (
      (select * from counted except select * from stored) union all (select * from stored except select * from counted)) d
    order by entity_id`.execute(tx)
  return found.rows.map((row) => row.entity_id)
}

export async function wrongRelationVotes(tx: ScopedTx, workspace: WorkspaceId): Promise<string[]> {
  const found = await sql<{ relation_id: string }>`
    with said as (
      select relation_id, keyword, forward, weight from relation_mentions m cross join lateral unnest(array_append(m.keywords, '')) as keyword
      where m.workspace_id = ${workspace} and m.relation_id is not null),
    counted as (
      select relation_id, keyword collate "C" as keyword, count(*) filter (where forward)::int as forward, count(*) filter (where not forward)::int as backward,
        sum(weight)::numeric as weight
      from said group by relation_id, keyword),
    stored as (select relation_id, keyword, forward, backward, weight from relation_votes where workspace_id = ${workspace})
    select distinct relation_id from (
      (select * from counted except select * from stored) union all (select * from stored except select * from counted)) d
    order by relation_id`.execute(tx)
  return found.rows.map((row) => row.relation_id)
}

/** Writes the votes anew from the mentions. */
export async function recount(tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  await sql`delete from entity_votes where workspace_id = ${workspace}`.execute(tx)
  await sql`delete from relation_votes where workspace_id = ${workspace}`.execute(tx)
  await sql`
    insert into entity_votes (workspace_id, entity_id, kind, value, votes)
    select ${workspace}, entity_id, kind, value, count(*) from (
      select entity_id, 'name' as kind, name as value from entity_mentions where workspace_id = ${workspace}
      union all select entity_id, 'type', type from entity_mentions where workspace_id = ${workspace}) m
    group by entity_id, kind, value`.execute(tx)
  await sql`
    insert into relation_votes (workspace_id, relation_id, keyword, forward, backward, weight)
    select ${workspace}, relation_id, keyword, count(*) filter (where forward), count(*) filter (where not forward), sum(weight)
    from relation_mentions m cross join lateral unnest(array_append(m.keywords, '')) as keyword
    where m.workspace_id = ${workspace} and m.relation_id is not null
    group by relation_id, keyword`.execute(tx)
}

/** Every entity and relation that exists or is voted for. */
export async function graphIds(tx: ScopedTx, workspace: WorkspaceId): Promise<{ entities: string[]; relations: string[] }> {
  const found = await sql<{ entities: string[]; relations: string[] }>`
    select
      array(select entity_id from entities where workspace_id = ${workspace} union select entity_id from entity_votes where workspace_id = ${workspace}) as entities,
      array(select relation_id from relations where workspace_id = ${workspace} union select relation_id from relation_votes where workspace_id = ${workspace}) as relations`.execute(
    tx,
  )
  return found.rows[0] ?? { entities: [], relations: [] }
}

/** Ends of the relations that mentions assert, for a refold from nothing. */
export async function assertedEnds(tx: ScopedTx, workspace: WorkspaceId): Promise<{ source_key: string; target_key: string }[]> {
  const found = await sql<{ source_key: string; target_key: string }>`
    select distinct source_key, target_key from relation_mentions where workspace_id = ${workspace} and relation_id is not null`.execute(tx)
  return found.rows
}

/** Entities whose degree is not the number of their relations. */
export async function wrongDegrees(tx: ScopedTx, workspace: WorkspaceId): Promise<string[]> {
  const found = await sql<{ entity_id: string }>`
    select e.entity_id from entities e left join (
      select id, count(*)::int as degree from (
        select a_id as id from relations where workspace_id = ${workspace} union all select b_id from relations where workspace_id = ${workspace}) ends
      group by id) d on d.id = e.entity_id
    where e.workspace_id = ${workspace} and e.degree <> coalesce(d.degree, 0) order by e.entity_id`.execute(tx)
  return found.rows.map((row) => row.entity_id)
}

export async function setDegrees(tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  await sql`
    update entities e set degree = (
      select count(*) from relations r where r.workspace_id = ${workspace} and (r.a_id = e.entity_id or r.b_id = e.entity_id))
    where e.workspace_id = ${workspace}`.execute(tx)
}

export type ChunkGap = { chunk_id: string; header: string; content: string }

export type NamedSpace = Pick<VectorHome, 'space_id' | 'dim'> & { model: string }

/** Spaces of releases that were embedded elsewhere than in the workspace's own space. */
export async function releaseSpaces(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome): Promise<NamedSpace[]> {
  const found = await sql<NamedSpace>`
    select distinct s.space_id, s.dim, s.model from kb_versions v join embedding_spaces s using (space_id)
    where v.workspace_id = ${workspace} and v.space_id <> ${home.space_id} order by s.space_id`.execute(tx)
  return found.rows
}

/** The space that a re-embedding fills, has filled and waits with, or stopped in. */
export async function candidateSpace(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome): Promise<NamedSpace | undefined> {
  const found = await sql<NamedSpace>`
    select s.space_id, s.dim, s.model from reembeddings r join embedding_spaces s using (space_id)
    where r.workspace_id = ${workspace} and r.state not in ('switched', 'dropped') and r.space_id <> ${home.space_id}`.execute(tx)
  return found.rows[0]
}

/** Spaces with vectors of the workspace that neither it nor a release nor a re-embedding has. */
export async function abandonedSpaces(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome): Promise<NamedSpace[]> {
  const others = await sql<NamedSpace>`
    select space_id, dim, model from embedding_spaces
    where space_id <> ${home.space_id}
      and space_id not in (select space_id from kb_versions where workspace_id = ${workspace})
      and space_id not in (select space_id from reembeddings where workspace_id = ${workspace} and state not in ('switched', 'dropped'))
    order by space_id`.execute(tx)
  const abandoned: NamedSpace[] = []
  for (const space of others.rows) {
    const held = VECTOR_KINDS.map(
      (kind) => sql`exists (select from ${vectorTable(kind, space.dim)}
        where shard = ${home.shard} and workspace_id = ${workspace} and space_id = ${space.space_id})`,
    )
    const found = await sql<{ held: boolean }>`select ${sql.join(held, sql` or `)} as held`.execute(tx)
    if (found.rows[0]?.held === true) abandoned.push(space)
  }
  return abandoned
}

/** Chunks that belong into this space, a release's into its own and any other into `ownSpaceId`, and have no vector there. */
export async function chunksWithoutVector(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome, ownSpaceId: number): Promise<ChunkGap[]> {
  const found = await sql<ChunkGap>`
    select c.chunk_id, c.header, c.content from chunks c
    left join kb_versions r on r.workspace_id = c.workspace_id and r.file_id = c.file_id
    where c.workspace_id = ${workspace} and coalesce(r.space_id, ${ownSpaceId}) = ${home.space_id} and not exists (
      select from ${vectorTable('chunk', home.dim)} v
      where v.shard = ${home.shard} and v.workspace_id = ${workspace} and v.space_id = ${home.space_id} and v.id = c.chunk_id)
    order by c.chunk_id`.execute(tx)
  return found.rows
}

/** Chunks whose present text is ticked off in a candidate space, and which have no vector there. */
export async function checkpointedWithoutVector(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome): Promise<ChunkGap[]> {
  const found = await sql<ChunkGap>`
    select c.chunk_id, c.header, c.content
    from chunks c join reembedded_chunks r using (workspace_id, chunk_id, embed_hash)
    where c.workspace_id = ${workspace} and r.space_id = ${home.space_id} and not exists (
      select from ${vectorTable('chunk', home.dim)} v
      where v.shard = ${home.shard} and v.workspace_id = ${workspace} and v.space_id = ${home.space_id} and v.id = c.chunk_id)
    order by c.chunk_id`.execute(tx)
  return found.rows
}

export async function chunksWithoutTerms(tx: ScopedTx, workspace: WorkspaceId): Promise<ChunkGap[]> {
  const found = await sql<ChunkGap>`
    select c.chunk_id, c.header, c.content from chunks c
    where c.workspace_id = ${workspace}
      and not exists (select from chunk_terms t where t.workspace_id = ${workspace} and t.chunk_id = c.chunk_id)
    order by c.chunk_id`.execute(tx)
  return found.rows
}

/** Every name that mentions, aliases, corrections and merges use, and every fact that chunks or people assert. */
export async function embeddedTexts(
  tx: ScopedTx,
  workspace: WorkspaceId,
): Promise<{ keys: string[]; facts: { fact_id: string; fact: string }[] }> {
  const keys = await sql<{ key: string }>`
    select key from entity_mentions where workspace_id = ${workspace}
    union select key from alias_mentions where workspace_id = ${workspace}
    union select alias_key from alias_mentions where workspace_id = ${workspace}
    union select key from entity_edits where workspace_id = ${workspace} and created
    union select into_key from entity_merges where workspace_id = ${workspace}`.execute(tx)
  const facts = await sql<{ fact_id: string; fact: string }>`
    select distinct on (fact_id) fact_id, source_key || ' ' || coalesce(array_to_string(keywords, ', '), '') || ' ' || target_key as fact
    from (
      select fact_id, source_key, keywords, target_key from relation_mentions where workspace_id = ${workspace}
      union all
      select fact_id, source_key, keywords, target_key from relation_edits where workspace_id = ${workspace} and fact_id is not null) f
    order by fact_id`.execute(tx)
  return { keys: keys.rows.map((row) => row.key), facts: facts.rows }
}

export async function vectorIds(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome, kind: VectorKind): Promise<string[]> {
  const found = await sql<{ id: string }>`
    select id from ${vectorTable(kind, home.dim)}
    where shard = ${home.shard} and workspace_id = ${workspace} and space_id = ${home.space_id}`.execute(tx)
  return found.rows.map((row) => row.id)
}

export async function chunkIds(tx: ScopedTx, workspace: WorkspaceId): Promise<string[]> {
  const found = await sql<{ chunk_id: string }>`select chunk_id from chunks where workspace_id = ${workspace}`.execute(tx)
  return found.rows.map((row) => row.chunk_id)
}
