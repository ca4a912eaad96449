// From settings to endpoints, and the catalogue behind them.
import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/models/catalogue.ts'
import { DASHSCOPE_BASE_URL, endpointFor } from '../../src/models/roles.ts'
import type { RoleName } from '../../src/models/settings.ts'

const ROLES: RoleName[] = ['extract', 'keyword', 'answer', 'summarise', 'vision', 'rerank', 'embed']

describe('endpoints', () => {
  test('nothing configured is no endpoint for any role', () => {
    expect(ROLES.map((role) => endpointFor(role, {}))).toEqual(ROLES.map(() => undefined))
  })

  test('one DashScope key turns on every role, with models the catalogue knows', () => {
    const catalogue = loadCatalogue()
    for (const role of ROLES) {
      const endpoint = endpointFor(role, { dashscopeApiKey: 'k' })
      expect(endpoint).toMatchObject({ baseUrl: DASHSCOPE_BASE_URL, apiKey: 'k', settings: { apiKey: 'DASHSCOPE_API_KEY' } })
      expect(catalogue.find(endpoint?.model ?? '')?.price).toBeDefined()
    }
  })

  test('language roles inherit LLM_*, the others do not', () => {
    const settings = { llm: { baseUrl: 'http://gpu:8000/v1/', apiKey: 'base', model: 'qwen3-32b', timeoutMs: 9 } }
    expect(endpointFor('answer', settings)).toMatchObject({
      baseUrl: 'http://gpu:8000/v1',
      apiKey: 'base',
      model: 'qwen3-32b',
      timeoutMs: 9,
    })
    expect(endpointFor('embed', settings)).toBeUndefined()
    expect(endpointFor('vision', settings)).toBeUndefined()
  })

  test('with a server of its own and a DashScope key, each role goes where its settings say', () => {
    const settings = { dashscopeApiKey: 'cloud', llm: { baseUrl: 'http://gpu:8000/v1', model: 'local' } }
    expect(endpointFor('extract', settings)).toMatchObject({ baseUrl: 'http://gpu:8000/v1', apiKey: '', model: 'local' })
    expect(endpointFor('rerank', settings)).toMatchObject({ baseUrl: DASHSCOPE_BASE_URL, apiKey: 'cloud', model: 'gte-rerank-v2' })
  })

  test('a key never travels to a server it was not given for', () => {
    const settings = { dashscopeApiKey: 'cloud', llm: { apiKey: 'base' }, answer: { baseUrl: 'http://elsewhere/v1', model: 'm' } }
    expect(endpointFor('answer', settings)).toMatchObject({
      apiKey: '',
      settings: { apiKey: 'ANSWER_API_KEY', baseUrl: 'ANSWER_BASE_URL', model: 'ANSWER_MODEL' },
    })
    expect(endpointFor('extract', settings)).toMatchObject({
      apiKey: 'base',
      baseUrl: DASHSCOPE_BASE_URL,
      settings: { apiKey: 'LLM_API_KEY' },
    })
  })

  test('a role may choose another model on the same server, and look-alike hosts are not DashScope', () => {
    expect(endpointFor('keyword', { dashscopeApiKey: 'k', llm: { model: 'qwen-max' }, keyword: { model: 'qwen-turbo' } })).toMatchObject({
      model: 'qwen-turbo',
    })
    expect(
      endpointFor('answer', { dashscopeApiKey: 'k', llm: { baseUrl: 'https://dashscope.aliyuncs.com.evil.example/v1', model: 'm' } }),
    ).toMatchObject({ apiKey: '' })
    expect(
      endpointFor('answer', { dashscopeApiKey: 'k', llm: { baseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1' } }),
    ).toMatchObject({ apiKey: 'k', model: 'qwen-plus' })
  })

  test('a server without a model says which setting is missing', () => {
    expect(() => endpointFor('answer', { llm: { baseUrl: 'http://gpu:8000/v1' } })).toThrow('set ANSWER_MODEL or LLM_MODEL')
    expect(() => endpointFor('embed', { embedding: { baseUrl: 'http://gpu:8000/v1' } })).toThrow('set EMBEDDING_MODEL_NAME')
  })
})

describe('the catalogue', () => {
  const catalogue = loadCatalogue()

  test('names and aliases are found whatever their case', () => {
    expect(catalogue.find('QWEN3-Embedding:0.6b')?.model).toBe('Qwen/Qwen3-Embedding-0.6B')
    expect(catalogue.find('unheard-of')).toBeUndefined()
  })

  test('text-embedding-v4 takes ten texts of 8,192 tokens', () => {
    expect(catalogue.find('text-embedding-v4')).toMatchObject({ maxBatch: 10, maxInputTokens: 8192, dim: 1024 })
  })

  test('a price counts cached tokens apart and is unknown for models without one', () => {
    expect(catalogue.price('qwen-plus', { inputTokens: 2000, cachedTokens: 1000, outputTokens: 500 })).toBeCloseTo(
      0.0008 + 0.00016 + 0.001,
      10,
    )
    expect(catalogue.price('bge-m3', { inputTokens: 1, cachedTokens: 0, outputTokens: 0 })).toBeUndefined()
  })
})
