// Every format against its reviewed golden: a change of a golden is a change of what the engine knows.
import { expect, test } from 'vitest'
import { describe, fixture, parseHere } from './support.ts'

const FIXTURES = [
  'lesson.pdf',
  'columns.pdf',
  'chinese.pdf',
  'lesson.docx',
  'scores.xlsx',
  'lesson.md',
  'page.html',
  'notes.txt',
  'scores.csv',
  'settings.json',
]

test.each(FIXTURES)('%s reads as its golden says', async (name) => {
  const document = await parseHere(await fixture(name), name)
  await expect(describe(document)).toMatchFileSnapshot(`../../fixtures/documents/golden/${name}.txt`)
})

test.each(FIXTURES)('%s reads the same twice', async (name) => {
  const bytes = await fixture(name)
  expect(await parseHere(bytes, name)).toEqual(await parseHere(bytes, name))
})
