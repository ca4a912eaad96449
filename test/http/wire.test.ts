import { expect, test } from 'vitest'
import { putChunks } from '../../src/http/schemas/courses.ts'
import { listQuery, parseRequest, uploadForm } from '../../src/http/schemas/documents.ts'
import { buildBody, releaseSearch } from '../../src/http/schemas/releases.ts'
import { queryRequest } from '../../src/http/schemas/search.ts'
import { validated } from '../../src/http/validation.ts'
import { fromWire } from '../../src/http/wire.ts'

test.each([
  ['snake_case', { file_id: 'f', signed_url: 'u', file_name: 'n' }, { fileId: 'f', signedUrl: 'u', fileName: 'n' }],
  ['a synonym', { fileId: 'f', ossUrl: 'u', purpose: 'p' }, { fileId: 'f', signedUrl: 'u', collection: 'p' }],
  ['a synonym in snake_case', { fileId: 'f', download_url: 'u' }, { fileId: 'f', signedUrl: 'u' }],
  ['the exact name over another spelling', { signed_url: 'no', signedUrl: 'yes', url: 'no' }, { signedUrl: 'yes' }],
  ['a nested object', { parse_options: { parse_method: 'ocr' } }, { parseOptions: { parseMethod: 'ocr' } }],
  ['null for an optional field as not given', { fileId: 'f', fileName: null, parseOptions: null }, { fileId: 'f' }],
  ['null for a required field as null', { fileId: null }, { fileId: null }],
  ['unknown names not at all', { fileId: 'f', extra: 1, constructor: 2 }, { fileId: 'f' }],
  ['keys inside metadata as they are', { metadata: { grade_level: 1, none: null } }, { metadata: { grade_level: 1, none: null } }],
])('%s is accepted', (_what, received, expected) => {
  expect(fromWire(parseRequest, received)).toEqual(expected)
})

test.each([[undefined], [null], ['text'], [[{ fileId: 'f' }]]])('%j is left for the schema to refuse', (received) => {
  expect(fromWire(parseRequest, received)).toEqual(received)
  expect(() => validated(parseRequest, received, 'body')).toThrow('The body must be a JSON object')
})

test.each([
  [{}, 'query is missing.'],
  [{ query: '  ' }, 'query must not be blank.'],
  [{ query: 'x'.repeat(8001) }, 'query must have at most 8000 characters.'],
  [{ query: 'q', topK: 0 }, 'topK must be at least 1.'],
  [{ query: 'q', top_k: 101 }, 'topK must be at most 100.'],
  [{ query: 'q', topK: 1.5 }, 'topK must be a whole number.'],
  [{ query: 'q', topK: '5' }, 'topK must be a number.'],
  [{ query: 'q', mode: 'magic' }, 'mode must be one of auto, naive, local, global, hybrid, mix, lexical, bypass.'],
  [{ query: 'q', collections: 'c' }, 'collections must be a list.'],
  // Left out it would find more than was asked for.
  [{ query: 'q', filters: { grade: null } }, 'filters.grade must be a text'],
  [{ query: 'q', filters: { grade: { not: 1 } } }, 'filters.grade holds a name that is not known there.'],
  [{ query: 'q', history: [{ role: 'robot', content: '' }] }, 'history[0].role must be one of user, assistant, system.'],
  [{ query: 'q\0' }, 'query must be well-formed text without the character U+0000.'],
  [{ query: 'q', collections: ['a', '\ud800'] }, 'collections[1] must be well-formed text without the character U+0000.'],
])('%j is refused in words: %s', (received, sentence) => {
  expect(() => validated(queryRequest, received, 'body')).toThrow(sentence)
})

test('entries of lists, and bodies that are reshaped afterwards, take other spellings and nulls too', () => {
  expect(
    fromWire(queryRequest, {
      query: 'q',
      history: [{ role: 'user', content: 'c', name: null }],
      filters: { year: 1, term: { gte: 1, lt: null } },
    }),
  ).toEqual({
    query: 'q',
    history: [{ role: 'user', content: 'c' }],
    filters: { year: 1, term: { gte: 1 } },
  })
  const item = { knowledgeItemId: 'K1', contentType: 'rule', text: 't', role: 'r', strength: 'hard_constraint', locale: null, tags: null }
  const { knowledge_items: items, preview_queries: questions } = fromWire(buildBody, {
    knowledgeItems: [item],
    previewQueries: [{ query: 'q', expectedItemIds: null, k: null }],
  }) as { knowledge_items: unknown; preview_queries: unknown }
  expect(items).toEqual([
    { knowledge_item_id: 'K1', content_type: 'rule', text: 't', role: 'r', strength: 'hard_constraint', locale: null },
  ])
  expect(questions).toEqual([{ query: 'q' }])
  expect(validated(releaseSearch, { query: 'q', topK: 3, includeDeprecated: true, role: null, styleMode: 'x' }, 'body')).toEqual({
    query: 'q',
    top_k: 3,
    include_deprecated: true,
    facets: { style_mode: 'x' },
  })
  expect(validated(putChunks, { chunks: [{ chunk_id: 'a', none: null }], more: null }, 'body')).toEqual([{ chunk_id: 'a', none: null }])
})

test('a field without a value in a link or a form is not given, in a JSON body it is an empty text', () => {
  expect(validated(listQuery, { q: '', limit: '', status: '', cursor: '', collection: 'c' }, 'query')).toEqual({
    collection: 'c',
    limit: 50,
  })
  expect(validated(uploadForm, { fileId: '', metadata: 'null', parseOptions: '', fileName: 'n' }, 'form')).toEqual({ fileName: 'n' })
  expect(() => validated(queryRequest, { query: '' }, 'body')).toThrow('query must not be blank.')
})
