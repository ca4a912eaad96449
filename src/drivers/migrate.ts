// Forward-only migrations from migrations/*.sql, frozen by checksum once applied, one process at a time.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { AppError } from '../core/errors.ts'

const FOLDER = new URL('../../migrations/', import.meta.url)
/** For a lock on a table that the version before is using; whoever comes after us in the queue for it waits as long. */
const LOCK_TIMEOUT = '2s'
/** Between two tries the others go on. A minute and a half in all. */
const TRIES = 30
const PAUSE_MS = 1_000
/** Not available in time; or the version before holds one of its tables and asks for another of them. */
const LOCK_FAILURES = new Set(['55P03', '40P01'])

type Migration = { name: string; text: string; checksum: string }

function readMigrations(folder: URL): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}_.*\.sql$/.test(name))
  return names.toSorted().map((name) => {
    const text = readFileSync(new URL(name, folder), 'utf8')
    return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
  })
}

/**
 * Applies what is missing, each file in a transaction of its own, while the version before may go on serving.
 *
 * @param directory  of the files; those of this version by default.
 * @throws AppError `not_ready` when extension or role are missing and may not be created, when an applied file was
 *   changed, or when the application role could look past row-level security.
 */
export async function migrate(db: Kysely<unknown>, vectorType: 'halfvec' | 'vector', directory?: string): Promise<string[]> {
  const migrations = readMigrations(directory === undefined ? FOLDER : pathToFileURL(`${directory}/`))
  if (await isCurrent(db, migrations)) {
    await refuseLooseRole(db)
    return []
  }
  await alone(db, prepare)
  const applied: string[] = []
  for (const migration of migrations) {
    if (await patiently(migration, () => alone(db, (tx) => applyMissing(tx, migration, vectorType)))) applied.push(migration.name)
  }
  await refuseLooseRole(db)
  return applied
}

async function patiently<T>({ name }: Migration, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (cause) {
      if (!LOCK_FAILURES.has(String((cause as { code?: unknown }).code))) throw cause
      if (tries === TRIES)
        throw new AppError(
          'not_ready',
          `Migration ${name} waits for a table that another transaction holds; end that one and start again.`,
          {
            cause,
          },
        )
      await sleep(PAUSE_MS)
    }
  }
}

/** The lock ends with the transaction: a session's lock would stay behind in a pooler that hands out a connection per transaction. */
function alone<T>(db: Kysely<unknown>, work: (tx: Kysely<unknown>) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(727001)`.execute(tx)
    return work(tx)
  })
}

async function isCurrent(db: Kysely<unknown>, migrations: readonly Migration[]): Promise<boolean> {
  const table = await sql<{ exists: boolean }>`select to_regclass('schema_migrations') is not null as exists`.execute(db)
  if (table.rows[0]?.exists !== true) return false
  const done = await appliedMigrations(db)
  return migrations.every((migration) => done.get(migration.name) === migration.checksum)
}

async function prepare(db: Kysely<unknown>): Promise<void> {
  const rows = await sql<{ extensions: number; role: boolean }>`
    select (select count(*)::int from pg_extension where extname in ('vector', 'pg_trgm')) as extensions,
      exists (select from pg_roles where rolname = 'insight_app') as role`.execute(db)
  const state = rows.rows[0]
  try {
    if (state?.extensions !== 2) {
      await sql`create extension if not exists vector`.execute(db)
      await sql`create extension if not exists pg_trgm`.execute(db)
    }
    if (!state?.role) {
      // Roles belong to the whole server: another database's start may be making the same one right now.
      await sql`
        do $$ begin
          create role insight_app nologin nosuperuser nobypassrls nocreatedb nocreaterole;
        exception when duplicate_object or unique_violation then null;
        end $$`.execute(db)
      await sql`grant insight_app to current_user`.execute(db)
    }
  } catch (cause) {
    throw new AppError(
      'not_ready',
      'The database login may not create the extensions vector and pg_trgm or the role insight_app; have a database administrator run migrations/prepare.sql once.',
      { cause },
    )
  }
  await sql`create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now())`.execute(
    db,
  )
}

async function appliedMigrations(db: Kysely<unknown>): Promise<Map<string, string>> {
  const rows = await sql<{ name: string; checksum: string }>`select name, checksum from schema_migrations`.execute(db)
  return new Map(rows.rows.map((row) => [row.name, row.checksum]))
}

/** False when it is there already, perhaps since another process that started beside this one applied it. */
async function applyMissing(tx: Kysely<unknown>, migration: Migration, vectorType: string): Promise<boolean> {
  const checksum = (await appliedMigrations(tx)).get(migration.name)
  if (checksum === migration.checksum) return false
  if (checksum !== undefined) {
    throw new AppError('not_ready', `Migration ${migration.name} was changed after it was applied; restore the original file.`)
  }
  await sql`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`.execute(tx)
  await sql.raw(migration.text.replaceAll('{{vector}}', vectorType)).execute(tx)
  await sql`insert into schema_migrations (name, checksum) values (${migration.name}, ${migration.checksum})`.execute(tx)
  return true
}

/** The wall is only a wall for a role that owns nothing and bypasses nothing. */
async function refuseLooseRole(db: Kysely<unknown>): Promise<void> {
  const rows = await sql<{ loose: boolean }>`
    select r.rolsuper or r.rolbypassrls or exists (
        select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relowner = r.oid and n.nspname = current_schema()) as loose
    from pg_roles r where r.rolname = 'insight_app'`.execute(db)
  if (rows.rows[0]?.loose !== false) {
    throw new AppError(
      'not_ready',
      'The role insight_app can bypass row-level security or owns tables; alter role insight_app nosuperuser nobypassrls and give its tables to the service login.',
    )
  }
}
