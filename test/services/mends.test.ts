// Faults that a review found, each held by the story in which it showed.
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { workspaceId } from '../../src/core/workspace.ts'
import { createVault } from '../../src/java/secrets.ts'
import type { Database } from '../../src/ports/database.ts'
import { type Extractor, NO_USAGE } from '../../src/ports/models.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { openTestDatabase } from '../support/database.ts'
import { bracketExtractor, startTestEngine, testModels } from '../support/engine.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})

const sections = (count: number): string =>
  Array.from({ length: count }, (_, at) => `# Part ${at}\n\n[Name ${at}|concept|x] ${`words of part ${at} that fill it `.repeat(40)}`).join(
    '\n\n',
  )

test('when one batch of an extraction fails, no other batch of that attempt is asked afterwards', async () => {
  let running = 0
  let afterwards = 0
  let over = false
  const extractor: Extractor = {
    id: 'failing',
    extract: async (inputs, signal) => {
      if (over) afterwards += 1
      running += 1
      try {
        if (inputs.some((input) => input.text.includes('[Name 8|'))) throw new AppError('unprocessable_document', 'refused')
        await new Promise((resolve, reject) => {
          const timer = setTimeout(resolve, 30)
          signal.addEventListener('abort', () => {
            clearTimeout(timer)
            reject(signal.reason as Error)
          })
        })
        return { extractions: inputs.map(() => ({ entities: [], relations: [], dropped: 0, truncated: false })), usage: NO_USAGE, calls: 1 }
      } finally {
        running -= 1
      }
    },
  }
  const engine = startTestEngine(database, { models: testModels(extractor) })
  const workspace = workspaceId('teacher-rounds')
  await engine.documents.upload(
    workspace,
    { fileName: 'a.md', bytes: Buffer.from(sections(60)), fileId: 'f', options: DEFAULT_PARSE_OPTIONS },
    undefined,
  )
  expect((await engine.settled(workspace, 'f')).parseStatus).toBe('failed')
  over = true
  expect(running).toBe(0)
  await engine.close()
  expect(afterwards).toBe(0)
})

test('a reply that was cut short is used, and asked for again when the file comes again', async () => {
  const plain = bracketExtractor('cutting')
  let cut = true
  const extractor: Extractor = {
    id: plain.id,
    extract: async (inputs) => {
      const made = await plain.extract(inputs, AbortSignal.timeout(60_000))
      return { ...made, extractions: made.extractions.map((one) => ({ ...one, truncated: cut })) }
    },
  }
  const engine = startTestEngine(database, { models: testModels(extractor) })
  const workspace = workspaceId('teacher-cut')
  await engine.ingest(workspace, 'f', '[A|concept|a]')
  cut = false
  await engine.ingest(workspace, 'f', '[A|concept|a]')
  expect(plain.calls).toBe(2)
  await engine.ingest(workspace, 'f', '[A|concept|a]')
  expect(plain.calls).toBe(2)
  await engine.close()
})

test('a job whose secret was sealed with another key fails once and clearly', async () => {
  const engine = startTestEngine(database)
  const workspace = workspaceId('teacher-key')
  await engine.worker.stop()
  const java = {
    fileInfo: () => Promise.reject(new Error('unused')),
    downloadUrl: () => Promise.reject(new Error('unused')),
    reportParseStatus: () => Promise.resolve({ status: 'delivered' as const }),
    close: () => Promise.resolve(),
  }
  engine.deps.java = java
  await engine.documents.parse(workspace, { fileId: 'f', options: DEFAULT_PARSE_OPTIONS }, 'jwt')
  await engine.close()
  const other = startTestEngine(database, { java })
  Object.assign(other.deps.vault, createVault('ff'.repeat(32)))
  const failed = await other.settled(workspace, 'f')
  expect(failed).toMatchObject({ parseStatus: 'failed', parseError: expect.stringMatching(/^not_retryable: .*SECRETS_KEY/) as string })
  await other.close()
})

test('parses and deletions that race leave no job without its document', async () => {
  const engine = startTestEngine(database, { concurrency: 4, perWorkspace: 4 })
  const workspace = workspaceId('teacher-race')
  const upload = (): Promise<unknown> =>
    engine.documents.upload(
      workspace,
      { fileName: 'a.md', bytes: Buffer.from('[A|concept|a]'), fileId: 'same', options: DEFAULT_PARSE_OPTIONS },
      undefined,
    )
  for (let round = 0; round < 40; round++) {
    await Promise.all([upload(), engine.documents.remove(workspace, 'same').catch(() => undefined), upload()])
  }
  const last = await upload().then(() => engine.settled(workspace, 'same'))
  expect(last.parseStatus).toBe('completed')
  const left = await sql<{
    n: number
  }>`select count(*)::int as n from jobs where workspace_id = ${workspace} and state in ('queued', 'running')`.execute(database.db)
  expect(left.rows).toEqual([{ n: 0 }])
  await engine.close()
})

test('a protected or damaged upload is taken in and then fails, an unknown type is refused at once', async () => {
  const engine = startTestEngine(database)
  const workspace = workspaceId('teacher-damaged')
  const upload = (fileId: string, bytes: Buffer): Promise<unknown> =>
    engine.documents.upload(workspace, { fileName: 'a.docx', bytes, fileId, options: DEFAULT_PARSE_OPTIONS }, undefined)
  const olePackage = [Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600), Buffer.from('EncryptedPackage', 'utf16le')]
  await upload('protected', Buffer.concat(olePackage))
  expect((await engine.settled(workspace, 'protected')).parseError).toMatch(/^unprocessable_document: .*password protected/)
  await upload('hollow', Buffer.from('504b0506000000000000000000000000000000000000', 'hex'))
  expect((await engine.settled(workspace, 'hollow')).parseError).toMatch(/^unprocessable_document: .*empty/)
  await expect(upload('unknown', Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 7919) % 256)))).rejects.toMatchObject({
    code: 'unsupported_file_type',
  })
  await engine.close()
})
