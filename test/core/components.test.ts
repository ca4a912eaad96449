import { expect, test } from 'vitest'
import { representatives, type AliasEdge } from '../../src/core/components.ts'

const alias = (key: string, other: string): AliasEdge => ({ key, other, merged: false })
const merge = (key: string, other: string): AliasEdge => ({ key, other, merged: true })

const byFirstKey = ([a = '']: readonly string[], [b = '']: readonly string[]): number => (a < b ? -1 : Number(a > b))

/** The keys that are one, each group and all groups sorted. */
const groups = (edges: readonly AliasEdge[]): string[][] => {
  const leaders = representatives([], edges)
  return [...Map.groupBy(leaders.keys(), (key) => leaders.get(key)).values()].map((keys) => keys.toSorted()).toSorted(byFirstKey)
}

test.each<[string, AliasEdge[], string[][]]>([
  ['a word for one name', [alias('光合作用', 'photosynthesis')], [['photosynthesis', '光合作用']]],
  ['a word for two names joins neither', [alias('冪', 'power'), alias('功率', 'power')], [['power'], ['冪'], ['功率']]],
  ['nor where the word has the names as aliases', [alias('power', '冪'), alias('power', '功率')], [['power'], ['冪'], ['功率']]],
  [
    'names that an alias or a person calls one are one meaning',
    [alias('機率', 'probability'), alias('概率', 'probability'), merge('機率', '概率')],
    [['probability', '概率', '機率']],
  ],
  [
    'a term of several words joins what it translates',
    [alias('勾股定理', "pythagoras' theorem"), alias('畢氏定理', "pythagoras' theorem")],
    [["pythagoras' theorem", '勾股定理', '畢氏定理']],
  ],
  [
    'two words that are one do not get around it',
    [alias('冪', 'power'), alias('功率', 'pwr'), alias('power', 'pwr')],
    [['power', 'pwr'], ['冪'], ['功率']],
  ],
  [
    'nor does a word of a term that has a name already',
    [alias('勢能', 'potential energy'), alias('potential energy', 'pe'), alias('體育', 'pe')],
    [['pe', 'potential energy', '勢能'], ['體育']],
  ],
  [
    'a word with one meaning keeps it beside one with two',
    [alias('力', 'force'), alias('力', 'power'), alias('功率', 'power')],
    [['force', '力'], ['power'], ['功率']],
  ],
])('%s, in whatever order', (_name, edges, expected) => {
  const sorted = expected.map((keys) => keys.toSorted()).toSorted(byFirstKey)
  for (const order of [edges, edges.toReversed(), [...edges.slice(1), ...edges.slice(0, 1)]]) expect(groups(order)).toEqual(sorted)
})
