// What the outside must be told: written with the change it tells of, delivered in order per subject, at least once.
import { sql, type Kysely } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import { boundedWaits } from './scope.ts'

export type OutboxRow = {
  id: string
  event_id: string
  workspace_id: WorkspaceId
  subject: string
  kind: string
  body: Record<string, unknown>
  secret: Buffer | null
  attempts: number
  created_at: Date
}

export async function add(
  tx: Kysely<unknown>,
  workspace: WorkspaceId,
  event: { subject: string; kind: string; body: Record<string, unknown>; secret: Buffer | null },
): Promise<void> {
  await sql`
    insert into outbox (workspace_id, subject, kind, body, secret)
    values (${workspace}, ${event.subject}, ${event.kind}, ${JSON.stringify(event.body)}::jsonb, ${event.secret})`.execute(tx)
}

/**
 * Takes the due events that are first in line for their subject, few per workspace so that one slow receiver delays
 * nobody else. An older state that already failed to arrive is superseded by a newer one.
 */
export async function claimDue(
  db: Kysely<unknown>,
  options: { limit: number; perWorkspace: number; leaseMs: number },
): Promise<OutboxRow[]> {
  // While a receiver is down thousands wait for their next try. Only when one is due are they sorted: an event that supersedes another is
  // due from the moment it is written until it has.
  const due = await sql`
    select 1 from outbox where state = 'pending' and next_at <= now() and (lease_until is null or lease_until < now()) limit 1`.execute(db)
  if (due.rows.length === 0) return []
  return db.transaction().execute(async (tx) => {
    await sql`select ${boundedWaits()}, pg_advisory_xact_lock(727003)`.execute(tx)
    await sql`
      update outbox o set state = 'superseded', secret = null, finished_at = now()
      where o.state = 'pending' and o.attempts > 0 and (o.lease_until is null or o.lease_until < now())
        and exists (select from outbox n where n.workspace_id = o.workspace_id and n.subject = o.subject and n.kind = o.kind and n.state = 'pending' and n.id > o.id)`.execute(
      tx,
    )
    const claimed = await sql<OutboxRow>`
      with first as (
        select distinct on (workspace_id, subject) id, workspace_id, next_at, lease_until from outbox
        where state = 'pending' order by workspace_id, subject, id),
      busy as (select workspace_id, count(*) as n from first where lease_until >= now() group by workspace_id),
      due as (
        select f.id, row_number() over (partition by f.workspace_id order by f.id) + coalesce(b.n, 0) as place from first f
        left join busy b using (workspace_id)
        where f.next_at <= now() and (f.lease_until is null or f.lease_until < now()))
      update outbox set lease_until = now() + ${options.leaseMs} * interval '1 millisecond', attempts = attempts + 1
      where id in (select id from due where place <= ${options.perWorkspace} order by place, id limit ${options.limit})
      returning id, event_id, workspace_id, subject, kind, body, secret, attempts, created_at`.execute(tx)
    return claimed.rows
  })
}

export async function delivered(db: Kysely<unknown>, id: string): Promise<void> {
  await sql`
    update outbox set state = 'delivered', secret = null, lease_until = null, last_error = null, finished_at = now()
    where id = ${id} and state = 'pending'`.execute(db)
}

export async function later(db: Kysely<unknown>, id: string, reason: string, delayMs: number): Promise<void> {
  await sql`
    update outbox set next_at = now() + ${delayMs} * interval '1 millisecond', lease_until = null, last_error = ${reason}
    where id = ${id} and state = 'pending'`.execute(db)
}

/** The sender stops before it knows: the event is due at once for whoever comes next. That was no attempt. */
export async function release(db: Kysely<unknown>, id: string): Promise<void> {
  await sql`update outbox set lease_until = null, attempts = greatest(attempts - 1, 0) where id = ${id} and state = 'pending'`.execute(db)
}

/** Events of senders that are known to be dead. */
export async function releaseAll(db: Kysely<unknown>): Promise<void> {
  await sql`update outbox set lease_until = null where state = 'pending' and lease_until is not null`.execute(db)
}

/** Undeliverable: kept, visible and replayable. The caller's token has no use any more. */
export async function park(db: Kysely<unknown>, id: string, reason: string): Promise<void> {
  await sql`
    update outbox set state = 'parked', secret = null, lease_until = null, last_error = ${reason}, finished_at = now()
    where id = ${id} and state = 'pending'`.execute(db)
}

/** A deleted document tells nothing any more. */
export async function silence(tx: Kysely<unknown>, workspace: WorkspaceId, subject: string): Promise<void> {
  await sql`
    update outbox set state = 'superseded', secret = null, finished_at = now()
    where workspace_id = ${workspace} and subject = ${subject} and state = 'pending'`.execute(tx)
}

/**
 * Sends parked events again: by id, or all that were made in a span of time. One that a later event of its subject has
 * overtaken would tell an old state, so it is superseded instead. Returns how many go out.
 */
export async function replay(
  db: Kysely<unknown>,
  which: { eventIds?: readonly string[]; since?: Date | undefined; until?: Date | undefined },
): Promise<number> {
  const ids = which.eventIds === undefined ? null : [...which.eventIds]
  const changed = await sql<{ state: string }>`
    with chosen as (
      select o.id, exists (
          select from outbox n where n.workspace_id = o.workspace_id and n.subject = o.subject and n.kind = o.kind and n.id > o.id and n.state = 'delivered') as overtaken
      from outbox o
      where o.state = 'parked'
        and (${ids}::uuid[] is null or o.event_id = any(${ids}::uuid[]))
        and (${which.since ?? null}::timestamptz is null or o.created_at >= ${which.since ?? null})
        and (${which.until ?? null}::timestamptz is null or o.created_at < ${which.until ?? null}))
    update outbox o
    set state = case when c.overtaken then 'superseded' else 'pending' end, next_at = now(), attempts = 0, last_error = null,
      finished_at = case when c.overtaken then now() end
    from chosen c where o.id = c.id
    returning o.state`.execute(db)
  return changed.rows.filter((row) => row.state === 'pending').length
}

export type OutboxView = {
  event_id: string
  workspace_id: string
  subject: string
  kind: string
  state: string
  attempts: number
  last_error: string | null
  created_at: Date
  next_at: Date
}

export async function list(db: Kysely<unknown>, state: string, limit: number): Promise<OutboxView[]> {
  const found = await sql<OutboxView>`
    select event_id, workspace_id, subject, kind, state, attempts, last_error, created_at, next_at
    from outbox where state = ${state} order by id desc limit ${limit}`.execute(db)
  return found.rows
}

/** What is not delivered, by state, and the age of the oldest that waits. */
export async function backlog(db: Kysely<unknown>): Promise<{ state: string; events: number; oldest_seconds: number }[]> {
  const found = await sql<{ state: string; events: number; oldest_seconds: number }>`
    select state, count(*)::int as events, extract(epoch from now() - min(created_at))::float8 as oldest_seconds
    from outbox where state in ('pending', 'parked') group by state order by state`.execute(db)
  return found.rows
}

export async function forgetFinished(db: Kysely<unknown>): Promise<void> {
  await sql`delete from outbox where state in ('delivered', 'superseded') and finished_at < now() - interval '30 days'`.execute(db)
}
