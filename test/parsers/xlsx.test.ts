// Sheets beyond the golden: what the file hides or does not hold.
import { expect, test } from 'vitest'
import { workbook } from '../../fixtures/documents/make-xlsx.ts'
import { parseHere } from './support.ts'

test('a formula without a stored result is read as the formula, and said so', async () => {
  const rows =
    '<row r="1"><c r="A1"><v>2</v></c><c r="B1"><f>A1*2</f></c><c r="C1"><f>A1*3</f><v>6</v></c></row><row r="2"><c r="A2"><v>3</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'
  const document = await parseHere(workbook([{ name: 'S', rows }]), 'a.xlsx')
  expect(document.blocks[1]?.table?.cells.map((cell) => cell.text)).toEqual(['2', '=A1*2', '6', '3'])
  expect(document.warnings).toEqual(['Sheet "S": formulas without a stored result were read as formulas (1 in all).'])
})

test('rows that a sheet hides are read and told', async () => {
  const rows = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row><row r="2" hidden="1"><c r="A2"><v>3</v></c></row>'
  const document = await parseHere(workbook([{ name: 'S', rows }]), 'a.xlsx')
  expect(document.blocks[1]?.text).toContain('| 3 |')
  expect(document.warnings).toEqual(['Sheet "S" hides rows or columns; they were read all the same.'])
})
