// PDFs as other programs print them: a browser (columns, drawn list marks, vertical and right-to-left writing placed character by
// character) and a report generator (a Chinese font that is not embedded, tables without lines, a table over the end of a page).
import { expect, test } from 'vitest'
import { describe as shown, fixture, parseHere } from './support.ts'

test.each(['columns', 'vertical', 'arabic', 'report'])('%s.pdf reads as its golden says', async (name) => {
  const document = await parseHere(await fixture(`printed/${name}.pdf`), `${name}.pdf`)
  await expect(shown(document)).toMatchFileSnapshot(`../../fixtures/documents/golden/printed-${name}.txt`)
})
