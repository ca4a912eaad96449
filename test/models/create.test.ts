// What the settings turn on, from nothing at all to a whole hosted set, against a server that plays the provider.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createModels } from '../../src/models/create.ts'
import type { UsageRecord } from '../../src/models/flow.ts'
import type { ModelSettings } from '../../src/models/settings.ts'
import { startModelServer } from '../support/model-server.ts'
import type { ModelServer } from '../support/model-server.ts'
import { TINY, tinyWeights, writeTinyFolder } from '../support/tiny-qwen3.ts'

const { signal } = new AbortController()
let server: ModelServer

beforeEach(async () => {
  server = await startModelServer()
})
afterEach(() => server.close())

const hosted = (over: Partial<ModelSettings> = {}): ModelSettings => ({
  llm: { baseUrl: server.url, apiKey: 'k', model: 'qwen-plus' },
  embedding: { baseUrl: server.url, apiKey: 'k', model: 'text-embedding-v4' },
  rerank: { baseUrl: server.url, apiKey: 'k', model: 'gte-rerank-v2' },
  vision: { baseUrl: server.url, apiKey: 'k', model: 'qwen-vl-plus' },
  ...over,
})

test('without any setting everything works offline and the line says what it is not', async () => {
  const models = createModels({})
  expect(models.hasLanguageModel).toBe(false)
  expect([models.keywords, models.reranker, models.summariserFor({}), models.vision, models.chat]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect(models.extractor?.id).toMatch(/^builtin/)
  expect((await models.embedding.embed(['勾股定理'], 'query', signal)).vectors).toHaveLength(1)
  expect(models.describe()).toMatch(/no semantic model.*answers are quotations, no language model.*reranking none/)
  expect(models.describe()).not.toContain('\n')
  await models.close()
})

test('a hosted set does every task, and the ledger hears of each call under its role', async () => {
  const records: UsageRecord[] = []
  const models = createModels(hosted(), { onUsage: (record) => records.push(record) })
  await models.embedding.embed(['甲'], 'document', signal)
  await models.extractor?.extract([{ text: '「甲乙」', header: '' }], signal)
  await models.keywords?.keywords('甲？', signal)
  await models.reranker?.rerank('甲', ['甲', '乙'], signal)
  await models.summariserFor({})?.summarise('甲', ['一', '二'], signal)
  await models.vision?.describe({ bytes: Uint8Array.of(1), mediaType: 'image/png' }, 'What?', signal)
  const evidence = [{ id: 1, source: 's', headings: [], content: '甲是乙。' }]
  for await (const _piece of models.answerer.answer({ question: '甲？', facts: '', evidence, history: [] }, signal)) continue
  expect(records.map(({ role }) => role)).toEqual(['embed', 'extract', 'keyword', 'rerank', 'summarise', 'vision', 'answer'])
  expect(records.every(({ ok, usage }) => ok && usage.inputTokens > 0)).toBe(true)
  expect(models.price('qwen-plus', records[1]?.usage ?? { inputTokens: 0, cachedTokens: 0, outputTokens: 0 })).toBeGreaterThan(0)
  expect(models.describe()).toContain('embedding openai/text-embedding-v4 (1024 numbers, semantic)')
})

test('a question’s embedding overtakes the batches of a document that is being ingested', async () => {
  const models = createModels(hosted({ embedding: { baseUrl: server.url, apiKey: 'k', model: 'text-embedding-v4', concurrency: 1 } }))
  server.setLatency(100)
  const documents = Array.from({ length: 6 }, (_unused, index) => models.embedding.embed([`段${index}`], 'document', signal))
  await expect.poll(() => server.requests.length, { interval: 2 }).toBe(1)
  await models.embedding.embed(['问题'], 'query', signal)
  expect(server.requests.map(({ body }) => JSON.stringify(body['input'])).slice(0, 2)).toEqual(['["段0"]', '["问题"]'])
  await Promise.all(documents)
})

describe('embedding spaces', () => {
  test('a space of the same model at another of its dimensions stays searchable, another model’s does not', async () => {
    const models = createModels(hosted())
    expect(models.embeddingFor('openai/text-embedding-v4', 1024)).toBe(models.embedding)
    const smaller = models.embeddingFor('openai/text-embedding-v4', 512)
    expect((await smaller?.embed(['甲'], 'query', signal))?.vectors[0]).toHaveLength(512)
    expect(models.embeddingFor('openai/text-embedding-v3', 1024)).toBeUndefined()
    expect(models.embeddingFor('openai/text-embedding-v4', 1000)).toBeUndefined()
  })

  test('the built-in space stays searchable when a provider is configured', () => {
    const builtin = createModels({}).embedding
    expect(createModels(hosted()).embeddingFor(builtin.model, builtin.dim)?.model).toBe(builtin.model)
  })
})

describe('extraction', () => {
  test('none, builtin and llm are what they say, and llm needs a model', () => {
    expect(createModels(hosted({ extraction: 'none' })).extractor).toBeUndefined()
    expect(createModels(hosted({ extraction: 'builtin' })).extractor?.id).toMatch(/^builtin/)
    expect(createModels(hosted()).extractor?.id).toMatch(/^extract-graph\/v1\+.*\/qwen-plus$/)
    expect(() => createModels({ extraction: 'llm' })).toThrow('set DASHSCOPE_API_KEY, or LLM_BASE_URL and LLM_MODEL')
  })

  test('a workspace’s profile reaches the prompt and the id', async () => {
    const extractor = createModels(hosted()).extractorFor({ entityTypes: ['dynasty'], language: 'Chinese' })
    await extractor?.extract([{ text: '「甲乙」', header: '' }], signal)
    expect(JSON.stringify(server.requests[0]?.body)).toContain('one of: dynasty.')
  })
})

test.each<[string, ModelSettings, string]>([
  ['a provider without a server', { embedding: { provider: 'openai' } }, 'set EMBEDDING_BASE_URL'],
  ['a model of unknown dimension', { embedding: { baseUrl: 'http://x/v1', model: 'mystery' } }, 'set EMBEDDING_DIM'],
  ['a dimension the model has not', { dashscopeApiKey: 'k', embedding: { dim: 1000 } }, 'EMBEDDING_DIM=1000'],
  ['a server without a model', { llm: { baseUrl: 'http://x/v1' } }, 'LLM_MODEL'],
])('%s is refused at start with the setting to change', (_name, settings, sentence) => {
  expect(() => createModels(settings)).toThrow(sentence)
})

test('a local model is one more provider: its space, its smaller dimensions and its use are known, and nothing leaves the machine', async () => {
  const modelPath = path.join(mkdtempSync(path.join(tmpdir(), 'create-')), 'tiny-qwen3')
  writeTinyFolder(modelPath, tinyWeights())
  const records: UsageRecord[] = []
  const models = createModels({ embedding: { provider: 'onnx', modelPath, device: 'cpu' } }, { onUsage: (record) => records.push(record) })
  await models.ready()
  expect((await models.embedding.embed(['甲'], 'document', signal)).vectors[0]).toHaveLength(TINY.hidden)
  expect((await models.embeddingFor('onnx/tiny-qwen3', 8)?.embed(['甲'], 'query', signal))?.vectors[0]).toHaveLength(8)
  expect(models.embeddingFor('onnx/tiny-qwen3', 64)).toBeUndefined()
  expect(records.map(({ role, model, ok }) => ({ role, model, ok }))).toEqual([
    { role: 'embed', model: 'onnx/tiny-qwen3', ok: true },
    { role: 'embed', model: 'onnx/tiny-qwen3', ok: true },
  ])
  await models.close()
  rmSync(path.dirname(modelPath), { recursive: true })
})
