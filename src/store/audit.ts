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

/** Of the act in entry `ends`. */
export type End = { ends: string; outcome: string }

export type AuditRow = {
  entry: string
  at: Date
  actor: string
  action: string
  workspace: string | null
  subject: Record<string, unknown>
  request_id: string | null
  outcome: string | null
}

/** @param previous hash of the entry before, '' for the first. The other columns are those of an entry; an act's are those it always had. */
const hashOver = (previous: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  encode(sha256(convert_to(
    (jsonb_build_array(${previous}, entry, extract(epoch from at), actor, action, workspace, subject, request_id)
      || case when num_nonnulls(ends, outcome) = 0 then '[]'::jsonb else jsonb_build_array(ends, outcome) end)::text, 'UTF8')), 'hex')`

/** Of an entry that makes a lost head anew: also the trail says that it was lost. */
const HEAD_LOST: Act = {
  actor: 'service',
  action: 'head of the trail was missing',
  workspace: undefined,
  subject: {},
  requestId: undefined,
}

/**
 * In a transaction of its own. Entries wait for each other at the head; one that was lost is made anew from the last entry.
 *
 * @returns the number of the entry.
 */
export async function append(db: Kysely<unknown>, act: Act, end?: End): Promise<string> {
  return db.transaction().execute(async (tx) => {
    await sql`select ${boundedWaits()}`.execute(tx)
    const head = await sql<{ lost: boolean }>`
      insert into audit_head (entries, hash)
      select coalesce(max(entry), 0), coalesce((array_agg(hash order by entry desc))[1], '') from audit_entries
      where not exists (select from audit_head)
      on conflict (single) do update set entries = audit_head.entries
      returning xmax = 0 and entries > 0 as lost`.execute(tx)
    if (head.rows[0]?.lost === true) await add(tx, HEAD_LOST)
    return add(tx, act, end)
  })
}

async function add(tx: Kysely<unknown>, act: Act, end?: End): Promise<string> {
  const added = await sql<{ entries: string }>`
    with made as (
      insert into audit_entries (entry, at, actor, action, workspace, subject, request_id, ends, outcome, hash)
      select entry, at, actor, action, workspace, subject, request_id, ends, outcome, ${hashOver(sql`previous`)}
      from (select entries + 1 as entry, hash as previous, clock_timestamp() as at, ${act.actor}::text as actor, ${act.action}::text as action,
        ${act.workspace ?? null}::text as workspace, ${JSON.stringify(act.subject)}::jsonb as subject, ${act.requestId ?? null}::text as request_id,
        ${end?.ends ?? null}::bigint as ends, ${end?.outcome ?? null}::text as outcome from audit_head) a
      returning entry, hash)
    update audit_head set entries = made.entry, hash = made.hash from made returning entries`.execute(tx)
  return added.rows[0]?.entries ?? ''
}

/** Acts with how they ended, the newest first; `before` an entry, when given. */
export async function list(db: Kysely<unknown>, limit: number, before?: number): Promise<AuditRow[]> {
  const found = await sql<AuditRow>`
    select act.entry, act.at, act.actor, act.action, act.workspace, act.subject, act.request_id, e.outcome
    from audit_entries act left join audit_entries e on e.ends = act.entry
    where act.ends is null and act.entry < ${before ?? Number.MAX_SAFE_INTEGER} order by act.entry desc limit ${limit}`.execute(db)
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
