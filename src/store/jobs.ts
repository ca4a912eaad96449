// Durable work: claimed fairly between tenants, leased, fenced by a token. Crosses tenants and holds no document text.
import { sql, type Kysely } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import { boundedWaits, type ScopedTx } from './scope.ts'

export type JobRow = {
  id: string
  job_id: string
  workspace_id: WorkspaceId
  kind: string
  subject: string
  payload: Record<string, unknown>
  secret: Buffer | null
  attempts: number
  max_attempts: number
  lease_token: string
  created_at: Date
}

export type NewJob = {
  kind: string
  subject: string
  payload: Record<string, unknown>
  secret: Buffer | undefined
  priority?: number
  /** Not before this time from now. */ delayMs?: number
}

/** Queues work unless the same work is queued or running; then that job's id, and `fresh` is false. */
export async function enqueue(tx: ScopedTx, workspace: WorkspaceId, job: NewJob): Promise<{ jobId: string; fresh: boolean }> {
  const made = await sql<{ job_id: string }>`
    insert into jobs (workspace_id, kind, subject, payload, secret, priority, run_at)
    values (${workspace}, ${job.kind}, ${job.subject}, ${JSON.stringify(job.payload)}::jsonb, ${job.secret ?? null}, ${job.priority ?? 0},
      now() + ${job.delayMs ?? 0} * interval '1 millisecond')
    on conflict (workspace_id, kind, subject) where state in ('queued', 'running') do nothing
    returning job_id`.execute(tx)
  if (made.rows[0]) return { jobId: made.rows[0].job_id, fresh: true }
  const live = await active(tx, workspace, job.kind, job.subject)
  // The other job may have ended between the two statements; then this one takes its place.
  return live === undefined ? enqueue(tx, workspace, job) : { jobId: live, fresh: false }
}

export async function active(db: Kysely<unknown>, workspace: WorkspaceId, kind: string, subject: string): Promise<string | undefined> {
  const found = await sql<{ job_id: string }>`
    select job_id from jobs
    where workspace_id = ${workspace} and kind = ${kind} and subject = ${subject} and state in ('queued', 'running')`.execute(db)
  return found.rows[0]?.job_id
}

/** What an ended job was asked to do; undefined when its row is forgotten. */
export async function payloadOf(db: Kysely<unknown>, workspace: WorkspaceId, jobId: string): Promise<Record<string, unknown> | undefined> {
  const found = await sql<{ payload: Record<string, unknown> }>`
    select payload from jobs where workspace_id = ${workspace} and job_id = ${jobId}`.execute(db)
  return found.rows[0]?.payload
}

export type ClaimOptions = {
  kinds: readonly string[]
  /** Jobs of one workspace that may run at once. */
  perWorkspace: number
  leaseMs: number
}

/**
 * Takes the next job: of the workspaces with work due, the one with the fewest jobs running comes first, among equals the
 * one that was served longest ago, so ten thousand queued jobs of one tenant do not delay another's ten. The lock stands in
 * a statement of its own: inside the claim it would wait with a snapshot taken before the wait.
 */
export function claim(db: Kysely<unknown>, options: ClaimOptions): Promise<JobRow | undefined> {
  return db.transaction().execute(async (tx) => {
    await sql`select ${boundedWaits()}, pg_advisory_xact_lock(727002)`.execute(tx)
    const claimed = await sql<JobRow>`
      with recursive tenant as (
        (select workspace_id from jobs where state = 'queued' order by workspace_id limit 1)
        union all
        select (select j.workspace_id from jobs j where j.state = 'queued' and j.workspace_id > t.workspace_id order by j.workspace_id limit 1)
        from tenant t where t.workspace_id is not null),
      load as (
        select t.workspace_id, (select count(*) from jobs r where r.state = 'running' and r.workspace_id = t.workspace_id) as running
        from tenant t where t.workspace_id is not null),
      next as (
        select j.id, l.workspace_id from load l left join job_turns t using (workspace_id) cross join lateral (
          select id, priority, run_at from jobs q
          where q.workspace_id = l.workspace_id and q.state = 'queued' and q.run_at <= now() and q.kind = any(${[...options.kinds]}::text[])
          order by q.priority desc, q.run_at, q.id limit 1) j
        where l.running < ${options.perWorkspace}
        order by l.running, j.priority desc, t.served_at nulls first, j.run_at, j.id limit 1),
      turn as (
        insert into job_turns (workspace_id, served_at) select workspace_id, clock_timestamp() from next
        on conflict (workspace_id) do update set served_at = excluded.served_at)
      update jobs set state = 'running', attempts = attempts + 1, lease_until = now() + ${options.leaseMs} * interval '1 millisecond', lease_token = gen_random_uuid()
      where id = (select id from next) and state = 'queued'
      returning id, job_id, workspace_id, kind, subject, payload, secret, attempts, max_attempts, lease_token, created_at`.execute(tx)
    return claimed.rows[0]
  })
}

/** Extends the lease; false when the job was cancelled or taken over, and its worker must stop. */
export async function heartbeat(db: Kysely<unknown>, job: Pick<JobRow, 'id' | 'lease_token'>, leaseMs: number): Promise<boolean> {
  // A row that is locked is being ended by its own publication; waiting for it would keep other jobs' heartbeats waiting too.
  const kept = await sql<{ kept: boolean }>`
    with own as (
      select id from jobs where id = ${job.id} and lease_token = ${job.lease_token} and state = 'running' for update skip locked),
    beat as (
      update jobs set lease_until = now() + ${leaseMs} * interval '1 millisecond' where id in (select id from own) returning id)
    select exists (select from beat)
      or exists (select from jobs where id = ${job.id} and lease_token = ${job.lease_token} and state = 'running') as kept`.execute(db)
  return kept.rows[0]?.kept === true
}

/**
 * Ends the job inside the transaction that makes its result visible. False when the lease is no longer ours: the
 * transaction must then be rolled back, so that a paused worker cannot commit.
 */
export async function finish(tx: Kysely<unknown>, job: Pick<JobRow, 'id' | 'lease_token'>): Promise<boolean> {
  return end(tx, job, sql`state = 'done', last_error = null, secret = null, finished_at = now()`)
}

export async function failForGood(tx: Kysely<unknown>, job: Pick<JobRow, 'id' | 'lease_token'>, error: string): Promise<boolean> {
  return end(tx, job, sql`state = 'failed', last_error = ${error}, secret = null, finished_at = now()`)
}

export async function retryLater(
  db: Kysely<unknown>,
  job: Pick<JobRow, 'id' | 'lease_token'>,
  error: string,
  delayMs: number,
): Promise<boolean> {
  return end(db, job, sql`state = 'queued', last_error = ${error}, run_at = now() + ${delayMs} * interval '1 millisecond'`)
}

/** A stopping process gives its work back; that was no attempt. */
export async function handBack(db: Kysely<unknown>, job: Pick<JobRow, 'id' | 'lease_token'>): Promise<boolean> {
  return end(db, job, sql`state = 'queued', attempts = greatest(attempts - 1, 0), run_at = now()`)
}

/** Waits for a quota; that was no attempt either. */
export async function pause(
  db: Kysely<unknown>,
  job: Pick<JobRow, 'id' | 'lease_token'>,
  error: string,
  delayMs: number,
): Promise<boolean> {
  return end(
    db,
    job,
    sql`state = 'queued', attempts = greatest(attempts - 1, 0), last_error = ${error}, run_at = now() + ${delayMs} * interval '1 millisecond'`,
  )
}

async function end(db: Kysely<unknown>, job: Pick<JobRow, 'id' | 'lease_token'>, change: ReturnType<typeof sql>): Promise<boolean> {
  const changed = await sql`
    update jobs set ${change}, lease_until = null, lease_token = null
    where id = ${job.id} and lease_token = ${job.lease_token} and state = 'running'`.execute(db)
  return (changed.numAffectedRows ?? 0n) > 0n
}

/** Ends a job whose document is gone or belongs to another job by now. */
export async function abandon(db: Kysely<unknown>, job: Pick<JobRow, 'id' | 'lease_token'>): Promise<boolean> {
  return end(db, job, sql`state = 'cancelled', secret = null, finished_at = now()`)
}

export async function cancel(tx: Kysely<unknown>, workspace: WorkspaceId, kind: string, subject: string): Promise<void> {
  await sql`
    update jobs set state = 'cancelled', secret = null, lease_until = null, lease_token = null, finished_at = now()
    where workspace_id = ${workspace} and kind = ${kind} and subject = ${subject} and state in ('queued', 'running')`.execute(tx)
}

/** Work whose worker stopped renewing its lease is free again. `all` when the caller knows that no other process lives. */
export async function requeueExpired(db: Kysely<unknown>, all = false): Promise<number> {
  const freed = await sql`
    update jobs set state = 'queued', lease_until = null, lease_token = null, run_at = now()
    where id in (select id from jobs where state = 'running' and (${all} or lease_until < now()) for update skip locked)`.execute(db)
  return Number(freed.numAffectedRows ?? 0n)
}

export async function forgetFinished(db: Kysely<unknown>): Promise<void> {
  await sql`delete from jobs where state in ('done', 'failed', 'cancelled') and finished_at < now() - interval '30 days'`.execute(db)
}

export type QueueDepth = { kind: string; state: string; jobs: number; oldest_seconds: number }

export async function depth(db: Kysely<unknown>): Promise<QueueDepth[]> {
  const found = await sql<QueueDepth>`
    select kind, state, count(*)::int as jobs, extract(epoch from now() - min(created_at))::float8 as oldest_seconds
    from jobs where state in ('queued', 'running') group by kind, state order by kind, state`.execute(db)
  return found.rows
}

/** True while work of this kind on subjects with this prefix waits or runs. */
export async function anyActive(db: Kysely<unknown>, kind: string, prefix: string): Promise<boolean> {
  const found = await sql<{ active: boolean }>`
    select exists (
      select from jobs where kind = ${kind} and state in ('queued', 'running') and starts_with(subject, ${prefix})) as active`.execute(db)
  return found.rows[0]?.active === true
}

export type UnfinishedJob = {
  job_id: string
  workspace_id: string
  kind: string
  subject: string
  state: 'queued' | 'running'
  attempts: number
  max_attempts: number
  last_error: string | null
  run_at: Date
  age_seconds: number
}

/** What waits or runs in any workspace, the oldest first, with why its last attempt failed. */
export async function unfinished(db: Kysely<unknown>, limit: number): Promise<UnfinishedJob[]> {
  const found = await sql<UnfinishedJob>`
    select job_id, workspace_id, kind, subject, state, attempts, max_attempts, last_error, run_at,
      extract(epoch from now() - created_at)::float8 as age_seconds
    from jobs where state in ('queued', 'running') order by created_at, id limit ${limit}`.execute(db)
  return found.rows
}
