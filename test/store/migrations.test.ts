// Two versions of the service run on one database while an installation is upgraded, so a migration may only add: what the version
// before reads and writes stays as it was.
import { readdirSync, readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openTestDatabase } from '../support/database.ts'

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
