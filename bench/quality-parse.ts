// How well parsing reads: `node bench/quality-parse.ts`. Scores of every fixture against what its source says, as shares from 0 to 1.
import { readFile } from 'node:fs/promises'
import { type Truth, TRUTH } from '../fixtures/documents/truth.ts'
import type { ParsedDocument } from '../src/core/blocks.ts'
import { ParserPool } from '../src/parsers/pool.ts'
import { DEFAULT_PARSE_OPTIONS } from '../src/ports/parser.ts'

type Score = {
  /** Characters of the expected text found in order, by longest common subsequence. */
  textRecall: number
  /** Expected cells found at their row and column in the table of the same place. */
  cellRecall: number | undefined
  headingRecall: number | undefined
  headingPrecision: number | undefined
  equationRecall: number | undefined
  /** Characters expected and not there at all; characters there more often than in the source, both without regard to order. */
  lost: number
  invented: number
}

const bare = (text: string): string => text.replace(/\s+/g, '')

/** Length of the longest common subsequence, O(a·b) in time and O(b) in memory. */
function commonLength(a: string, b: string): number {
  let before = new Uint32Array(b.length + 1)
  for (let i = 0; i < a.length; i += 1) {
    const row = new Uint32Array(b.length + 1)
    for (let j = 0; j < b.length; j += 1) row[j + 1] = a[i] === b[j] ? (before[j] ?? 0) + 1 : Math.max(before[j + 1] ?? 0, row[j] ?? 0)
    before = row
  }
  return before[b.length] ?? 0
}

const share = (found: number, all: number): number | undefined => (all === 0 ? undefined : found / all)

function cellRecall(document: ParsedDocument, truth: Truth): number | undefined {
  const tables = document.blocks.flatMap((block) => (block.table === undefined ? [] : [block.table]))
  let [found, all] = [0, 0]
  truth.tables.forEach((grid, index) => {
    grid.forEach((row, r) => {
      row.forEach((text, c) => {
        if (text === '') return
        all += 1
        const cell = tables[index]?.cells.find((candidate) => candidate.row === r && candidate.column === c)
        if (cell !== undefined && bare(cell.text) === bare(text)) found += 1
      })
    })
  })
  return share(found, all)
}

/** How often each character of `a` lacks a partner in `b`. */
function surplus(a: string, b: string): number {
  const counts = new Map<string, number>()
  for (const character of b) counts.set(character, (counts.get(character) ?? 0) + 1)
  let missing = 0
  for (const character of a) {
    const left = counts.get(character) ?? 0
    if (left === 0) missing += 1
    else counts.set(character, left - 1)
  }
  return missing
}

/** The document's words once each: tables by their cells, since their linear text repeats spanned ones. */
function plainText(document: ParsedDocument): string {
  return bare(
    document.blocks
      .map((block) =>
        block.table === undefined ? block.text : [block.table.caption ?? '', ...block.table.cells.map((cell) => cell.text)].join(''),
      )
      .join(''),
  )
}

/** All that the source says, list marks as hyphens: its text, and the cells and equations that the text list does not repeat. */
function wholeSource(truth: Truth): string {
  const cells = truth.tables.flat(2).filter((text) => text !== '')
  const own = truth.text.filter((text) => !cells.includes(text))
  return bare([...own, ...cells, ...truth.equations.map((latex) => `$$${latex}$$`)].join(''))
}

function scoreOf(document: ParsedDocument, truth: Truth): Score {
  const expected = bare(truth.text.join(''))
  const headings = document.blocks.filter((block) => block.type === 'heading').map((block) => bare(block.text))
  const wanted = truth.headings.map(bare)
  const equations = new Set(document.blocks.map((block) => bare(block.latex ?? '')))
  return {
    textRecall: commonLength(expected, plainText(document)) / expected.length,
    cellRecall: cellRecall(document, truth),
    headingRecall: share(wanted.filter((heading) => headings.includes(heading)).length, wanted.length),
    headingPrecision: share(headings.filter((heading) => wanted.includes(heading)).length, headings.length),
    equationRecall: share(truth.equations.filter((equation) => equations.has(bare(equation))).length, truth.equations.length),
    lost: surplus(wholeSource(truth), plainText(document)),
    invented: surplus(plainText(document), wholeSource(truth)),
  }
}

const shown = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(3)).padStart(7)

const pool = new ParserPool({ size: 1 })
const scores: Score[] = []
console.log('fixture                    text   cells  h-rec.  h-prec  equat.    lost invented')
for (const [name, truth] of Object.entries(TRUTH)) {
  const bytes = await readFile(new URL(`../fixtures/documents/${name}`, import.meta.url))
  const score = scoreOf(await pool.parse({ bytes, fileName: name, options: DEFAULT_PARSE_OPTIONS }, AbortSignal.timeout(120_000)), truth)
  scores.push(score)
  const columns = [score.textRecall, score.cellRecall, score.headingRecall, score.headingPrecision, score.equationRecall].map(shown)
  console.log(`${name.padEnd(24)} ${columns.join(' ')} ${String(score.lost).padStart(7)} ${String(score.invented).padStart(8)}`)
}
await pool.close()

const mean = (pick: (score: Score) => number | undefined): number | undefined => {
  const values = scores.map(pick).filter((value) => value !== undefined)
  return share(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
  )
}
const means = [
  mean((s) => s.textRecall),
  mean((s) => s.cellRecall),
  mean((s) => s.headingRecall),
  mean((s) => s.headingPrecision),
  mean((s) => s.equationRecall),
].map(shown)
console.log(
  `${'mean'.padEnd(24)} ${means.join(' ')} ${String(scores.reduce((sum, s) => sum + s.lost, 0)).padStart(7)} ${String(scores.reduce((sum, s) => sum + s.invented, 0)).padStart(8)}`,
)
