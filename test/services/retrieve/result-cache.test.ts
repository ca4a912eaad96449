import { expect, it } from 'vitest'
import { workspaceId } from '../../../src/core/workspace.ts'
import type { SearchResponse } from '../../../src/services/api.ts'
import { ResultCache } from '../../../src/services/retrieve/result-cache.ts'

const replyOf = (more: Partial<SearchResponse['results'][number]>): SearchResponse => ({
  mode: 'auto',
  results: [
    {
      content: 'a short text',
      source: 'user/a.txt',
      workspace: workspaceId('teacher-a'),
      fileId: 'a',
      chunkId: 'a-0',
      score: 1,
      page: null,
      headings: [],
      metadata: {},
      ...more,
    },
  ],
  entities: [],
  relations: [],
  keywords: { highLevel: [], lowLevel: [] },
  timings: { embedMs: 0, retrieveMs: 0, totalMs: 0 },
})

/** Asked twice, as what is kept must be. */
function keptOf(reply: SearchResponse): SearchResponse | undefined {
  const cache = new ResultCache()
  cache.set('key', reply)
  cache.set('key', reply)
  return cache.get('key')
}

const long = 'x'.repeat(100_000)

it.each<[string, SearchResponse]>([
  ['text', replyOf({ content: long })],
  ['metadata', replyOf({ metadata: { note: long } })],
  ['the paths of an explanation', replyOf({ explain: { named: { rank: 1, score: 1, path: [{ entity: long }] } } })],
])('a reply is not kept for the length of its %s', (_what, reply) => {
  expect(keptOf(replyOf({}))).toBeDefined()
  expect(keptOf(reply)).toBeUndefined()
})
