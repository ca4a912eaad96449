// Two versions of the service run on one database while an installation is upgraded, so a migration may only add: what the version
// before reads and writes stays as it was.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { migrate } from '../../src/drivers/migrate.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine } from '../support/engine.ts'
import { searchRequest } from '../support/requests.ts'
import { servicePlace } from '../support/service.ts'

/** What would take something away from the version before, or stop its writers. */
const BREAKING: readonly [what: string, pattern: RegExp][] = [
  ['drops a table', /\bdrop\s+table\b/i],
  ['drops a column', /\bdrop\s+column\b/i],
  ['renames', /\brename\s+(?:to|column|constraint)\b/i],
  ['changes a type', /\balter\s+column\s+\S+\s+(?:set\s+data\s+)?type\b/i],
  ['makes a column required', /\bset\s+not\s+null\b/i],
  ['adds a column that the version before does not fill', /\badd\s+column\b(?![^,;]*\bdefault\b)[^,;]*\bnot\s+null\b/i],
]

const breaks = (text: string): string[] =>
  BREAKING.filter(([, pattern]) => pattern.test(text.replaceAll(/--.*$/gm, ''))).map(([what]) => what)

const names = readdirSync('migrations').filter((name) => /^\d{4}_.*\.sql$/.test(name))

test.each(names)('%s takes nothing away from the version before', (name) => {
  expect(breaks(readFileSync(`migrations/${name}`, 'utf8'))).toEqual([])
})

test.each([
  ['alter table chunks drop column page', 'drops a column'],
  ['alter table chunks rename column page to leaf', 'renames'],
  ['alter table chunks alter column page type text', 'changes a type'],
  ['alter table chunks alter column page set not null', 'makes a column required'],
  ['alter table chunks add column mood text not null', 'adds a column that the version before does not fill'],
  ['drop table chunks', 'drops a table'],
])('%s would', (text, what) => {
  expect(breaks(text)).toEqual([what])
  expect(breaks('alter table chunks add column mood text not null default 0, add column note text -- drop table x')).toEqual([])
})

test('every file is applied', async () => {
  const database = await openTestDatabase()
  const { rows } = await sql<{ name: string }>`select name from schema_migrations`.execute(database.db)
  const applied = new Set(rows.map((row) => row.name))
  expect(names.filter((name) => !applied.has(name))).toEqual([])
})

// The embedded engine has one process and so one version.
test.skipIf(process.env['DATABASE_URL'] === undefined)(
  'a migration that another transaction crosses is tried again',
  { timeout: 120_000 },
  async () => {
    const place = await servicePlace()
    const url = place.env['DATABASE_URL']
    const database = await openDatabase({ url, directory: undefined, poolSize: 2 })
    const folder = mkdtempSync(join(tmpdir(), 'insight-migrations-'))
    cpSync('migrations', folder, { recursive: true })
    writeFileSync(join(folder, '9000_next.sql'), `alter table jobs add column mood text; alter table chunks add column mood text`)
    const holder = new pg.Client({ connectionString: url })
    await holder.connect()
    // Never the one that is sacrificed.
    await holder.query(`set deadlock_timeout = '1h'`)
    await holder.query('begin; lock table chunks in access share mode')
    const migrating = migrate(database.db, database.vectorType, folder)
    const isWaiting = `select from pg_locks where not granted and relation = 'chunks'::regclass`
    await expect.poll(async () => (await holder.query(isWaiting)).rowCount, { timeout: 60_000 }).toBeGreaterThan(0)
    await holder.query('lock table jobs in access share mode; commit')
    await holder.end()
    expect(await migrating).toEqual(['9000_next.sql'])
    await database.close()
    await place.clear()
    rmSync(folder, { recursive: true })
  },
)

test.skipIf(process.env['DATABASE_URL'] === undefined)(
  'while the next version waits for a table, this one goes on, and it goes on beside it when it is there',
  { timeout: 240_000 },
  async () => {
    const place = await servicePlace()
    const url = place.env['DATABASE_URL']
    const [older, newer] = await Promise.all([1, 2].map(() => openDatabase({ url, directory: undefined, poolSize: 4 })))
    if (older === undefined || newer === undefined) throw new Error('not opened')
    const engine = startTestEngine(older)
    const teacher = workspaceId('teacher-upgrade')
    const serves = async (fileId: string): Promise<unknown> => {
      await engine.ingest(teacher, fileId, `[${fileId}|concept|a thing]`)
      const request = searchRequest({ query: fileId, mode: 'lexical' })
      const answer = await createRetrieval(engine.deps).search(workspaceScope(teacher), request, AbortSignal.timeout(120_000))
      return answer.results.map((result) => result.fileId)
    }
    const folder = mkdtempSync(join(tmpdir(), 'insight-migrations-'))
    cpSync('migrations', folder, { recursive: true })
    writeFileSync(join(folder, '9000_next.sql'), `alter table chunks add column mood text not null default ''`)
    const holder = new pg.Client({ connectionString: url })
    await holder.connect()
    await holder.query('begin; lock table chunks in access share mode')
    const migrating = migrate(newer.db, newer.vectorType, folder)
    await expect
      .poll(async () => {
        const waiting = await holder.query(`select from pg_locks where not granted and relation = 'chunks'::regclass`)
        return waiting.rowCount
      })
      .toBeGreaterThan(0)
    expect(await serves('meanwhile')).toEqual(['meanwhile'])
    await holder.query('commit')
    await holder.end()
    expect(await migrating).toEqual(['9000_next.sql'])
    expect(await serves('afterwards')).toEqual(['afterwards'])
    await engine.documents.remove(teacher, 'meanwhile')
    await engine.close()
    await Promise.all([older.close(), newer.close()])
    await place.clear()
    rmSync(folder, { recursive: true })
  },
)
