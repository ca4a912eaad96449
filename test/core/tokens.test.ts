import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens, fitsTokens, truncateTokens } from '../../src/core/tokens.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 60 })

describe('countTokens', () => {
  // Real counts by o200k (GPT-4o) and cl100k (GPT-3.5/4). The estimate lies between 0.95 and 1.4 of o200k;
  // cl100k spends up to 1.5 tokens on a traditional character, which this estimate does not follow.
  it.each([
    [
      'A quadratic function is a polynomial function of degree two. Its graph is a parabola that opens upward when the leading coefficient is positive. Photosynthesis converts light energy into chemical energy stored in carbohydrates.',
      39,
    ],
    [
      '二次函數的圖像是一條拋物線，其頂點座標可由配方法求得。學生應能理解判別式與根的關係，並能解決實際應用題。三角形的內角和等於一百八十度，外角等於兩個不相鄰內角之和。',
      78,
    ],
    [
      '二次函数的图像是一条抛物线，其顶点坐标可由配方法求得。学生应能理解判别式与根的关系，并能解决实际应用题。三角形的内角和等于一百八十度，外角等于两个不相邻内角之和。光合作用是绿色植物利用光能把二氧化碳和水转化为有机物并释放氧气的过程。',
      100,
    ],
    ['$$x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}$$ \\begin{aligned} y &= ax^2 + bx + c \\\\ \\Delta &= b^2-4ac \\end{aligned}', 54],
    ['2019 年 12 月 31 日 成績 87 92 65.5 平均 81.5 編號 20231145', 31],
  ])('estimates %j near its %i o200k tokens', (sample, real) => {
    const ratio = countTokens(sample) / real
    expect(ratio).toBeGreaterThanOrEqual(0.95)
    expect(ratio).toBeLessThanOrEqual(1.4)
  })

  it('is 0 for nothing and at least 1 for anything', () => {
    expect(countTokens('')).toBe(0)
    expect(countTokens(' ')).toBe(1)
    expect(countTokens('a')).toBe(1)
  })

  it('fits is what counting says', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 40 }), (whole, max) => {
        expect(fitsTokens(whole, max)).toBe(countTokens(whole) <= max)
      }),
    )
  })

  it('a prefix never costs more than the whole', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(countTokens(a)).toBeLessThanOrEqual(countTokens(a + b))
      }),
    )
  })
})

describe('truncateTokens', () => {
  it('keeps the budget and ends between graphemes', () => {
    const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 40 }), (whole, max) => {
        const cut = truncateTokens(whole, max)
        expect(whole.startsWith(cut)).toBe(true)
        expect(countTokens(cut)).toBeLessThanOrEqual(max)
        const borders = [0, ...Array.from(segmenter.segment(whole), ({ index, segment }) => index + segment.length)]
        expect(borders).toContain(cut.length)
      }),
    )
  })

  it.each([
    ['二次函数', 2, '二次'],
    ['one two three', 2, 'one two '],
    ['好👨‍👩‍👧‍👦好', 3, '好'],
    ['𠮷𠮷', 3, '𠮷'],
    ['👨‍👩‍👧‍👦', 3, ''],
    ['short', 100, 'short'],
    ['any', 0, ''],
  ])('cuts %j at %i tokens to %j', (whole, max, cut) => {
    expect(truncateTokens(whole, max)).toBe(cut)
  })

  it('cuts even text that is one endless grapheme', () => {
    const zalgo = `a${'\u0301'.repeat(500)}`
    const cut = truncateTokens(zalgo, 20)
    expect(cut.length).toBeGreaterThan(0)
    expect(countTokens(cut)).toBeLessThanOrEqual(20)
  })
})
