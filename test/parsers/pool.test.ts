// The pool: limits end one document, not the service; processes are reused, replaced and closed.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { rawDocx } from '../../fixtures/documents/make-docx.ts'
import { AppError } from '../../src/core/errors.ts'
import { ParserPool, type ParserPoolOptions } from '../../src/parsers/pool.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'

const open: ParserPool[] = []
const poolOf = (options: ParserPoolOptions): ParserPool => {
  const pool = new ParserPool(options)
  open.push(pool)
  return pool
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.close()))
})

const input = (text: string | Uint8Array, fileName = 'a.txt') => ({
  bytes: typeof text === 'string' ? Buffer.from(text) : text,
  fileName,
  options: DEFAULT_PARSE_OPTIONS,
})
const never = new AbortController().signal

/** A word file that takes its parser seconds: hundreds of thousands of paragraphs. */
const slow = (): Uint8Array =>
  rawDocx(Array.from({ length: 300_000 }, (_, index) => `<w:p><w:r><w:t>${(index * 2_654_435_761) >>> 0}</w:t></w:r></w:p>`).join(''))

test('a document that outlasts its total time is ended with a sentence, and the next one is read', async () => {
  const pool = poolOf({ size: 1, totalMs: 400 })
  await expect(pool.parse(input(slow(), 'slow.docx'), never)).rejects.toMatchObject({
    code: 'unprocessable_document',
    message: expect.stringMatching(/time limit/) as string,
  })
  const next = await poolOf({ size: 1 }).parse(input('next'), never)
  expect(next.blocks[0]?.text).toBe('next')
})

test('a silent parser is taken for stuck', async () => {
  const pool = poolOf({ size: 1, stallMs: 150 })
  await expect(pool.parse(input(slow(), 'slow.docx'), never)).rejects.toMatchObject({
    message: expect.stringMatching(/no progress/) as string,
  })
})

test('a document that needs too much memory is ended with a sentence', async () => {
  const pool = poolOf({ size: 1, memoryBytes: 120 * 1024 ** 2 })
  await expect(pool.parse(input(slow(), 'slow.docx'), never)).rejects.toMatchObject({
    code: 'unprocessable_document',
    message: expect.stringMatching(/memory/) as string,
  })
})

test('an aborted document rejects with the reason and frees its place', async () => {
  const pool = poolOf({ size: 1 })
  const controller = new AbortController()
  const running = pool.parse(input(slow(), 'slow.docx'), controller.signal)
  const waiting = pool.parse(input('patient'), never)
  controller.abort(new Error('cancelled by the caller'))
  await expect(running).rejects.toThrow('cancelled by the caller')
  expect((await waiting).blocks[0]?.text).toBe('patient')
})

test('a caller that stops waiting leaves the queue', async () => {
  const pool = poolOf({ size: 1 })
  const controller = new AbortController()
  const first = pool.parse(input('first'), never)
  const second = pool.parse(input('second'), controller.signal)
  const third = pool.parse(input('third'), never)
  controller.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  expect((await first).blocks[0]?.text).toBe('first')
  expect((await third).blocks[0]?.text).toBe('third')
})

test('twenty documents through two processes keep their answers apart', async () => {
  const pool = poolOf({ size: 2, documentsPerProcess: 3 })
  const texts = Array.from({ length: 20 }, (_, index) => `document ${index}`)
  const documents = await Promise.all(texts.map((text) => pool.parse(input(text), never)))
  expect(documents.map((document) => document.blocks[0]?.text)).toEqual(texts)
})

test('a closed pool refuses work', async () => {
  const pool = poolOf({})
  await pool.close()
  await expect(pool.parse(input('late'), never)).rejects.toBeInstanceOf(AppError)
})

test('an unknown type is refused before any process is started', () => {
  expect(() => poolOf({}).identify(Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'), 'a.7z')).toThrow(/7-Zip archive/)
})

test('a parser process may not connect, write or see the environment', async () => {
  const source = await readFile(new URL('../../src/parsers/pool.ts', import.meta.url), 'utf8')
  const [, flags = ''] = /execArgv: \[([^\]]*)\]/.exec(source) ?? []
  expect(flags).toContain('--permission')
  expect(flags).not.toContain('--allow-fs-write')
  expect(flags).not.toContain('--allow-child-process')
  const probe = `await import(${JSON.stringify(new URL('../../src/parsers/child.ts', import.meta.url).href)})
    const { connect } = await import('node:net')
    try { connect(9, '127.0.0.1'); console.log('connected') } catch (error) { console.log(error.message) }
    process.exit(0)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', probe], { env: {} })
  expect(stdout.trim()).toBe('a document reader may not use the network')
})
