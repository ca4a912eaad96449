import { expect, it } from 'vitest'
import { type Known, otherNames } from '../../src/core/other-names.ts'
import { queryTerms } from '../../src/core/terms.ts'

const known = (key: string, ...names: string[]): Known => ({ workspaceId: 'public', key, names })
const ask = (question: string, keys: string[], given: Known[]): [string, string[]][] =>
  otherNames(queryTerms(question), keys, given).map(({ key, others }) => [key, others.map(({ name }) => name)])

it('gives what a thing is called in the other language before its synonyms, each name once', () => {
  expect(
    ask(
      '畢氏定理的證明',
      ['毕氏定理'],
      [known('毕氏定理', '畢氏定理', '直角三邊關係', "Pythagoras' theorem", "pythagoras' theorem", '直角三邊關係')],
    ),
  ).toEqual([['毕氏定理', ["Pythagoras' theorem", '直角三邊關係']]])
})

it('renames the longest name only, and no name by words that the question has anyway', () => {
  const names = [known('二次函数', '二次函數', 'quadratic function'), known('函数', '函數', 'function')]
  expect(ask('二次函數的圖像', ['二次函数', '函数'], names)).toEqual([['二次函数', ['quadratic function']]])
  expect(ask('二次函數 quadratic functions', ['二次函数'], names)).toEqual([])
})

it('does not depend on the order in which the database answers, and stays bounded', () => {
  const many = Array.from({ length: 40 }, (_, index) =>
    known(`k${index}`, `第${index}個很長的中文名稱`, `甲${index}`, `乙${index}`, `丙${index}`, `丁${index}`),
  )
  const keys = many.map(({ key }) => key)
  const renamed = otherNames([], keys, many)
  expect(otherNames([], keys, many.toReversed())).toEqual(renamed)
  expect(renamed.length).toBeLessThanOrEqual(6)
  expect(renamed.flatMap(({ others }) => others.flatMap(({ terms }) => terms)).length).toBeLessThanOrEqual(24)
  expect(renamed.every(({ others }) => others.length <= 4)).toBe(true)
})
