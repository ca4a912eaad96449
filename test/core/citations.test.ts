import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { citationFilter, verifyCitations } from '../../src/core/citations.ts'

describe('citations', () => {
  it.each([
    ['keeps what was given', 'Yes [1]. And [3].', 'Yes [1]. And [3].', [1, 3]],
    ['removes what was not, with its space', 'Yes [7]. No [0].', 'Yes. No.', []],
    ['keeps the valid part of a list', 'Both [1, 9].', 'Both [1].', [1]],
    ['reads lenticular brackets', '顶点在此【2】。', '顶点在此[2]。', [2]],
    ['cites after a Chinese word', '对称轴[2]是', '对称轴[2]是', [2]],
    ['leaves an interval alone', 'x ∈ [1, 5] holds [1]', 'x ∈ [1, 5] holds [1]', [1]],
    ['leaves a list with zero alone', 'on [0, 9] it grows', 'on [0, 9] it grows', []],
    ['leaves an index alone', 'a[9] = 2', 'a[9] = 2', []],
    ['leaves a formula alone', 'so $x[9]$ and $$[8]$$ [2]', 'so $x[9]$ and $$[8]$$ [2]', [2]],
    ['knows a price from a formula', 'costs $5 [9]\nand [1]', 'costs $5\nand [1]', [1]],
    ['leaves other brackets alone', '[see below] and [link](x)', '[see below] and [link](x)', []],
    ['lets an open bracket stand at the end', 'open [', 'open [', []],
  ])('%s', (_claim, text, expected, cited) => {
    expect(verifyCitations(text, 3)).toEqual({ answer: expected, cited })
  })

  it('removes every number when there is no evidence', () => {
    expect(verifyCitations('A [1] B [2].', 0)).toEqual({ answer: 'A B.', cited: [] })
  })

  it('streams the same text however the pieces are cut', () => {
    const text = 'Start [1] mid [12], list [2, 9] then $a[1]$ and $5 [3]\n【1】 end  [x] ['
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 12 }), (cuts) => {
        const borders = [0, ...new Set(cuts), text.length].toSorted((a, b) => a - b)
        const filter = citationFilter(3)
        let out = ''
        for (let i = 0; i + 1 < borders.length; i += 1) out += filter.push(text.slice(borders[i], borders[i + 1]))
        out += filter.flush()
        expect(out).toBe(verifyCitations(text, 3).answer)
      }),
    )
  })

  it('shows text at once where no bracket is open', () => {
    const filter = citationFilter(1)
    expect(filter.push('plain words')).toBe('plain words')
    expect(filter.push(' and [')).toBe(' and')
    expect(filter.push('1]')).toBe(' [1]')
  })
})
