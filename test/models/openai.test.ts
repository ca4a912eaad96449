// The OpenAI-compatible models against a real local server that also misbehaves.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { loadCatalogue } from '../../src/models/catalogue.ts'
import { createChatModel } from '../../src/models/openai/chat.ts'
import { createEmbeddingModel } from '../../src/models/openai/embedding.ts'
import { createReranker, rerankScores } from '../../src/models/openai/rerank.ts'
import { createVisionModel } from '../../src/models/openai/vision.ts'
import type { ChatReply, ChatRequest } from '../../src/ports/models.ts'
import { startModelServer } from '../support/model-server.ts'
import type { Fault, ModelServer } from '../support/model-server.ts'
import { endpointOf } from './endpoint.ts'

const KEY = 'test-key-1234567890'
const NO_RETRY = { retries: 0 }
const SECRET = '绝密的提示词'
const ask: ChatRequest = { messages: [{ role: 'user', content: SECRET }] }
const { signal } = new AbortController()
let server: ModelServer

beforeAll(async () => {
  server = await startModelServer({ apiKey: KEY, models: ['qwen-plus', 'text-embedding-v4', 'gte-rerank-v2', 'other'] })
})
afterAll(() => server.close())
beforeEach(() => {
  server.requests.length = 0
})

const chat = (over = {}) => createChatModel(endpointOf(server, over), undefined)
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

async function drain(stream: AsyncGenerator<string, ChatReply>): Promise<{ pieces: string[]; reply: ChatReply }> {
  const pieces: string[] = []
  for (;;) {
    const step = await stream.next()
    if (step.done) return { pieces, reply: step.value }
    pieces.push(step.value)
  }
}

describe('chat', () => {
  test('a reply comes with its text, usage and whether it was cut', async () => {
    server.script('一二三四五', 'one two three four five')
    expect(await chat().complete(ask, signal)).toEqual({
      text: '一二三四五',
      usage: { inputTokens: 6, cachedTokens: 0, outputTokens: 5 },
      truncated: false,
    })
    expect(await chat().complete({ ...ask, maxOutputTokens: 3 }, signal)).toMatchObject({ truncated: true })
  })

  test('thinking is stripped from whole and from streamed replies', async () => {
    server.script('<think>let me see </think>\nAnswer', 'ignored</think>Answer', '<think>let me see </think>\nAnswer')
    expect((await chat().complete(ask, signal)).text).toBe('Answer')
    expect((await chat().complete(ask, signal)).text).toBe('Answer')
    const { pieces, reply } = await drain(chat().stream(ask, signal))
    expect(pieces.join('')).toBe('Answer')
    expect(reply.text).toBe('Answer')
  })

  test('a stream yields pieces and returns the whole with the usage the server counted', async () => {
    server.script('二次函數的圖像是一條拋物線，開口向上。')
    const { pieces, reply } = await drain(chat().stream(ask, signal))
    expect(pieces.length).toBeGreaterThan(1)
    expect(reply).toEqual({ text: pieces.join(''), usage: { inputTokens: 6, cachedTokens: 0, outputTokens: 19 }, truncated: false })
  })

  test('a system prompt the server has seen before counts as cached', async () => {
    const request: ChatRequest = {
      messages: [
        { role: 'system', content: 'always the same words here' },
        { role: 'user', content: 'x' },
      ],
    }
    const first = await chat().complete(request, signal)
    const second = await chat().complete(request, signal)
    expect([first.usage.cachedTokens, second.usage.cachedTokens]).toEqual([0, 5])
  })

  test('a server that knows no JSON mode is asked again without it, and then never with it', async () => {
    const model = chat()
    server.failNext('chat', { kind: 'status', status: 400, message: 'response_format is not supported' })
    await model.complete({ ...ask, json: true }, signal)
    await model.complete({ ...ask, json: true }, signal)
    expect(server.requests.map(({ body }) => 'response_format' in body)).toEqual([true, false, false])
  })

  test('a model that refuses temperature and a long output is asked without them', async () => {
    const model = chat()
    server.failNext(
      'chat',
      { kind: 'status', status: 400, message: 'Unsupported parameter: max_tokens' },
      { kind: 'status', status: 422, message: 'temperature does not support 0' },
    )
    await model.complete({ ...ask, temperature: 0, maxOutputTokens: 100_000 }, signal)
    await model.complete({ ...ask, temperature: 0, maxOutputTokens: 100_000 }, signal)
    expect(server.requests.map(({ body }) => ['max_tokens' in body, 'temperature' in body])).toEqual([
      [true, true],
      [false, true],
      [false, false],
      [false, false],
    ])
  })

  test('a server that counts no usage in streams still streams, and the tokens are estimated', async () => {
    server.failNext('chat', { kind: 'status', status: 400, message: 'Unrecognized request argument: stream_options' })
    server.script('一条抛物线')
    const { reply } = await drain(chat().stream(ask, signal))
    expect(server.requests.map(({ body }) => 'stream_options' in body)).toEqual([true, false])
    expect(reply.usage.outputTokens).toBe(4)
  })

  test('options of the role and the catalogue reach the request', async () => {
    const model = createChatModel(endpointOf(server, { options: { seed: 7 } }), loadCatalogue().find('qwen-plus'))
    await model.complete(ask, signal)
    expect(server.requests[0]?.body).toMatchObject({ enable_thinking: false, seed: 7, model: 'qwen-plus' })
  })
})

describe('what goes wrong', () => {
  test('one 429 is waited out', async () => {
    server.failNext('chat', { kind: 'status', status: 429, retryAfterMs: 1 })
    expect((await chat().complete(ask, signal)).text).toContain('回声')
    expect(server.requests).toHaveLength(2)
  })

  test('429 forever is rate_limited with the time the server named, and a long wait is not waited', async () => {
    server.failNext('chat', { kind: 'status', status: 429, retryAfter: 120 })
    expect(await failure(chat().complete(ask, signal))).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 120 })
    expect(server.requests).toHaveLength(1)
    server.failNext('chat', ...Array.from({ length: 3 }, (): Fault => ({ kind: 'status', status: 429, retryAfterMs: 1 })))
    expect(await failure(chat().complete(ask, signal))).toMatchObject({ code: 'rate_limited' })
    expect(server.requests).toHaveLength(4)
  })

  test('half a JSON is asked for once more', async () => {
    server.failNext('chat', { kind: 'half-json' })
    expect((await chat().complete(ask, signal)).text).toContain('回声')
    expect(server.requests).toHaveLength(2)
  })

  const CASES: { name: string; faults: Fault[]; over?: object; reason: string; says: RegExp }[] = [
    {
      name: 'three 500s',
      faults: Array.from({ length: 3 }, (): Fault => ({ kind: 'status', status: 500, retryAfterMs: 1 })),
      reason: 'server',
      says: /status 500/,
    },
    {
      name: 'broken connections',
      faults: [{ kind: 'reset' }],
      over: NO_RETRY,
      reason: 'unreachable',
      says: /cannot be reached; check EXTRACT_BASE_URL/,
    },
    {
      name: 'half a JSON',
      faults: [{ kind: 'half-json' }],
      over: NO_RETRY,
      reason: 'wrong_reply',
      says: /broken JSON; check that EXTRACT_BASE_URL/,
    },
    { name: 'HTML', faults: [{ kind: 'html' }], reason: 'wrong_reply', says: /not a chat completion; check that EXTRACT_BASE_URL/ },
    { name: 'another schema', faults: [{ kind: 'other-schema' }], reason: 'wrong_reply', says: /not a chat completion/ },
    {
      name: 'headers that never come',
      faults: [{ kind: 'delay', ms: 5_000 }],
      over: { timeoutMs: 40, ...NO_RETRY },
      reason: 'timeout',
      says: /did not answer within/,
    },
    {
      name: 'a body that stops in the middle',
      faults: [{ kind: 'stall' }],
      over: { timeoutMs: 40, ...NO_RETRY },
      reason: 'timeout',
      says: /did not answer within/,
    },
    {
      name: 'a wrong key',
      faults: [],
      over: { apiKey: 'wrong-key-987654321' },
      reason: 'credential',
      says: /refused the key; check EXTRACT_API_KEY/,
    },
    { name: 'a wrong model', faults: [], over: { model: 'nonsense' }, reason: 'model', says: /check EXTRACT_MODEL/ },
    {
      name: 'a wrong address',
      faults: [],
      over: { baseUrl: 'http://127.0.0.1:9/v1', ...NO_RETRY },
      reason: 'unreachable',
      says: /check EXTRACT_BASE_URL/,
    },
    {
      name: 'the content filter',
      faults: [{ kind: 'status', status: 400, code: 'data_inspection_failed' }],
      reason: 'content_filter',
      says: /content filter/,
    },
    { name: 'any other refusal', faults: [{ kind: 'status', status: 400 }], reason: 'refused', says: /status 400/ },
  ]

  test.each(CASES)('$name is a sentence that says what to change, and no secret', async ({ faults, over = {}, reason, says }) => {
    server.failNext('chat', ...faults)
    const error = await failure(chat(over).complete(ask, signal))
    expect(error).toBeInstanceOf(AppError)
    expect(error).toMatchObject({ code: 'llm_unavailable', details: { reason }, message: expect.stringMatching(says) })
    expect(String(error)).not.toMatch(/test-key|wrong-key|绝密/)
  })

  const STREAMS: { kind: Fault['kind']; over?: object; says: RegExp }[] = [
    { kind: 'garbage', says: /not of the protocol/ },
    { kind: 'stall', over: { timeoutMs: 60 }, says: /fell silent|did not answer/ },
    { kind: 'break-off', says: /broke off/ },
    { kind: 'html', says: /check that EXTRACT_BASE_URL/ },
    { kind: 'other-schema', says: /check that EXTRACT_BASE_URL/ },
  ]

  test.each(STREAMS)('a stream with $kind is an error, never a short answer', async ({ kind, over = {}, says }) => {
    server.failNext('chat', { kind } as Fault)
    expect(await failure(drain(chat(over).stream(ask, signal)))).toMatchObject({
      code: 'llm_unavailable',
      message: expect.stringMatching(says),
    })
  })

  test('an abort ends the call with the caller’s own reason and the request on the wire', async () => {
    server.failNext('chat', { kind: 'stall' })
    const controller = new AbortController()
    const call = failure(chat().complete(ask, controller.signal))
    await expect.poll(() => server.requests.length).toBe(1)
    controller.abort(new Error('the caller left'))
    expect(await call).toMatchObject({ message: 'the caller left' })
    await expect.poll(() => server.stats.chat.inFlight).toBe(0)
  })

  test('a reader who leaves a stream ends the request', async () => {
    server.failNext('chat', { kind: 'stall' })
    const stream = chat().stream(ask, signal)
    await stream.next()
    await stream.return({ text: '', usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 }, truncated: true })
    await expect.poll(() => server.stats.chat.inFlight).toBe(0)
  })
})

describe('embeddings', () => {
  const entry = loadCatalogue().find('text-embedding-v4')
  const embedding = (over = {}, options = {}) =>
    createEmbeddingModel(
      endpointOf(server, {
        role: 'embed',
        model: 'text-embedding-v4',
        settings: { baseUrl: 'B', apiKey: 'K', model: 'EMBEDDING_MODEL_NAME' },
        ...over,
      }),
      entry,
      { dim: 256, ...options },
    )
  const texts = (count: number): string[] => Array.from({ length: count }, (_unused, index) => `第${index}段文字`)

  test('23 texts take three requests of at most ten, arrive in order and have unit length', async () => {
    const { vectors, truncated, usage } = await embedding().embed(texts(23), 'document', signal)
    expect(server.requests.map(({ body }) => (body['input'] as string[]).length).toSorted((a, b) => b - a)).toEqual([10, 10, 3])
    expect(server.requests.every(({ body }) => body['encoding_format'] === 'float' && body['dimensions'] === 256)).toBe(true)
    expect(truncated).toBe(0)
    expect(usage.inputTokens).toBe(23 * 5)
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
    const [alone] = (await embedding().embed(['第17段文字'], 'document', signal)).vectors
    expect(vectors[17]).toEqual(alone)
  })

  test('no text is no request', async () => {
    expect(await embedding().embed([], 'document', signal)).toMatchObject({ vectors: [], truncated: 0 })
    expect(server.requests).toEqual([])
  })

  test('a text over the limit is cut and counted, never refused', async () => {
    const { truncated } = await embedding({}, { maxTokens: 100 }).embed(['长'.repeat(5000), '短'], 'document', signal)
    expect(truncated).toBe(1)
    const [cut] = (server.requests[0]?.body['input'] ?? []) as string[]
    expect(cut?.length).toBeLessThanOrEqual(100)
  })

  test('a text the server counts longer than we did is shortened alone, the others stay whole', async () => {
    const narrow = await startModelServer({ maxInputLength: 300 })
    const model = createEmbeddingModel(endpointOf(narrow, { role: 'embed' }), undefined, { dim: 1024 })
    const inputs = ['一'.repeat(299), '二'.repeat(700), '三', '四'.repeat(300)]
    const { vectors, truncated } = await model.embed(inputs, 'document', signal)
    expect(truncated).toBe(1)
    const [whole] = (await model.embed(['四'.repeat(300)], 'document', signal)).vectors
    expect(vectors[3]).toEqual(whole)
    expect(vectors).toHaveLength(4)
    await narrow.close()
  })

  test('a model with an instruction puts it before questions only', async () => {
    const qwen = loadCatalogue().find('qwen3-embedding-0.6b')
    const model = createEmbeddingModel(endpointOf(server, { role: 'embed', model: 'other' }), qwen, { dim: 1024 })
    await model.embed(['勾股定理'], 'document', signal)
    await model.embed(['勾股定理'], 'query', signal)
    const [document, query] = server.requests.map(({ body }) => (body['input'] as string[])[0])
    expect(document).toBe('勾股定理')
    expect(query).toMatch(/^Instruct: .*\nQuery:勾股定理$/)
  })

  test('a dimension that does not fit the space names the setting and mixes nothing in', async () => {
    const model = createEmbeddingModel(
      endpointOf(server, { role: 'embed', model: 'other', settings: { baseUrl: 'B', apiKey: 'K', model: 'EMBEDDING_MODEL_NAME' } }),
      undefined,
      { dim: 768 },
    )
    expect(await failure(model.embed(['a'], 'document', signal))).toMatchObject({
      code: 'embedding_service_unavailable',
      message:
        'The embedding model returned 1024 numbers per text where 768 are expected; set EMBEDDING_DIM=1024 for new workspaces, or EMBEDDING_MODEL_NAME to the model this space was built with.',
    })
  })

  test('a dead server is embedding_service_unavailable', async () => {
    expect(await failure(embedding({ baseUrl: 'http://127.0.0.1:9/v1', ...NO_RETRY }).embed(['a'], 'query', signal))).toMatchObject({
      code: 'embedding_service_unavailable',
    })
  })
})

describe('rerank', () => {
  const documents = ['二次函数的图像', '化学方程式', '一次函数与二次函数']

  test.each(['dashscope', 'standard'] as const)('the %s protocol scores the documents in their order', async (protocol) => {
    const model = createReranker(endpointOf(server, { role: 'rerank', model: 'gte-rerank-v2' }), protocol)
    const { scores, usage } = await model.rerank('二次函数', documents, signal)
    expect(scores[0]).toBe(1)
    expect(scores[1]).toBe(0)
    expect(usage.inputTokens).toBe(4 + 7 + 5 + 9)
    expect(server.requests).toHaveLength(1)
  })

  test('rows that are nonsense are ignored and missing ones get 0', () => {
    const rows = [
      { index: 0, relevance_score: 0.5 },
      { index: 0, relevance_score: 0.9 },
      { index: 7, score: 1 },
      { index: -1, score: 1 },
      { index: 1, score: Number.NaN },
      { index: 1, score: true },
      { index: true, score: 1 },
      { index: '1', score: 1 },
      null,
      3,
    ]
    expect(rerankScores(rows, 3)).toEqual([0.5, 0, 0])
  })

  test('logits become 0..1 and keep their order', () => {
    const [low = 0, high = 0, middle = 0] = rerankScores(
      [
        { index: 0, score: -4 },
        { index: 1, score: 6 },
        { index: 2, score: 0.5 },
      ],
      3,
    )
    expect(low).toBeLessThan(middle)
    expect(middle).toBeLessThan(high)
    expect(low).toBeGreaterThan(0)
    expect(high).toBeLessThan(1)
  })

  test('a reply that is no ranking is an error', async () => {
    server.failNext('rerank', { kind: 'other-schema' })
    const model = createReranker(endpointOf(server, { role: 'rerank', model: 'gte-rerank-v2' }), 'standard')
    expect(await failure(model.rerank('q', documents, signal))).toMatchObject({
      code: 'llm_unavailable',
      details: { reason: 'wrong_reply' },
    })
  })
})

test('an image travels as a data URI and comes back as text', async () => {
  const model = createVisionModel(endpointOf(server, { role: 'vision' }), undefined, 'Describe the image.')
  const { text } = await model.describe({ bytes: Uint8Array.of(1, 2, 3), mediaType: 'image/png' }, 'What is this?', signal)
  expect(text).toContain('抛物线')
  expect(JSON.stringify(server.requests[0]?.body)).toContain('data:image/png;base64,AQID')
})
