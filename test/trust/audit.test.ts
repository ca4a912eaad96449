// The trail of what administrators do: everything that changes something, in order, and nobody can change it unseen.
import { execFile } from 'node:child_process'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../src/ports/database.ts'
import { createAudit, type Audit } from '../../src/services/audit.ts'
import { withScope } from '../../src/store/scope.ts'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { ADMIN, SERVICE, startTestServer, teacher, type TestServer } from '../http/support.ts'
import { openTestDatabase } from '../support/database.ts'
import { memoryLog } from '../support/engine.ts'
import { servicePlace } from '../support/service.ts'

let database: Database
let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ loopback: false })
})
afterAll(() => server.close())
beforeEach(async () => {
  database = await openTestDatabase()
})

const act = (subject: string) => ({
  actor: 'admin:9',
  action: 'DELETE /api/documents/:fileId',
  workspace: 'teacher-1',
  subject: { fileId: subject },
  requestId: 'r',
})

const open = (): Audit => createAudit({ database, log: memoryLog() })

test('acts written at once are one chain, the newest first, a page at a time, each with how it ended', async () => {
  const audit = open()
  const ends = await Promise.all(Array.from({ length: 20 }, (_, at) => audit.begin(act(`f${at}`))))
  await Promise.all([ends[7]?.('not_found'), ends[8]?.('done')])
  const entries = await audit.trail(12)
  expect([entries.map(({ entry }) => entry), await audit.verify()]).toEqual([Array.from({ length: 12 }, (_, at) => 20 - at), null])
  expect((await audit.trail(200, 9)).map(({ entry }) => entry)).toEqual([8, 7, 6, 5, 4, 3, 2, 1])
  const outcomes = (await audit.trail(200)).map(({ subject, outcome }) => [subject['fileId'], outcome])
  expect(outcomes).toHaveLength(20)
  expect(outcomes.filter(([, outcome]) => outcome !== null).toSorted(([a], [b]) => String(a).localeCompare(String(b)))).toEqual([['f7', 'not_found'], ['f8', 'done']]) // prettier-ignore
  const [{ at: _at, subject: _subject, ...first } = {}] = await audit.trail(1, 2)
  expect(first).toMatchObject({
    entry: 1,
    actor: 'admin:9',
    action: 'DELETE /api/documents/:fileId',
    workspace: 'teacher-1',
    requestId: 'r',
  })
})

// Five acts; the sixth entry says how the second ended.
const DAMAGES = [
  ['an entry that was changed', `update audit_entries set actor = 'nobody' where entry = 3`, 3],
  ['one whose time was changed', `update audit_entries set at = at + interval '1 s' where entry = 3`, 3],
  ['one that is gone', 'delete from audit_entries where entry = 3', 4],
  ['one that is gone with the numbers closed up', 'delete from audit_entries where entry = 3; update audit_entries set entry = entry - 1 where entry > 3', 3],
  ['an end that tells another story', `update audit_entries set outcome = 'done' where entry = 6`, 6],
  ['an end that was given to another act', 'update audit_entries set ends = 3 where entry = 6', 6],
  ['an act made an end', 'update audit_entries set ends = 1 where entry = 4', 4],
  ['the last one gone', 'delete from audit_entries where entry = 6', 5],
  ['all of them gone', 'delete from audit_entries', 0],
  ['a head that is gone', 'delete from audit_head', 6],
] as const // prettier-ignore

test.each(DAMAGES)('%s shows', async (_what, damage, brokenAt) => {
  const audit = open()
  const ends: ((outcome: string) => Promise<void>)[] = []
  for (let at = 1; at <= 5; at++) ends.push(await audit.begin(act(`f${at}`)))
  await ends[1]?.('forbidden')
  expect(await audit.verify()).toBe(null)
  for (const statement of damage.split(';')) await sql.raw(statement).execute(database.db)
  expect(await audit.verify()).toBe(brokenAt)
})

test('a head that is gone is made anew by the next act, which the trail tells for ever', async () => {
  const audit = open()
  await audit.begin(act('f1'))
  await sql`delete from audit_head`.execute(database.db)
  await Promise.all(['f2', 'f3'].map((subject) => audit.begin(act(subject))))
  expect((await audit.trail(9)).map(({ action }) => action).toReversed()).toEqual([
    act('').action,
    'head of the trail was missing',
    act('').action,
    act('').action,
  ])
  expect(await audit.verify()).toBe(null)
})

test('an end that cannot be written down undoes nothing and is logged', async () => {
  const log = memoryLog()
  const ended = await createAudit({ database, log }).begin(act('f1'))
  await sql`alter table audit_entries rename to away`.execute(database.db)
  await ended('done')
  await sql`alter table away rename to audit_entries`.execute(database.db)
  expect(log.lines).toEqual([expect.stringContaining('could not be written down')])
  expect((await open().trail(1))[0]?.outcome).toBe(null)
})

test('what no database keeps and no terminal shows is kept as something else, and not much of it', async () => {
  const audit = open()
  await audit.begin({ ...act('a\u0000b\ud800\u001b[2J'), workspace: `\u0000${'x'.repeat(9_000)}` })
  const [entry] = await audit.trail(1)
  expect([entry?.subject, entry?.workspace?.length]).toEqual([{ fileId: 'a?b\ufffd?[2J' }, 200])
})

test('the role of tenants can neither read nor write it', async () => {
  for (const table of ['audit_entries', 'audit_head']) {
    const look = withScope(database, workspaceScope(workspaceId('teacher-1')), (tx) => sql`select from ${sql.table(table)}`.execute(tx))
    await expect(look).rejects.toThrow(/permission denied/)
  }
})

test('over HTTP an administrator’s acts are recorded before they are done and when they ended, reading and everybody else’s calls are not', async () => {
  const acts = (): unknown[] => server.engine.calls.filter((call) => call.use === 'audit').map((call) => 'about' in call && call.about)
  server.engine.calls.length = 0
  for (const credential of [teacher('001'), SERVICE])
    await server.call('DELETE', '/api/documents/f1', { headers: { ...credential, 'x-workspace': 'teacher-001' } })
  await server.call('GET', '/api/documents', { headers: ADMIN })
  await server.call('POST', '/api/search', { headers: ADMIN, body: { query: 'q' } })
  await server.call('POST', '/api/documents/estimate', { headers: ADMIN, body: { fileName: 'a.md', text: 'x' } })
  expect(acts()).toEqual([])
  await server.call('DELETE', '/api/documents/f1', { headers: { ...ADMIN, 'x-workspace': 'teacher-001' } })
  await server.call('DELETE', '/api/graph/entities/secret', { headers: { ...ADMIN, 'x-workspace': 'teacher-001' } })
  const common = { actor: 'admin', workspace: 'teacher-001', requestId: expect.any(String) }
  expect(acts()).toEqual([
    { ...common, action: 'DELETE /api/documents/:fileId', subject: { fileId: 'f1' } },
    'done',
    { ...common, action: 'DELETE /api/graph/entities/:name', subject: {} },
    'done',
  ])
  // A refusal is an end too.
  server.engine.calls.length = 0
  expect((await server.call('POST', '/api/documents/f1/retry', { headers: { ...ADMIN, 'x-workspace': 'no workspace' } })).status).toBe(400)
  expect(acts()).toEqual([
    { ...common, workspace: 'no workspace', action: 'POST /api/documents/:fileId/retry', subject: { fileId: 'f1' } },
    'invalid_request',
  ])
  // What cannot be written down is not done.
  server.engine.calls.length = 0
  server.engine.failure = new Error('no room')
  expect((await server.call('DELETE', '/api/documents/f1', { headers: { ...ADMIN, 'x-workspace': 'teacher-001' } })).status).toBe(500)
  expect(server.engine.calls.map((call) => call.use)).toEqual(['audit'])
})

test(
  'commands that change or carry away are recorded with the user of the machine, those that look are not',
  { timeout: 180_000 },
  async () => {
    const place = await servicePlace()
    const { DATABASE_URL: _server, ...inherited } = process.env
    const command = (...words: string[]): Promise<string> =>
      new Promise((resolve, reject) => {
        execFile(process.execPath, ['src/cli.ts', ...words], { env: { ...inherited, ...place.env } }, (error, out, err) =>
          error && error.code !== 4 ? reject(new Error(err)) : resolve(out),
        )
      })
    await command('documents', 'delete', 'f1', '-w', 'teacher-1')
    await command('workspace', 'list')
    const { entries, brokenAt } = JSON.parse(await command('audit', '--json')) as { entries: Record<string, unknown>[]; brokenAt: unknown }
    expect([entries, brokenAt]).toEqual([
      [
        {
          entry: 1,
          at: expect.any(String),
          actor: expect.stringMatching(/^cli:./),
          action: 'insight-rag documents delete',
          workspace: 'teacher-1',
          subject: { arguments: 'f1' },
          requestId: null,
          outcome: 'not_found',
        },
      ],
      null,
    ])
    await place.clear()
  },
)
