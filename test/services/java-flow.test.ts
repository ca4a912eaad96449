// Parsing on behalf of Java, against a real HTTP server that plays it: files, signed addresses, callbacks.
import { sql } from 'kysely'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { workspaceId } from '../../src/core/workspace.ts'
import { createJavaBackend } from '../../src/java/backend.ts'
import { downloadFile } from '../../src/java/download.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'
import { type JavaServer, startJavaServer } from '../support/java-server.ts'

let database: Database
let java: JavaServer
let engine: TestEngine
const teacher = workspaceId('teacher-001')

beforeAll(async () => {
  database = await openTestDatabase()
})

beforeEach(async () => {
  java = await startJavaServer()
  engine = startTestEngine(database, {
    java: createJavaBackend({ baseUrl: java.baseUrl, serviceToken: 'service' }),
    download: (url, signal) => downloadFile(url, { ossHosts: ['127.0.0.1'], maxBytes: 1_000_000, timeoutMs: 60_000 }, signal),
    scheduleMs: [20, 20, 20, 20],
  })
})

afterEach(async () => {
  await engine.close()
  await java.close()
})

const parse = (fileId: string, extra: object = {}) =>
  engine.documents.parse(teacher, { fileId, options: DEFAULT_PARSE_OPTIONS, ...extra }, 'user-jwt')
const statuses = (fileId: string): unknown[] =>
  java.callbacks.filter((call) => call.fileId === fileId).map((call) => call.json['parseStatus'])
const put = (fileId: string, text: string, file: object = {}): void =>
  java.putFile(fileId, { bytes: Buffer.from(text), fileName: `${fileId}.md`, mediaType: 'text/markdown', ...file })

test('a parse is reported as processing and then completed, with the right counts and the caller’s JWT', async () => {
  put('f1', '# 函数\n\n[一次函数|concept|x] [二次函数|concept|y]')
  const accepted = await parse('f1')
  expect(accepted).toMatchObject({ fileId: 'f1', workspace: 'teacher-001', parseStatus: 'pending' })
  const calls = await java.waitForCallbacks(2)
  expect(calls.map((call) => call.json)).toEqual([
    { parseStatus: 'processing', chunkCount: 0, entityCount: 0, parseError: null, errorMessage: null },
    { parseStatus: 'completed', chunkCount: 1, entityCount: 2, parseError: null, errorMessage: null },
  ])
  expect(calls.every((call) => call.headers.authorization === 'Bearer user-jwt')).toBe(true)
  expect(new Set(calls.map((call) => call.headers['x-event-id'])).size).toBe(2)
  expect((await engine.documents.get(teacher, 'f1')).fileName).toBe('f1.md')
})

test('ten parallel parses of one file are one job and one pair of callbacks', async () => {
  put('f2', '[A|concept|a]')
  const accepted = await Promise.all(Array.from({ length: 10 }, () => parse('f2')))
  expect(new Set(accepted.map((reply) => reply.jobId)).size).toBe(1)
  await java.waitForCallbacks(2)
  expect(statuses('f2')).toEqual(['processing', 'completed'])
})

test('a signed URL that expired while the job waited is asked for once more', async () => {
  put('f3', '[A|concept|a]')
  const stale = java.signedUrl('f3')
  java.expireSignedUrls()
  await parse('f3', { signedUrl: stale, fileName: '教案.md' })
  await java.waitForCallbacks((calls) => calls.some((call) => call.json['parseStatus'] === 'completed'))
  expect(java.requests.filter((request) => request.path.endsWith('/download'))).toHaveLength(1)
  expect((await engine.documents.get(teacher, 'f3')).fileName).toBe('教案.md')
})

test('a corrupt file fails at once, and the failure starts with its code', async () => {
  put('f4', '%PDF-1.7 broken', { fileName: 'f4.pdf', mediaType: 'application/pdf' })
  await parse('f4')
  const calls = await java.waitForCallbacks(2)
  expect(calls[1]?.json['parseStatus']).toBe('failed')
  expect(String(calls[1]?.json['parseError'])).toMatch(/^unprocessable_document: /)
  expect(calls[1]?.json['errorMessage']).toBe(calls[1]?.json['parseError'])
  expect((await engine.documents.get(teacher, 'f4')).attempts).toBe(1)
})

test('Java answering code 500 inside HTTP 200 is a fault that is tried three times', async () => {
  put('f5', 'text', { bodyCode: 500 })
  await parse('f5')
  const failed = await engine.settled(teacher, 'f5')
  expect(failed.parseError).toMatch(/^java_unavailable: /)
  expect(failed.attempts).toBe(3)
  await java.waitForCallbacks(2)
  expect(statuses('f5')).toEqual(['processing', 'failed'])
})

test('a failed document can be retried with a fresh JWT and ends completed', async () => {
  put('f6', 'text', { status: 404 })
  await parse('f6')
  expect((await engine.settled(teacher, 'f6')).parseError).toMatch(/^not_found: /)
  put('f6', '[A|concept|a]')
  await engine.documents.retry(teacher, 'f6', 'fresh-jwt')
  expect((await engine.settled(teacher, 'f6')).parseStatus).toBe('completed')
  const calls = await java.waitForCallbacks(4)
  expect(calls.at(-1)?.headers.authorization).toBe('Bearer fresh-jwt')
  await expect(engine.documents.retry(teacher, 'f6', undefined)).rejects.toMatchObject({ code: 'not_retryable' })
})

test('callbacks survive a receiver that fails for a while, keep their event id and their order', async () => {
  put('f7', '[A|concept|a]')
  java.scriptCallbacks(503, { hangUp: true }, 200, 429)
  await parse('f7')
  await java.waitForCallbacks((calls) => calls.some((call) => call.json['parseStatus'] === 'completed' && call.answered === 200))
  const ids = java.callbacks.map((call) => `${String(call.json['parseStatus'])} ${String(call.headers['x-event-id'])}`)
  expect(new Set(ids).size).toBe(2)
  const order = java.callbacks.map((call) => call.json['parseStatus'])
  expect(order.toSorted((a, b) => String(b).localeCompare(String(a)))).toEqual(order)
})

test('an expired JWT is replaced by the service token once, else the event is parked and no token stays in the database', async () => {
  put('f8', '[A|concept|a]')
  java.acceptAuthorization((authorization) => authorization === 'Bearer service')
  await engine.documents.parse(
    teacher,
    { fileId: 'f8', options: DEFAULT_PARSE_OPTIONS, signedUrl: java.signedUrl('f8'), fileName: 'f8.md' },
    'expired-jwt',
  )
  await java.waitForCallbacks((calls) => calls.filter((call) => call.answered === 200).length === 2)
  java.acceptAuthorization(() => false)
  await engine.documents.parse(
    teacher,
    { fileId: 'f9', options: DEFAULT_PARSE_OPTIONS, signedUrl: java.signedUrl('f8'), fileName: 'f9.md' },
    'expired-jwt',
  )
  await engine.settled(teacher, 'f9')
  for (;;) {
    const parked = await sql<{ n: number }>`select count(*)::int as n from outbox where subject = 'f9' and state = 'parked'`.execute(
      database.db,
    )
    if (parked.rows[0]?.n === 2) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const kept = await sql<{ n: number }>`
    select (select count(*) from outbox where secret is not null and subject in ('f8', 'f9'))::int
      + (select count(*) from jobs where secret is not null and subject in ('f8', 'f9'))::int as n`.execute(database.db)
  expect(kept.rows[0]?.n).toBe(0)
  expect(engine.log.lines.join('\n')).not.toMatch(/expired-jwt|user-jwt/)
})

test('an unchanged file is downloaded to be hashed, reported, and calls no model', async () => {
  put('f10', '[A|concept|a]')
  const first = await parse('f10')
  await engine.settled(teacher, 'f10')
  await java.waitForCallbacks(2)
  const second = await parse('f10')
  expect(second.jobId).not.toBe(first.jobId)
  await java.waitForCallbacks(4)
  expect(statuses('f10')).toEqual(['processing', 'completed', 'processing', 'completed'])
  expect((await engine.documents.get(teacher, 'f10')).timings['extract']).toBeUndefined()
})

test('a deleted document tells nothing any more, and deleting it again finds nothing', async () => {
  put('f11', '[A|concept|a]')
  await parse('f11')
  await engine.settled(teacher, 'f11')
  await engine.documents.remove(teacher, 'f11')
  await expect(engine.documents.remove(teacher, 'f11')).rejects.toMatchObject({ code: 'not_found' })
  await expect(engine.documents.get(teacher, 'f11')).rejects.toMatchObject({ code: 'not_found' })
})

test('an address that may not be fetched fails at once', async () => {
  await engine.documents.parse(
    teacher,
    { fileId: 'f12', options: DEFAULT_PARSE_OPTIONS, signedUrl: 'http://169.254.169.254/latest', fileName: 'x.md' },
    'user-jwt',
  )
  const failed = await engine.settled(teacher, 'f12')
  expect(failed.parseError).toMatch(/^forbidden_url: /)
  expect(failed.attempts).toBe(1)
})
