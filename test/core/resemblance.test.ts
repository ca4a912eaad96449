import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entityId, nameKey } from '../../src/core/names.ts'
import { alike } from '../../src/core/resemblance.ts'

const named = (names: readonly string[]) => names.map((name) => ({ id: entityId(nameKey(name)), key: nameKey(name) }))
const pairOf = (one: string, other: string) => alike(named([one, other]), named([one, other]))[0]

describe('which names look alike', () => {
  test.each([
    ['毕达哥拉斯定理', '毕达格拉斯定理', 'spelling'],
    ['quadratic function', 'quadratic functions', 'spelling'],
    ['Pythagoras theorem', "Pythagoras' Theorem", 'wording'],
    ['x-axis', 'x axis', 'wording'],
    ['軟體工程', '软件工程', 'wording'],
    ['photosynthesis', 'photosyntesis', 'spelling'],
  ])('%s and %s, by their %s', (one, other, reason) => {
    expect(pairOf(one, other)).toMatchObject({ reason })
  })

  test.each([
    ['一次函数', '二次函数'],
    ['一元二次方程式', '一元三次方程式'],
    ['正弦定理公式', '余弦定理公式'],
    ['等差数列求和公式', '等比数列求和公式'],
    ['equality', 'inequality'],
    ['positive number', 'negative number'],
    ['Newton first law', 'Newton second law'],
    ['chapter 12 exercise', 'chapter 13 exercise'],
    ['勾股定理', "Pythagoras' theorem"],
    ['函数', '函數論'],
    ['光合作用', '呼吸作用'],
  ])('not %s and %s', (one, other) => {
    expect(pairOf(one, other)).toBeUndefined()
  })
})

test('only pairs with a fresh name, each once, the most alike first', () => {
  const all = named(['quadratic function', 'quadratic functions', 'quadratic-function', 'linear equation', 'linear equations'])
  const pairs = alike(all.slice(2, 4), all)
  const shown = (id: string): string => all.find((one) => one.id === id)?.key ?? ''
  expect(pairs.map(({ a, b }) => [shown(a), shown(b)].toSorted())).toEqual([
    ['quadratic function', 'quadratic-function'],
    ['quadratic functions', 'quadratic-function'],
    ['linear equation', 'linear equations'],
  ])
  expect(pairs.every(({ a, b, score }) => a < b && score > 0 && score <= 1)).toBe(true)
})

test('whatever the names, comparing them all at once gives the same pairs in any order, and none of different writing', () => {
  const word = fc.constantFrom('函数', '定理', '二次', '图像', 'graph', 'theorem', 'of', 'π', '２', '-', ' ')
  const name = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(''))
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 12, selector: nameKey }), (names) => {
      const all = named(names).filter(({ key }) => key !== '')
      const pairs = alike(all, all)
      expect(alike(all.toReversed(), all.toReversed())).toEqual(pairs)
      const isHan = (id: string): boolean => /\p{Script=Han}/u.test(all.find((one) => one.id === id)?.key ?? '')
      expect(pairs.every(({ a, b }) => isHan(a) === isHan(b))).toBe(true)
    }),
  )
})
