// OCR reads no page twice: a job that ends between two pages goes on after the first of them when it is tried again.
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { workspaceId, workspaceScope, type WorkspaceId } from '../../src/core/workspace.ts'
import { ParserPool } from '../../src/parsers/pool.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS, type DocumentParser } from '../../src/ports/parser.ts'
import * as readings from '../../src/store/readings.ts'
import { withScope } from '../../src/store/scope.ts'
import { fixture } from '../parsers/support.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine } from '../support/engine.ts'

let database: Database
const pool = new ParserPool({ size: 1 })

beforeAll(async () => {
  database = await openTestDatabase()
})

afterAll(async () => {
  await pool.close()
  await database.close()
})

type Try = { known: string[]; read: string[] }

/** The real parser, whose process is killed in the first try as soon as it has read one page; what each try knew and read is noted. */
function killedOnce(tries: Try[]): DocumentParser {
  return {
    identify: (...input) => pool.identify(...input),
    close: () => Promise.resolve(),
    parse: (input, signal) => {
      const own: Try = { known: [...(input.readings?.known.keys() ?? [])], read: [] }
      tries.push(own)
      const killer = new AbortController()
      const keep = (part: string, reading: unknown): void => {
        own.read.push(part)
        input.readings?.keep(part, reading)
        if (tries.length === 1) killer.abort(new AppError('not_ready', 'killed'))
      }
      return pool.parse(
        { ...input, readings: { known: input.readings?.known ?? new Map(), keep } },
        AbortSignal.any([signal, killer.signal]),
      )
    },
  }
}

const staged = (workspace: WorkspaceId): Promise<number> =>
  withScope(database, workspaceScope(workspace), async (tx) => {
    const found = await sql<{
      count: number
    }>`select count(*)::int as count from staged_readings where workspace_id = ${workspace}`.execute(tx)
    return found.rows[0]?.count ?? 0
  })

// Three pages are read in two processes, which a busy machine may take minutes for.
test('a job killed after the first scanned page reads only the second one when it is tried again', { timeout: 240_000 }, async () => {
  const workspace = workspaceId('teacher-readings')
  const tries: Try[] = []
  const engine = startTestEngine(database, { parser: killedOnce(tries), backoffMs: 1 })
  try {
    const bytes = await fixture('scan.pdf')
    await engine.documents.upload(workspace, { fileName: 'scan.pdf', bytes, fileId: 'f', options: DEFAULT_PARSE_OPTIONS }, undefined)
    expect(await engine.settled(workspace, 'f')).toMatchObject({ parseStatus: 'completed', attempts: 2 })
    expect(tries).toEqual([
      { known: [], read: ['page 1'] },
      { known: ['page 1'], read: ['page 2'] },
    ])
    const resumed = (await engine.documents.chunks(workspace, 'f', { limit: 50 })).chunks.map((chunk) => chunk.content)
    expect(resumed.join('\n')).toContain('光合作用')
    expect(resumed.join('\n')).toContain('Photosynthesis')
    expect(await staged(workspace)).toBe(0)
  } finally {
    await engine.close()
  }
})

test('readings are kept by content and by reader, and go with their document', async () => {
  const workspace = workspaceId('teacher-kept')
  const other = workspaceId('teacher-other')
  const engine = startTestEngine(database)
  try {
    await engine.ingest(workspace, 'f', 'some text')
    const source = { fileId: 'f', sha256: 'a', reader: 'one' }
    const known = (who: WorkspaceId, of: typeof source): Promise<Map<string, unknown>> =>
      withScope(database, workspaceScope(who), (tx) => readings.known(tx, who, of))
    await withScope(database, workspaceScope(workspace), (tx) => readings.stage(tx, workspace, source, 'page 1', { confidence: 0.1 + 0.2 }))
    expect(await known(workspace, source)).toEqual(new Map([['page 1', { confidence: 0.1 + 0.2 }]]))
    for (const [who, of] of [
      [other, source],
      [workspace, { ...source, sha256: 'b' }],
      [workspace, { ...source, reader: 'two' }],
    ] as const)
      expect(await known(who, of)).toEqual(new Map())
    await engine.documents.remove(workspace, 'f')
    expect(await staged(workspace)).toBe(0)
  } finally {
    await engine.close()
  }
})
