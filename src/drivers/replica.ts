// A streaming replica for searches. It may be behind or away at any time: then the primary answers.
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { AppError } from '../core/errors.ts'
import type { Replica } from '../ports/database.ts'
import { SilenceWatch } from './silence.ts'

/** So long nobody asks a replica that has just failed: each try may cost the time to connect. */
const REST_MS = 5_000
/** Short, because the primary is waiting. */
const CONNECT_MS = 2_000
/** Without the primary, a replica answers that was seen to have everything within this time before the primary was lost. */
const PROVEN_WITHIN_MS = 300_000

export type ReplicaSettings = { url: string; poolSize: number; onFailure: (error: unknown) => void; watchEveryMs?: number | undefined }

/** Which cluster and database a connection leads to: a replica has the primary's. */
async function identity(db: Kysely<unknown>): Promise<string> {
  const found = await sql<{ name: string }>`
    select (select system_identifier from pg_control_system())::text || '/' || current_database() as name`.execute(db)
  return found.rows[0]?.name ?? ''
}

/**
 * A replica that is not there yet is tried again later.
 *
 * @throws AppError `not_ready` when the address leads to another database.
 */
export async function openReplica(
  primary: Kysely<unknown>,
  { url, poolSize, onFailure, watchEveryMs }: ReplicaSettings,
): Promise<Replica & { close(): Promise<void> }> {
  const expected = await identity(primary)
  const watch = new SilenceWatch(url, watchEveryMs)
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'insight-rag',
    stream: watch.socket,
  })
  // As for the primary: neither an idle connection that is lost nor one between two statements may end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const close = async (): Promise<void> => {
    await pool.end()
    watch.close()
  }
  const verify = async (db: Kysely<unknown>): Promise<void> => {
    if ((await identity(db)) !== expected)
      throw new AppError('not_ready', 'DATABASE_READ_URL leads to a database that is no replica of the one DATABASE_URL names.')
  }
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: watch.guard(pool) }) })
  const counts = { replica: 0, behind: 0, failed: 0 }
  let verified = false
  let restsUntil = Number.NEGATIVE_INFINITY
  let provenAt = Number.NEGATIVE_INFINITY
  let lostAt: number | undefined
  const failed = (error: unknown): void => {
    counts.failed += 1
    restsUntil = performance.now() + REST_MS
    verified = false
    onFailure(error)
  }
  const replica = {
    db,
    counts,
    usable: async () => {
      if (performance.now() < restsUntil) return false
      if (verified) return true
      try {
        await verify(db)
        return (verified = true)
      } catch (error) {
        failed(error)
        return false
      }
    },
    answered: () => {
      counts.replica += 1
      provenAt = performance.now()
    },
    behind: () => {
      counts.behind += 1
    },
    failed,
    primaryAnswers: (answers: boolean) => {
      lostAt = answers ? undefined : (lostAt ?? performance.now())
      return lostAt === undefined || lostAt - provenAt <= PROVEN_WITHIN_MS
    },
    close,
  }
  try {
    await verify(db)
    verified = true
  } catch (error) {
    if (error instanceof AppError) {
      await close()
      throw error
    }
    failed(error)
  }
  return replica
}
