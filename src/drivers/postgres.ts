// Opens the process's database: a PostgreSQL server by URL, or the embedded engine. The only file that knows which.
import { Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely'
import pg from 'pg'
import { AppError } from '../core/errors.ts'
import type { Database, PoolLoad } from '../ports/database.ts'
import { createAdmission, type AdmissionSettings } from './admission.ts'
import { migrate } from './migrate.ts'
import { openEmbedded } from './pglite.ts'
import { openReplica } from './replica.ts'
import { SilenceWatch } from './silence.ts'

export type DatabaseSettings = {
  /** PostgreSQL connection string; undefined means the embedded engine. */
  url: string | undefined
  /** Where the embedded engine keeps its files; undefined means in memory. */
  directory: string | undefined
  /** Connections of the main pool, and of the replica's. */
  poolSize: number
  /** Connection string of a streaming replica of `url` that answers searches. */
  readUrl?: string | undefined
  onReplicaFailure?: (error: unknown) => void
  /** How often it is looked whether the server has fallen silent; default 2 s. */
  watchEveryMs?: number
}

const over = (pool: PostgresPool): Kysely<unknown> => new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })

/**
 * Connects and brings the schema up to date.
 *
 * @throws AppError `not_ready` with the sentence that says what to grant, install or change; `vector_store_error` when the server takes no connection.
 */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  const opened = settings.url === undefined ? await openPglite(settings.directory) : openPostgres(settings.url, settings)
  try {
    await migrate(opened.db, opened.vectorType)
    const oid = await sql<{ oid: number }>`select ${opened.vectorType}::regtype::oid::int as oid`.execute(opened.db)
    const replica = settings.readUrl === undefined ? undefined : await replicaOf(opened.db, settings.readUrl, settings)
    const close = async (): Promise<void> => {
      await Promise.all([opened.close(), replica?.close()])
    }
    return { ...opened, vectorOid: oid.rows[0]?.oid ?? 0, replica, searches: createAdmission(admissionOf(settings)), close }
  } catch (error) {
    await opened.close()
    throw settings.url !== undefined && isConnectionError(error) ? unreachable(error) : error
  }
}

/** Told only to whoever starts a process: an answer never says where the database is. */
export function unreachable(cause: unknown): AppError {
  return new AppError('vector_store_error', `The database that DATABASE_URL names cannot be reached: ${(cause as Error).message}.`, {
    cause,
  })
}

const replicaOf = (
  primary: Kysely<unknown>,
  url: string,
  { poolSize, onReplicaFailure = () => undefined, watchEveryMs }: DatabaseSettings,
) => openReplica(primary, { url, poolSize, onFailure: onReplicaFailure, watchEveryMs })

/**
 * Two connections are left for what else a process does; the embedded engine has one for everything, publishing included, so its
 * searches may have to wait longer: of a hundred at once the last began after 18 s on two busy cores. Who gives up before is not worked for.
 */
const admissionOf = ({ url, poolSize }: DatabaseSettings): AdmissionSettings => ({
  atOnce: url === undefined ? 1 : Math.max(1, poolSize - 2),
  longestWaitMs: url === undefined ? 60_000 : 20_000,
  mostWaiting: 1_000,
})

const loadOf = (name: string, pool: pg.Pool): PoolLoad => ({
  name,
  total: pool.totalCount,
  idle: pool.idleCount,
  waiting: pool.waitingCount,
})

type Opened = Omit<Database, 'vectorOid' | 'replica' | 'searches'>

async function openPglite(directory: string | undefined): Promise<Opened> {
  const embedded = await openEmbedded(directory)
  const db = over(embedded.pool)
  return {
    engine: 'pglite',
    db,
    side: db,
    vectorType: 'vector',
    pools: () => [loadOf('main', embedded.pool)],
    close: () => embedded.close(),
  }
}

/** Connects when it is first asked, and leaves the schema as it is. */
export function openPostgres(url: string, { poolSize, watchEveryMs }: Pick<DatabaseSettings, 'poolSize' | 'watchEveryMs'>): Opened {
  const watch = new SilenceWatch(url, watchEveryMs)
  const create = (max: number): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: url,
      max,
      connectionTimeoutMillis: 10_000,
      application_name: 'insight-rag',
      stream: watch.socket,
    })
    // A connection that the server closes must not end the process, neither an idle one nor one between two statements of a
    // transaction: that one's next statement fails, and the next to ask opens a new one.
    pool.on('error', () => undefined)
    pool.on('connect', (client) => client.on('error', () => undefined))
    return pool
  }
  const main = create(poolSize)
  const side = create(2)
  return {
    engine: 'postgres',
    db: over(watch.guard(main)),
    side: over(watch.guard(side)),
    vectorType: 'halfvec',
    pools: () => [loadOf('main', main), loadOf('side', side)],
    close: async () => {
      await Promise.all([main.end(), side.end()])
      watch.close()
    },
  }
}

/** SQLSTATEs and codes of sockets; a server that takes no connection (28, 3D) is away like one that is down. */
const CODES = /^(08|28|3D|53|25P03|57014|57P|ECONN|EAI_AGAIN|ENOTFOUND|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|40001|40P01|55P03)/
/** What node-postgres says without a code: a connection lost, none to be had in time, or the embedded engine's thread gone. */
const SENTENCES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|the embedded database)/

/** True when the failure is the connection's or the server's, so that the same statement may succeed later. */
export function isConnectionError(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code === 'string') return CODES.test(code)
  return typeof message === 'string' && SENTENCES.test(message)
}

export function databaseUnavailable(cause: unknown): AppError {
  // Tried again soon, because nobody tells when there is room.
  if ((cause as { code?: unknown }).code === '53100') return new AppError('storage_full', undefined, { cause, retryAfterSeconds: 5 })
  return new AppError('vector_store_error', undefined, { cause })
}
