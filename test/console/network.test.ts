// The part of the graph on the screen: growing, shrinking, and paths in it.
import { expect, test } from 'vitest'
import { EMPTY, grown, shortestPath, typesOf, without } from '../../src/console/text/network.ts'

const node = (id: string, type = 'concept') => ({ id, name: `name of ${id}`, type, degree: 1, workspace: 'public' })
const edge = (source: string, target: string, keywords = '') => ({ source, target, keywords, weight: 1 })

const chain = grown(EMPTY, {
  nodes: ['a', 'b', 'c', 'd', 'far'].map((id) => node(id)),
  edges: [edge('a', 'b'), edge('c', 'b'), edge('c', 'd'), edge('a', 'd')],
})

test('growing adds what is new and keeps what is there, however often it comes', () => {
  const more = grown(chain, { nodes: [node('a'), node('e')], edges: [edge('a', 'b'), edge('a', 'e')] })
  expect([more.nodes.size, more.edges.size]).toEqual([6, 5])
})

test('edges may name their ends by name; those without both ends and loops are left out', () => {
  const network = grown(EMPTY, { nodes: [node('a'), node('b')], edges: [edge('name of a', 'b'), edge('a', 'nowhere'), edge('a', 'a')] })
  expect([...network.edges.values()].map(({ source, target }) => [source, target])).toEqual([['a', 'b']])
})

test('a path takes the fewest edges in either direction', () => {
  expect(shortestPath(chain, 'a', 'c')).toHaveLength(3)
  expect(shortestPath(chain, 'b', 'a')).toEqual(['b', 'a'])
  expect(shortestPath(chain, 'a', 'a')).toEqual(['a'])
  expect(shortestPath(chain, 'a', 'far')).toBeUndefined()
  expect(shortestPath(chain, 'a', 'unknown')).toBeUndefined()
})

test('a node that is taken out takes its edges along', () => {
  const less = without(chain, 'b')
  expect([less.nodes.size, less.edges.size]).toEqual([4, 2])
})

test('types come by frequency, ties by name', () => {
  const network = grown(EMPTY, { nodes: [node('a', 'z'), node('b', 'y'), node('c', 'x'), node('d', 'x')], edges: [] })
  expect(typesOf(network)).toEqual(['x', 'y', 'z'])
})
