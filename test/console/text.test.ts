// The console's readers of text: blocks, inline marks, filters, event frames. What they give is data, never HTML.
import { describe, expect, test } from 'vitest'
import { blocks } from '../../src/console/text/blocks.ts'
import { filtersOf } from '../../src/console/text/filters.ts'
import { type Frame, frames } from '../../src/console/text/frames.ts'
import { inline } from '../../src/console/text/inline.ts'

const text = (value: string) => ({ kind: 'text', text: value })
const formula = (tex: string, display = false) => ({ kind: 'formula', tex, display })

describe('inline', () => {
  test.each([
    ['a formula between dollars', '设 $a>0$ 时', [text('设 '), formula('a>0'), text(' 时')]],
    ['prices are no formula', '价格 $5 和 $6 元', [text('价格 $5 和 $6 元')]],
    ['a dollar amount after a formula is none', 'from $x$5', [text('from $x$5')]],
    ['TeX brackets', '\\(x\\) and \\[y\\]', [formula('x'), text(' and '), formula('y', true)]],
    ['stars inside a formula stay its own', '$a*b*c$', [formula('a*b*c')]],
    ['marks inside code are code', '`**a** $b$`', [{ kind: 'code', text: '**a** $b$' }]],
    [
      'strong and emphasis',
      '**重点** *轻*',
      [{ kind: 'strong', pieces: [text('重点')] }, text(' '), { kind: 'emphasis', pieces: [text('轻')] }],
    ],
    ['tags are text', '<img src=x onerror=1>', [text('<img src=x onerror=1>')]],
    ['multiplication is no emphasis', '2 * 3 * 4', [text('2 * 3 * 4')]],
  ])('%s', (_name, given, expected) => {
    expect(inline(given)).toEqual(expected)
  })

  test('a number in brackets cites only what was given as a reference', () => {
    expect(inline('见 [1] 与 [7]', new Set([1]))).toEqual([text('见 '), { kind: 'citation', id: 1 }, text(' 与 [7]')])
  })

  test('long runs of opening marks are read in no time to speak of', () => {
    const hostile = '$'.repeat(20_000) + '*'.repeat(20_000) + '['.repeat(20_000)
    expect(inline(hostile).length).toBeGreaterThan(0)
  })
})

describe('blocks', () => {
  test('headings, paragraphs, lists, tables, code and formulas', () => {
    const given = [
      '# 标题',
      '第一行',
      '第二行',
      '',
      '- 甲',
      '- 乙',
      '1. 子',
      '| a | b |',
      '| --- | --- |',
      '| 1 | x \\| y |',
      '```',
      '# code',
      '```',
      '$$',
      'x',
      '$$',
    ].join('\n')
    expect(blocks(given)).toEqual([
      { kind: 'heading', level: 1, text: '标题' },
      { kind: 'paragraph', text: '第一行\n第二行' },
      { kind: 'list', ordered: false, entries: ['甲', '乙'] },
      { kind: 'list', ordered: true, entries: ['子'] },
      { kind: 'table', header: ['a', 'b'], rows: [['1', 'x | y']] },
      { kind: 'code', text: '# code' },
      { kind: 'formula', tex: 'x' },
    ])
  })

  test.each([
    ['an unclosed formula is text', '$$\nx', [{ kind: 'paragraph', text: '$$\nx' }]],
    ['an unclosed fence runs to the end', '```\nx', [{ kind: 'code', text: 'x' }]],
    ['bars without a rule are text', '| a |', [{ kind: 'paragraph', text: '| a |' }]],
    ['nothing is nothing', '\n\n', []],
  ])('%s', (_name, given, expected) => {
    expect(blocks(given)).toEqual(expected)
  })
})

test('conditions are typed as key=value; several values are alternatives, half a condition is none', () => {
  expect(filtersOf('grade=九年级; year=2024，2025 ;x=;=y; url=a=b')).toEqual({ grade: '九年级', year: ['2024', '2025'], url: 'a=b' })
  expect(filtersOf('year>=2020; year < 2024.5; day≥2024-09-01; title~函数; kind=a; kind~b')).toEqual({
    year: { gte: 2020, lt: 2024.5 },
    day: { gte: '2024-09-01' },
    title: { contains: '函数' },
    kind: { in: ['a'], contains: 'b' },
  })
})

describe('event frames', () => {
  async function read(...chunks: Uint8Array[]): Promise<Frame[]> {
    const found: Frame[] = []
    for await (const frame of frames(
      (async function* () {
        yield* chunks
      })(),
    ))
      found.push(frame)
    return found
  }

  test('survive being cut anywhere, also inside a character', async () => {
    const bytes = new TextEncoder().encode('event: token\ndata: {"text":"函"}\n\n: still here\n\nevent: done\ndata: {}\n\n')
    const expected = [
      { event: 'token', data: { text: '函' } },
      { event: 'done', data: {} },
    ]
    for (let cut = 0; cut <= bytes.length; cut += 1) expect(await read(bytes.slice(0, cut), bytes.slice(cut))).toEqual(expected)
  })

  test('an unfinished one at the end is dropped', async () => {
    expect(await read(new TextEncoder().encode('data: 1\n\ndata: 2\n'))).toEqual([{ event: 'message', data: 1 }])
  })
})
