import { expect, test } from 'vitest'
import type { Block } from '../../src/core/blocks.ts'
import { failedChecks, sheetRows, sheetTables } from '../../src/core/score-sheet.ts'

function sheet(rows: string[][]): Block {
  const cells = rows.flatMap((row, at) => row.map((text, column) => ({ row: at, column, rowSpan: 1, columnSpan: 1, text })))
  return {
    type: 'table',
    text: '',
    headings: [],
    confidence: 0.9,
    table: { rows: rows.length, columns: rows[0]?.length ?? 0, headerRows: 1, cells },
  }
}

test('rows become objects with numbers where they are numbers, and names where they only look like them', () => {
  const tables = sheetTables([
    sheet([
      ['學號', '姓名', '數學', '備註'],
      ['007', '陳大文', '８６．５', ''],
      ['008', '李小明', '1,024', '缺席'],
    ]),
  ])
  expect(sheetRows(tables)).toEqual([
    { 學號: '007', 姓名: '陳大文', 數學: 86.5, 備註: null },
    { 學號: '008', 姓名: '李小明', 數學: 1024, 備註: '缺席' },
  ])
})

test('a total that does not add up, a mark above the full mark and a number given twice are named', () => {
  const tables = sheetTables([
    sheet([
      ['学号', '语文(100)', '数学(100)', '总分'],
      ['1', '80', '90', '170'],
      ['1', '101', '90', '190'],
    ]),
  ])
  expect(failedChecks(tables)).toEqual([
    { table: 0, row: 1, column: '总分', check: 'sum', message: 'The parts add up to 191, not 190.' },
    { table: 0, row: 1, column: '语文(100)', check: 'range', message: '101 is outside 0 to 100.' },
    { table: 0, row: 1, column: '学号', check: 'duplicate', message: '1 stands in more than one row.' },
  ])
})

test('columns of one name are told apart, and a table without a header gets numbered columns', () => {
  expect(
    sheetTables([
      sheet([
        ['分', '分'],
        ['1', '2'],
      ]),
    ])[0]?.columns,
  ).toEqual(['分', '分 2'])
  const bare = sheet([['a', 'b']])
  if (bare.table) bare.table.headerRows = 0
  expect(sheetTables([bare])[0]?.columns).toEqual(['column 1', 'column 2'])
})
