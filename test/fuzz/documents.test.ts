// Real documents of every format, mutated: each is read or refused with a code, and the parser goes on with the next.
import { globSync, readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { ParserPool } from '../../src/parsers/pool.ts'
import { mutateBytes, random, SEED, tries } from './support.ts'

const pool = new ParserPool({ size: 2 })
afterAll(() => pool.close())

// Recognising scans takes seconds per document and says nothing about the parsers; `text` never does it.
const options = { parseMethod: 'text', processImages: false, processTables: true, processEquations: true } as const
const FORMATS = /\.(pdf|docx|pptx|xlsx|xls|doc|ppt|html?|md|txt|csv|json|epub|odt|ods|odp|rtf|xml)$/i
const sources = globSync('fixtures/documents/**/*').filter(
  (path) => FORMATS.test(path) && statSync(path).isFile() && statSync(path).size < 300_000,
)

test('mutated documents are read or refused with a reason, never a crash', { timeout: 3_600_000 }, async () => {
  expect(sources.length).toBeGreaterThan(5)
  const chance = random(SEED + 2)
  const count = tries(80, 2_000)
  const unexpected: string[] = []
  const outcomes = new Map<string, number>()
  const one = async (at: number, path: string, bytes: Uint8Array): Promise<void> => {
    const outcome = await pool.parse({ bytes, fileName: basename(path), options }, AbortSignal.timeout(150_000)).then(
      () => 'read',
      (error: unknown) => (error instanceof AppError ? error.code : `crash: ${String(error)}`),
    )
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    if (!['read', 'unprocessable_document', 'unsupported_file_type', 'payload_too_large'].includes(outcome))
      unexpected.push(`${at} ${path}: ${outcome}`)
  }
  for (let at = 0; at < count; at += 2) {
    const pair = [at, at + 1].map((index) => {
      const path = chance.pick(sources)
      return one(index, path, mutateBytes(readFileSync(path), chance))
    })
    await Promise.all(pair)
  }
  expect(unexpected).toEqual([])
  expect(outcomes.get('read') ?? 0).toBeGreaterThan(0)
  const whole = await pool.parse(
    { bytes: Buffer.from('# Still here\n\nand reading'), fileName: 'last.md', options },
    AbortSignal.timeout(60_000),
  )
  expect(whole.title).toBe('Still here')
})
