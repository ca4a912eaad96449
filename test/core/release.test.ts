// The pure parts of knowledge releases: cleaning, cutting, contradictions, checks.
import { describe, expect, test } from 'vitest'
import { chunkItem } from '../../src/core/release-chunking.ts'
import { findConflicts, type Comparable } from '../../src/core/release-conflicts.ts'
import { normaliseItem } from '../../src/core/release-normalise.ts'
import { gatesOf, measure } from '../../src/core/release-report.ts'
import type { ContentType } from '../../src/core/release-request.ts'
import { isNearDuplicate, profileOf } from '../../src/core/release-similarity.ts'
import { countTokens } from '../../src/core/tokens.ts'

describe('cleaning', () => {
  test.each([
    [
      'tags go, structure stays',
      '<h2>Rules</h2><p>Wear <b>goggles</b> &amp; gloves.</p><ul><li>One</li><li>Two</li></ul>',
      '## Rules\n\nWear goggles & gloves.\n\n- One\n\n- Two',
    ],
    ['what is hidden goes', 'a<!-- secret --> <script>alert(1)</script>b', 'a b'],
    ['a list of contents goes', '目錄\n1. 引言 ........ 3\n2. 方法 ........ 7\n\n正文在此。', '正文在此。'],
    [
      'a repeated line goes, a short one stays',
      'School of Mathematics, page header\nA\nSchool of Mathematics, page header\nA',
      'School of Mathematics, page header\nA\nA',
    ],
    ['runs and blanks shrink', 'x  y\t z\n\n\n\n==========================\nend', 'x y z\n\n===\nend'],
    ['comparisons are no tags', 'a < b and c > d', 'a < b and c > d'],
    ['wording stays as it is', '不得少於 3 人。', '不得少於 3 人。'],
  ])('%s', (_name, raw, clean) => {
    expect(normaliseItem(raw).text).toBe(clean)
  })
})

describe('cutting', () => {
  const cut = (content_type: ContentType, text: string, semantic = false): string[] =>
    chunkItem({ content_type, title: 'T', text }, { semantic, maxTokens: 2_000 }).map((chunk) => chunk.content)
  const sentence = (topic: string, count: number): string =>
    Array.from({ length: count }, (_, at) => `${topic}第${at}點說明這一節的內容和理由。`).join('')

  test('a short rule is one chunk, a long list of rules one chunk to a rule', () => {
    expect(cut('rule', '- a\n- b')).toEqual(['- a\n- b'])
    const list = Array.from({ length: 12 }, (_, at) => `- ${sentence(`規則${at}`, 2)}`)
    expect(cut('rule', list.join('\n'))).toEqual(list)
  })

  test('a checklist keeps its entries whole and stays within 400 tokens', () => {
    const entries = Array.from({ length: 40 }, (_, at) => `${at + 1}. ${sentence('檢查', 2)}`)
    const chunks = cut('checklist', entries.join('\n'))
    expect(chunks.join('\n')).toBe(entries.join('\n'))
    for (const chunk of chunks) expect(countTokens(chunk)).toBeLessThanOrEqual(400)
    for (const chunk of chunks.slice(0, -1)) expect(countTokens(chunk)).toBeGreaterThanOrEqual(150)
  })

  test('a template is cut at its fields, which stand in the header', () => {
    const chunks = chunkItem(
      { content_type: 'template', title: 'Exit ticket', text: 'Title: three questions. Steps: ask, wait, collect. Example: y = x.' },
      { semantic: false, maxTokens: 512 },
    )
    expect(chunks.map((chunk) => [chunk.header, chunk.content])).toEqual([
      ['Exit ticket › Title', 'Title: three questions.'],
      ['Exit ticket › Steps', 'Steps: ask, wait, collect.'],
      ['Exit ticket › Example', 'Example: y = x.'],
    ])
  })

  test('a long document is cut at headings into 400 to 900 tokens, loses nothing, and knows its headings', () => {
    const text = ['甲', '乙', '丙', '丁'].map((name) => `## ${name}部分\n${sentence(name, 40)}`).join('\n')
    const chunks = chunkItem({ content_type: 'long_doc', title: 'T', text }, { semantic: false, maxTokens: 2_000 })
    expect(chunks.map((chunk) => chunk.content).join('\n')).toBe(text)
    for (const chunk of chunks) {
      expect(countTokens(chunk.content)).toBeGreaterThanOrEqual(400)
      expect(countTokens(chunk.content)).toBeLessThanOrEqual(900)
      expect(chunk.content.startsWith(`## ${chunk.headings[0]}`)).toBe(true)
    }
  })

  test('with semantic breaks a text without headings is cut where its matter changes', () => {
    const text = sentence('拋物線的頂點與對稱軸', 26) + sentence('光合作用需要陽光和水', 30)
    const [first = '', second = ''] = cut('long_doc', text, true)
    expect([first.includes('光合作用'), second.includes('拋物線')]).toEqual([false, false])
  })

  test('an anti-pattern says in its header that it is one', () => {
    expect(
      chunkItem({ content_type: 'anti_pattern', title: 'Copying', text: 'Copying ten times.' }, { semantic: false, maxTokens: 512 })[0]
        ?.header,
    ).toBe('Do not · 不要 › Copying')
  })
})

const item = (id: string, text: string, more: Partial<Comparable> = {}): Comparable => ({
  knowledge_item_id: id,
  text,
  strength: 'hard_constraint',
  status: 'active',
  subject: 's',
  ...more,
})

describe('contradictions', () => {
  test.each([
    ['must and must not', [item('a', '教師必須公布目標'), item('b', '教師不得公布目標')], ['opposing_hard_constraints']],
    [
      'always and never, in English',
      [item('a', 'Always use calculators here.'), item('b', 'Never use calculators here.')],
      ['opposing_hard_constraints'],
    ],
    ['the same across scripts', [item('a', '工作紙頁數上限：2 頁'), item('b', '工作纸页数上限：4 页')], ['two_active_values']],
    [
      'near-identical soft rules of other subjects',
      [
        item('a', '學生宜用綠筆改正錯題', { strength: 'soft_preference', subject: 'x' }),
        item('b', '學生不宜用綠筆改正錯題', { strength: 'soft_preference', subject: 'y' }),
      ],
      ['opposite_polarity'],
    ],
    ['a deprecated side', [item('a', '上限：2 頁'), item('b', '上限：4 頁', { status: 'deprecated' })], []],
    ['different eras', [item('a', '必須手寫教案', { era: '1990s' }), item('b', '不得手寫教案', { era: '2020s' })], []],
    ['a prohibition of something else', [item('a', '實驗時必須戴上護目鏡'), item('b', '實驗室內禁止飲食和奔跑')], []],
    ['agreement', [item('a', '每節最多兩個目標'), item('b', '每節最多兩個目標，不多於此')], []],
  ] as const)('%s', (_name, items, reasons) => {
    expect(findConflicts(items).map((conflict) => conflict.reason)).toEqual(reasons)
    expect(findConflicts([...items].toReversed())).toEqual(findConflicts(items))
  })
})

test('texts that differ in a number or in what they allow are no duplicates', () => {
  const same = (a: string, b: string): boolean => isNearDuplicate(profileOf(a), profileOf(b))
  expect(same('小組以三至四人為宜。', '小組以三至四人為宜')).toBe(true)
  expect(same('上限 30 分鐘', '上限 45 分鐘')).toBe(false)
  expect(same('必須公布目標', '不得公布目標')).toBe(false)
})

test('figures are shares of the first k results, and a figure that is missing fails no gate', () => {
  const conflicts = [{ items: ['a', 'b'] as [string, string], reason: 'opposing_hard_constraints' as const, hard: true }]
  const thresholds = { recall_at_k: 0.9, k: 4, constraint_conflict_rate: 0.4, redundancy_rate: 0.2 }
  const result = (id: string, text: string) => ({ items: [id], text, hard: true })
  const query = { query: 'q', expected_item_ids: ['a', 'z'] }
  const results = [
    {
      query,
      ms: 3,
      results: [
        result('a', '公布學習目標'),
        result('b', '先提出疑問'),
        result('c', '公布學習目標'),
        result('d', '小組討論'),
        result('z', '太遲'),
      ],
    },
  ]
  const figures = measure(results, conflicts, thresholds, { items: 0, texts: [] })
  expect(figures).toMatchObject({ recall_at_k: 0.5, recall_at_8: 1, constraint_conflict_rate: 0.5, redundancy_rate: 0.25 })
  expect(gatesOf(figures, thresholds).map((gate) => gate.passed)).toEqual([false, false, false])
  const without = measure([], conflicts, thresholds, { items: 8, texts: ['一樣的話在此', '一樣的話在此'] })
  expect(without).toMatchObject({ recall_at_k: null, constraint_conflict_rate: 0.25, redundancy_rate: 0.5 })
  expect(gatesOf(without, { ...thresholds, redundancy_rate: undefined }).every((gate) => gate.passed)).toBe(true)
})
