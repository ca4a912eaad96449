// The trail of what administrators did: appended one by one, each entry bound to the one before by its hash. Written by the service's own
// login; the role of tenants has no right to it.
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { boundedWaits } from './scope.ts'

export type Act = {
  actor: string
  action: string
  workspace: string | undefined
  subject: Readonly<Record<string, unknown>>
  requestId: string | undefined
}

export type AuditRow = {
  entry: string
  at: Date
  actor: string
  action: string
  workspace: string | null
  subject: Record<string, unknown>
  request_id: string | null
}

/** @param previous hash of the entry before, '' for the first. The other columns are those of an entry. */
const hashOver = (previous: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  encode(sha256(convert_to(
    jsonb_build_array(${previous}, entry, extract(epoch from at), actor, action, workspace, subject, request_id)::text, 'UTF8')), 'hex')`

/** In a transaction of its own. Entries wait for each other at the head. */
export async function append(db: Kysely<unknown>, act: Act): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select ${boundedWaits()}`.execute(tx)
    const head = await sql<{ entries: string; hash: string }>`
      insert into audit_head (entries, hash) values (0, '') on conflict (single) do update set entries = audit_head.entries
      returning entries, hash`.execute(tx)
    const { entries, hash } = head.rows[0] ?? { entries: '0', hash: '' }
    await sql`
      with made as (
        insert into audit_entries (entry, at, actor, action, workspace, subject, request_id, hash)
        select entry, at, actor, action, workspace, subject, request_id, ${hashOver(sql`${hash}::text`)}
        from (select ${entries}::bigint + 1 as entry, clock_timestamp() as at, ${act.actor}::text as actor, ${act.action}::text as action,
          ${act.workspace ?? null}::text as workspace, ${JSON.stringify(act.subject)}::jsonb as subject, ${act.requestId ?? null}::text as request_id) a
        returning entry, hash)
      update audit_head set entries = made.entry, hash = made.hash from made`.execute(tx)
  })
}

/** The newest first; `before` an entry, when given. */
export async function list(db: Kysely<unknown>, limit: number, before?: number): Promise<AuditRow[]> {
  const found = await sql<AuditRow>`
    select entry, at, actor, action, workspace, subject, request_id from audit_entries
    where entry < ${before ?? Number.MAX_SAFE_INTEGER} order by entry desc limit ${limit}`.execute(db)
  return found.rows
}

/** The first entry that is not what was written, or after which one is missing; undefined when the whole trail is as it was written. */
export async function firstBroken(db: Kysely<unknown>): Promise<number | undefined> {
  const found = await sql<{ broken: string | null }>`
    with chained as (
      select entry, hash, row_number() over (order by entry) as place, ${hashOver(sql`coalesce(lag(hash) over (order by entry), '')`)} as computed
      from audit_entries),
    last as (select coalesce(max(entry), 0) as entry from audit_entries)
    select coalesce(
      (select min(entry) from chained where hash <> computed or entry <> place),
      (select last.entry from last where last.entry <> coalesce((select entries from audit_head), 0)
        or coalesce((select hash from audit_entries a where a.entry = last.entry), '') <> coalesce((select hash from audit_head), ''))) as broken`.execute(
    db,
  )
  const broken = found.rows[0]?.broken
  return broken === null || broken === undefined ? undefined : Number(broken)
}
