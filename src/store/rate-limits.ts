// Token buckets, one per caller and shared by all processes; time is the database's.
import { sql, type Kysely } from 'kysely'

/** Full at `capacity`; refilled by `perSecond`. */
export type Bucket = { capacity: number; perSecond: number }

/** Takes one token; false when there is none. A refusal writes nothing, so a flood leaves no dead rows. */
export async function take(db: Kysely<unknown>, caller: string, { capacity, perSecond }: Bucket): Promise<boolean> {
  const taken = await sql`
    insert into rate_limits as bucket (caller, tokens, updated_at)
    values (${caller}, ${capacity}::float8 - 1, clock_timestamp())
    on conflict (caller) do update
    set tokens = least(${capacity}::float8, bucket.tokens + ${perSecond}::float8 * extract(epoch from clock_timestamp() - bucket.updated_at)) - 1,
      updated_at = clock_timestamp()
    where bucket.tokens + ${perSecond}::float8 * extract(epoch from clock_timestamp() - bucket.updated_at) >= 1
    returning 1`.execute(db)
  return taken.rows.length > 0
}

/** Seconds until the caller's next token; 0 when there is one. */
export async function secondsToNext(db: Kysely<unknown>, caller: string, { perSecond }: Bucket): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    select greatest(0, (1 - tokens) / ${perSecond}::float8 - extract(epoch from clock_timestamp() - updated_at))::float8 as seconds
    from rate_limits
    where caller = ${caller}`.execute(db)
  return rows[0]?.seconds ?? 0
}

/** Drops buckets untouched for so long that they are full again, which say no more than no bucket. */
export async function forgetFull(db: Kysely<unknown>, { capacity, perSecond }: Bucket): Promise<void> {
  await sql`delete from rate_limits where updated_at <= clock_timestamp() - make_interval(secs => ${capacity / perSecond}::float8)`.execute(
    db,
  )
}
