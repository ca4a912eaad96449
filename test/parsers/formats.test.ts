// Every format against its reviewed golden: a change of a golden is a change of what the engine knows.
import { afterAll, expect, test } from 'vitest'
import { closeOcr } from '../../src/parsers/ocr.ts'
import { describe, fixture, parseHere } from './support.ts'

const TEXT = ['lesson.md', 'page.html', 'notes.txt', 'scores.csv', 'settings.json']
const OFFICE = ['lesson.docx', 'lesson.pptx', 'scores.xlsx']
const PDF = ['lesson.pdf', 'columns.pdf', 'chinese.pdf', 'tables.pdf']
const OCR = ['scan.pdf', 'scan-traditional.jpg', 'score-sheet.png']

afterAll(closeOcr)

test.each([...TEXT, ...OFFICE, ...PDF, ...OCR])('%s reads as its golden says', async (name) => {
  const document = await parseHere(await fixture(name), name)
  await expect(describe(document)).toMatchFileSnapshot(`../../fixtures/documents/golden/${name}.txt`)
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
