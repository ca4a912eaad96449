// The drill: a backup made by the command line is restored into an empty engine, and searches answer as before.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { slotUrl } from '../support/database.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insight-backup-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  const server = process.env['DATABASE_URL']
  if (server === undefined) return
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  for (const engine of ['one', 'two']) await client.query(`drop database if exists ${databaseName(engine)} with (force)`)
  await client.end()
})

/** Runs one command over an engine of this test: `one` and `two` are embedded, or databases on the server that is there. */
async function command(engine: 'one' | 'two', ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const { DATABASE_URL: server, ...env } = process.env
  const place =
    server === undefined
      ? {}
      : { DATABASE_URL: await slotUrl(server, databaseName(engine)), SECRETS_KEY: 'a key for tests that is long enough' }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['src/cli.ts', ...words],
      { env: { ...env, ...place, DATA_DIR: join(folder, engine) }, timeout: 60_000 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
      },
    )
  })
}

const databaseName = (engine: string): string => `insight_backup_${engine}_${process.pid}`

test('backup, damage, restore, delete', { timeout: 240_000 }, async () => {
  const file = join(folder, '教案.md')
  await writeFile(file, '# 二次函数\n\n二次函数的图像是一条抛物线，它的对称轴与 y 轴平行。\n')
  const place = join(folder, 'backup')
  expect((await command('one', 'ingest', '-w', 'teacher-7', file)).code).toBe(0)
  const ask = (engine: 'one' | 'two') => command(engine, 'search', '-w', 'teacher-7', '--json', '抛物线的对称轴')
  const before = await ask('one')
  expect(before.out).toContain('抛物线')
  expect(await command('one', 'backup', place)).toMatchObject({ code: 0 })
  expect(await readdir(place)).toEqual(['manifest.json', 'teacher-7.jsonl.gz'])

  const packed = join(place, 'teacher-7.jsonl.gz')
  const whole = await readFile(packed)
  await truncate(packed, whole.length - 30)
  const damaged = await command('two', 'restore', place)
  expect([damaged.code, damaged.err]).toEqual([6, expect.stringContaining('not the file that the backup wrote')])
  const cut = await command('two', 'import', packed)
  expect([cut.code, cut.err]).toEqual([6, expect.stringMatching(/^unprocessable_document: /)])
  await writeFile(packed, whole)

  expect(await command('two', 'restore', place)).toMatchObject({ code: 0 })
  const withoutTimes = (text: string): unknown => ({ ...(JSON.parse(text) as object), timings: undefined })
  expect(withoutTimes((await ask('two')).out)).toEqual(withoutTimes(before.out))

  expect((await command('two', 'workspace', 'delete', 'teacher-7')).code).toBe(2)
  expect((await command('two', 'workspace', 'delete', 'teacher-7', '--yes')).code).toBe(0)
  expect((await command('two', 'export', 'teacher-7', join(folder, 'gone'))).code).toBe(4)
})
