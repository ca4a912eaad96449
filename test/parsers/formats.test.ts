// Every format against its reviewed golden: a change of a golden is a change of what the engine knows.
import { readFile } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import { closeOcr } from '../../src/parsers/ocr.ts'
import { describe, fixture, isReadAlike, parseHere } from './support.ts'

const TEXT = ['lesson.md', 'page.html', 'notes.txt', 'scores.csv', 'settings.json']
const OFFICE = ['lesson.docx', 'lesson.pptx', 'scores.xlsx']
const PDF = ['lesson.pdf', 'columns.pdf', 'chinese.pdf', 'tables.pdf']
const OCR = ['scan.pdf', 'scan-traditional.jpg', 'score-sheet.png']

afterAll(closeOcr)

test.each([...TEXT, ...OFFICE, ...PDF])('%s reads as its golden says', async (name) => {
  const document = await parseHere(await fixture(name), name)
  await expect(describe(document)).toMatchFileSnapshot(`../../fixtures/documents/golden/${name}.txt`)
})

test.each(OCR)('%s is read as its golden says, but for a character here and there', async (name) => {
  const read = describe(await parseHere(await fixture(name), name))
  const path = `../../fixtures/documents/golden/${name}.txt`
  const golden = await readFile(new URL(path, import.meta.url), 'utf8')
  await expect(isReadAlike(read, golden) ? golden : read).toMatchFileSnapshot(path)
})

test('a reading that loses words, a digit, a block or a kind is not the golden one', async () => {
  const scan = await readFile(new URL('../../fixtures/documents/golden/scan.pdf.txt', import.meta.url), 'utf8')
  const sheet = await readFile(new URL('../../fixtures/documents/golden/score-sheet.png.txt', import.meta.url), 'utf8')
  expect(isReadAlike(scan.replace('chloroplasts.', 'chloroplasts，'), scan)).toBe(true)
  expect(isReadAlike(scan.replace(' called photosynthesis', ''), scan)).toBe(false)
  expect(isReadAlike(scan.replace('[heading1 p2', '[paragraph p2'), scan)).toBe(false)
  expect(isReadAlike(scan.slice(0, scan.indexOf('\n[heading1')), scan)).toBe(false)
  expect(isReadAlike(sheet.replace('92', '82'), sheet)).toBe(false)
})

test.each([...TEXT, ...OFFICE, ...PDF])('%s reads the same twice', async (name) => {
  const bytes = await fixture(name)
  expect(await parseHere(bytes, name)).toEqual(await parseHere(bytes, name))
})

test('a scan is not read when only text layers are wanted', async () => {
  await expect(parseHere(await fixture('scan.pdf'), 'scan.pdf', { options: { parseMethod: 'text' } })).rejects.toThrow(
    /no text layer, and OCR was not asked for/,
  )
})

test('a page with a text layer is read by OCR when that is wanted', async () => {
  const document = await parseHere(await fixture('columns.pdf'), 'columns.pdf', { options: { parseMethod: 'ocr' } })
  expect(document.blocks.every((block) => block.confidence !== undefined)).toBe(true)
  expect(document.blocks.map((block) => block.text).join(' ')).toContain('The left column speaks of photosynthesis')
})

test('pictures and tables are left out when they are not wanted', async () => {
  const document = await parseHere(await fixture('tables.pdf'), 'tables.pdf', { options: { processImages: false, processTables: false } })
  expect(document.blocks.filter((block) => block.type === 'image' || block.type === 'table')).toEqual([])
  expect(document.blocks.map((block) => block.text).join(' ')).toContain('hydrogen')
})
