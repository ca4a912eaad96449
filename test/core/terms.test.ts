import { PGlite } from '@electric-sql/pglite'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stem } from '../../src/core/stem.ts'
import { indexTerms, queryTerms, tsqueryAll, tsqueryAny, tsvectorLiteral } from '../../src/core/terms.ts'
import { toSimplified } from '../../src/core/text.ts'
import { workspaceId } from '../../src/core/workspace.ts'

const teacher = workspaceId('teacher-001')
const other = workspaceId('teacher-002')

describe('indexTerms', () => {
  it('cuts Chinese into bigrams and keeps the last character of a run', () => {
    expect([...indexTerms('二次函數')]).toEqual([
      ['二次', 1],
      ['次函', 1],
      ['函数', 1],
      ['数', 1],
    ])
  })

  it('counts frequencies', () => {
    expect(indexTerms('Graph, graphs and graphing').get('graph')).toBe(3)
  })

  it.each([
    ['DSE-M1-3.2', ['dse-m1-3.2', 'dse', 'm1', '3.2']],
    ['第 2(a)(ii) 題', ['2(a)(ii)', '2', 'ii', '题']],
    ['y = ax^2 + bx + c', ['y=ax^2+bx+c', 'ax^2+bx+c', 'bx']],
    ['y=ax²+bx+c', ['y=ax^2+bx+c', 'ax^2+bx+c']],
    ['$x = \\frac{-b \\pm \\sqrt{b^{2}-4ac}}{2a}$', ['sqrt', '4ac']],
    ['ＣＯ₂ 1,000 3.14', ['co2', '1000', '3.14']],
    ['x轴', ['x', '轴']],
    ['École', ['ecole']],
    ["Pythagoras' theorem's proof", ['pythagora', 'theorem', 'proof']],
  ])('%s is found by %j', (text, terms) => {
    expect([...indexTerms(text).keys()]).toEqual(expect.arrayContaining(terms))
  })

  it('a formula is one term however it is spaced', () => {
    const formula = (text: string): string[] => [...indexTerms(text).keys()].filter((term) => term.includes('='))
    expect(formula('x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}')).toEqual(formula('x=\\frac{-b\\pm\\sqrt{b^{2}-4ac}}{2a}'))
    expect(formula('x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}')).toHaveLength(1)
  })

  it('does not make a formula of prose', () => {
    expect([...indexTerms('teacher + student, well-known and/or new')].map(([term]) => term)).toEqual([
      'teacher',
      'student',
      'well',
      'known',
      'and',
      'or',
      'new',
    ])
  })

  it('is the same for a text and its simplified twin, and no term is empty, long or begins with @', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        const terms = indexTerms(text)
        expect(indexTerms(toSimplified(text.normalize('NFKC')))).toEqual(indexTerms(text.normalize('NFKC')))
        for (const term of terms.keys()) {
          expect(term.length).toBeGreaterThan(0)
          expect(term.length).toBeLessThanOrEqual(64)
          expect(term.startsWith('@')).toBe(false)
        }
      }),
    )
  })

  it('cuts an endless word without halving a character', () => {
    for (const term of indexTerms(`${'a'.repeat(63)}${'𝟘'.repeat(5)} ${'\u{10400}'.repeat(70)}`).keys())
      expect(term.isWellFormed()).toBe(true)
  })
})

describe('stem', () => {
  it.each([
    ['solved', 'solve'],
    ['solving', 'solve'],
    ['equations', 'equation'],
    ['vertices', 'vertex'],
    ['running', 'run'],
    ['planned', 'plan'],
    ['plane', 'plane'],
    ['planes', 'plane'],
    ['classes', 'class'],
    ['studies', 'study'],
    ['multiplied', 'multiply'],
    ['calculating', 'calculate'],
    ['squared', 'square'],
    ['axis', 'axis'],
    ['string', 'string'],
    ['ending', 'end'],
    ['focus', 'focus'],
    ['need', 'need'],
    ['sin', 'sin'],
  ])('%s → %s', (word, base) => {
    expect(stem(word)).toBe(base)
  })
})

describe('queryTerms', () => {
  it.each([
    ['二次函數的圖像是什麼？', ['二次', '次函', '函数', '图像']],
    ['什么是力？', ['力']],
    ['圆的面积公式', ['圆', '面积', '积公', '公式']],
    ['目的', ['目的']],
    ['有机物', ['有机', '机物']],
    ['What is the discriminant of a quadratic equation?', ['discriminant', 'quadratic', 'equation']],
    ['the', ['the']],
    ['什么', ['什么']],
    ['graph graphs GRAPH', ['graph']],
    ['？！', []],
  ])('%s asks for %j', (query, terms) => {
    expect(queryTerms(query)).toEqual(terms)
  })

  it('keeps an identifier whole and first', () => {
    expect(queryTerms('DSE-M1-3.2 的要求')[0]).toBe('dse-m1-3.2')
    expect(queryTerms('第2(a)(ii)題')).toContain('2(a)(ii)')
  })
})

describe('text search literals, read by PostgreSQL', () => {
  let db: PGlite
  beforeAll(async () => {
    db = await PGlite.create()
  })
  afterAll(async () => {
    await db.close()
  })

  const matches = async (text: string, query: string): Promise<boolean> => {
    const { rows } = await db.query<{ hit: boolean }>('select $1::tsvector @@ $2::tsquery as hit', [
      tsvectorLiteral(indexTerms(text), teacher),
      query,
    ])
    return rows[0]?.hit === true
  }

  it('finds all or any of the terms, and only within the workspace', async () => {
    const text = '二次函數 y=ax^2+bx+c 的單位圓'
    expect(await matches(text, tsqueryAll(queryTerms('二次函数'), teacher))).toBe(true)
    expect(await matches(text, tsqueryAll(queryTerms('二次方程'), teacher))).toBe(false)
    expect(await matches(text, tsqueryAny(queryTerms('二次方程'), teacher))).toBe(true)
    expect(await matches(text, tsqueryAll(queryTerms('二次函数'), other))).toBe(false)
    expect(await matches(text, tsqueryAny(queryTerms('二次方程'), other))).toBe(false)
    expect(await matches(text, tsqueryAll(queryTerms('y = ax² + bx + c'), teacher))).toBe(true)
    expect(await matches(text, tsqueryAll(['圆'], teacher))).toBe(true)
    expect(await matches(text, tsqueryAll(['单'], teacher))).toBe(true)
    expect(await matches(text, tsqueryAll(['方'], teacher))).toBe(false)
  })

  it('matches nothing without terms', async () => {
    expect(await matches('text', tsqueryAll([], teacher))).toBe(false)
    expect(await matches('text', tsqueryAny([], teacher))).toBe(false)
  })

  it('keeps the frequency as positions, at most 255', async () => {
    const { rows } = await db.query<{ n: number }>(`select array_length(positions, 1) as n from unnest($1::tsvector) order by lexeme`, [
      tsvectorLiteral(
        new Map([
          ['a', 3],
          ['b', 900],
        ]),
        teacher,
      ),
    ])
    expect(rows.map(({ n }) => n)).toEqual([1, 3, 255])
  })

  it('carries quotes, backslashes and operators as they are', async () => {
    const odd = ["it's", 'a\\b', '\\', "''", 'a & b', '!(x|y):*', '𠮷', "\\'"]
    const { rows } = await db.query<{ lexemes: string[] }>('select tsvector_to_array($1::tsvector) as lexemes', [
      tsvectorLiteral(new Map(odd.map((term) => [term, 1])), teacher),
    ])
    expect(rows[0]?.lexemes.toSorted()).toEqual(['@teacher-001', ...odd].toSorted())
    const found = await db.query<{ hit: boolean }>('select $1::tsvector @@ $2::tsquery as hit', [
      tsvectorLiteral(new Map(odd.map((term) => [term, 1])), teacher),
      tsqueryAll(odd, teacher),
    ])
    expect(found.rows[0]?.hit).toBe(true)
  })
})
