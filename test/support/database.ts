// A real database for every test file: PGlite in a folder, or the server that DATABASE_URL names. One per worker slot,
// emptied when a file opens it, so that files never see each other's rows.
import { sql } from 'kysely'
import pg from 'pg'
import { openDatabase } from '../../src/drivers/postgres.ts'
import type { Database } from '../../src/ports/database.ts'
import { temporaryEmbedded } from './template.ts'

const slot = process.env['VITEST_POOL_ID'] ?? '0'
const serverUrl = process.env['DATABASE_URL']

let opened: Promise<Database> | undefined

/** An empty, migrated database for this test file. Closed when the worker ends. */
export async function openTestDatabase(): Promise<Database> {
  opened ??= open()
  const database = await opened
  await emptyDatabase(database)
  return database
}

/**
 * A second one, for what moves from one installation to another. Embedding spaces are numbered otherwise there, so that no identity happens
 * to be equal. The caller closes it.
 */
export async function openElsewhere(): Promise<Database> {
  const database = await open('elsewhere')
  await emptyDatabase(database)
  await sql`insert into embedding_spaces (model, dim) values ('another', 1024), ('and another', 1024)`.execute(database.db)
  return database
}

async function open(use = 'test'): Promise<Database> {
  const place =
    serverUrl === undefined
      ? { url: undefined, directory: await temporaryEmbedded() }
      : { url: await slotUrl(serverUrl, await freeName(serverUrl, use)), directory: undefined }
  return openDatabase({ ...place, poolSize: 8 })
}

/** Runs beside each other must not share a database: the first name whose lock is free is ours until this process ends. */
async function freeName(server: string, use: string): Promise<string> {
  const holder = new pg.Client({ connectionString: server })
  await holder.connect()
  for (let run = 0; ; run++) {
    const name = `insight_${use}_${slot}_${run}`
    const locked = await holder.query<{ free: boolean }>('select pg_try_advisory_lock(hashtextextended($1, 0)) as free', [name])
    if (locked.rows[0]?.free) return name
  }
}

/** The connection string of this slot's own database, made on first use. */
export async function slotUrl(server: string, name = `insight_test_${slot}`): Promise<string> {
  const url = new URL(server)
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  const exists = await client.query('select 1 from pg_database where datname = $1', [name])
  if (exists.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`)
  await client.end()
  url.pathname = `/${name}`
  return url.href
}

async function emptyDatabase(database: Database): Promise<void> {
  const tables = await sql<{ name: string }>`
    select quote_ident(c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'schema_migrations'`.execute(
    database.db,
  )
  const names = tables.rows.map((row) => row.name).join(', ')
  await sql.raw(`truncate ${names} restart identity cascade`).execute(database.db)
}
