import { expect, it } from 'vitest'
import { longestNames, nameCandidates } from '../../src/core/query-names.ts'

it('finds every run of Chinese characters as a possible name, in simplified form', () => {
  const keys = nameCandidates('二次函數的對稱軸')
  expect(keys).toEqual(expect.arrayContaining(['二次函数', '对称轴', '函数']))
  expect(keys).not.toContain('的')
})

it('finds names of several words whatever their case, but no lone stop word', () => {
  const keys = nameCandidates("What is the Pythagoras' Theorem?")
  expect(keys).toContain("pythagoras' theorem")
  expect(keys).not.toContain('what')
  expect(keys).not.toContain('the')
})

it.each([
  ['What is a linear function?', 'linear functions'],
  ['solving quadratic equations', 'quadratic equation'],
  ['prove Pythagoras theorem', "pythagoras' theorem"],
  ['state Newton second law', "newton's second law"],
  ["Ohm's laws", 'ohm law'],
  ['properties', 'property'],
])('%s may name %s', (question, key) => {
  expect(nameCandidates(question)).toContain(key)
})

it('leaves room for what stands at the end of a long question', () => {
  const words = Array.from({ length: 45 }, (_, index) => `word${String.fromCharCode(97 + (index % 26))}${index < 26 ? 'a' : 'b'}`)
  expect(nameCandidates(`${words.join(' ')} osmosis`)).toContain('osmosis')
})

it('a question of one character is that name', () => {
  expect(nameCandidates('圆')).toEqual(['圆'])
})

it('stays bounded for a very long question', () => {
  expect(nameCandidates('一二三四五六七八九十'.repeat(500)).length).toBeLessThanOrEqual(1500)
})

it('drops a name that is part of a longer one', () => {
  expect(longestNames(['函数', '二次函数', '对称轴'])).toEqual(['二次函数', '对称轴'])
})
