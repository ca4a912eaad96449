// What parsing costs: `node bench/parse-cost.ts`. A 500-page PDF, a sheet of 60,000 rows, scanned pages; speed and the parser process's peak memory.
import { readFileSync } from 'node:fs'
import { chinesePdf } from '../fixtures/documents/make-pdf.ts'
import { scannedPdf } from '../fixtures/documents/make-scans.ts'
import { row, workbook } from '../fixtures/documents/make-xlsx.ts'
import { chunkDocument } from '../src/core/chunking.ts'
import { ParserPool } from '../src/parsers/pool.ts'
import { DEFAULT_PARSE_OPTIONS } from '../src/ports/parser.ts'

const SENTENCE = '知识图谱用图的结构描述实体及其关系，广泛用于检索增强生成系统；多租户的数据必须严格隔离。'

/** 500 pages of 38 lines with a running title and page numbers. */
function longPdf(): Buffer {
  const line = (page: number, index: number): string => `${SENTENCE.slice(0, 30)}${page}.${index}`
  return chinesePdf(
    Array.from({ length: 500 }, (_, page) => [
      { text: '校本教材', x: 72, y: 40, size: 9 },
      { text: `第${page + 1}章 标题`, x: 72, y: 80, size: 18 },
      ...Array.from({ length: 38 }, (__, index) => ({ text: line(page, index), x: 72, y: 110 + index * 18, size: 12 })),
      { text: `${page + 1}`, x: 290, y: 815, size: 9 },
    ]),
  )
}

function longSheet(): Buffer {
  const rows = Array.from({ length: 60_000 }, (_, index) =>
    row(index + 2, [`学生${index}`, index % 12, [0.01 * (index % 100), 2], [45_000 + (index % 300), 1], '备注文字', index * 3, 'A', 'B']),
  )
  return workbook([{ name: '成绩', rows: row(1, ['姓名', '班级', '出勤', '日期', '备注', '总分', '甲', '乙']) + rows.join('') }])
}

/** Children of this process; the parser's peak resident memory is read while it is alive. */
function childPeaks(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  return children.map((pid) => {
    try {
      return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
    } catch {
      // It ended between the listing and the reading.
      return 0
    }
  })
}

async function measure(name: string, bytes: Buffer, fileName: string, units: (pages: number) => string): Promise<void> {
  const pool = new ParserPool({ size: 1 })
  const started = performance.now()
  const document = await pool.parse({ bytes, fileName, options: DEFAULT_PARSE_OPTIONS }, AbortSignal.timeout(600_000))
  const seconds = (performance.now() - started) / 1000
  const peak = Math.max(...childPeaks())
  const chunked = performance.now()
  const chunks = chunkDocument(document).length
  const chunkSeconds = (performance.now() - chunked) / 1000
  console.log(
    `${name}: ${seconds.toFixed(1)} s (${units(seconds)}), parser peak ${Math.round(peak)} MB, ${document.blocks.length} blocks, ${chunks} chunks in ${chunkSeconds.toFixed(2)} s`,
  )
  await pool.close()
}

await measure('500-page PDF', longPdf(), 'long.pdf', (seconds) => `${(500 / seconds).toFixed(0)} pages/s`)
await measure('60,000-row sheet', longSheet(), 'long.xlsx', (seconds) => `${(60_000 / seconds).toFixed(0)} rows/s`)
await measure('2 scanned half pages', await scannedPdf(), 'scan.pdf', (seconds) => `${(seconds / 2).toFixed(1)} s/page with start-up`)
