// Servers that speak only as much of the protocol as a weekend project does. Each is asked through the real client.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { probeEndpoints } from '../../src/models/check.ts'
import { createModels } from '../../src/models/create.ts'
import type { UsageRecord } from '../../src/models/flow.ts'
import type { ModelSettings } from '../../src/models/settings.ts'
import type { Usage } from '../../src/ports/models.ts'
import { endpointOf } from './endpoint.ts'

type Asked = { path: string; body: { input?: string[]; messages?: { content: string }[] } }
type Minimal = { url: string; asked: Asked[]; close(): Promise<void> }

const { signal } = new AbortController()
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function serve(answer: (asked: Asked, response: ServerResponse) => void): Promise<Minimal> {
  const asked: Asked[] = []
  const http = createServer((request, response) => {
    void read(request).then((body) => {
      const one = { path: request.url ?? '', body: JSON.parse(body || '{}') as Asked['body'] }
      asked.push(one)
      answer(one, response)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const minimal = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  closing.push(minimal.close)
  return minimal
}

async function read(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}

const models = (
  minimal: Minimal,
  at = '/v1',
  more: Partial<ModelSettings> = {},
  onUsage: (record: UsageRecord) => void = () => undefined,
) =>
  createModels(
    {
      llm: { baseUrl: `${minimal.url}${at}`, apiKey: 'k', model: 'some-model' },
      embedding: { provider: 'openai', baseUrl: `${minimal.url}${at}`, model: 'some-embedder', dim: 4 },
      ...more,
    },
    { onUsage },
  )

const message = (content: unknown): string => JSON.stringify({ choices: [{ message: { content } }] })
const sse = (...pieces: string[]): string =>
  `${pieces.map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`).join('')}data: [DONE]\n\n`
const evidence = [{ id: 1, source: 'user/a.md', headings: [], content: '勾股定理說明直角三角形三邊的關係。' }]

async function answered(created: ReturnType<typeof models>): Promise<string> {
  const pieces = created.answerer.answer({ question: '勾股定理是甚麼？', facts: '', evidence, history: [] }, signal)
  let text = ''
  for (;;) {
    const step = await pieces.next()
    if (step.done) {
      expect(step.value.text).toBe(text)
      expect(step.value.usage.inputTokens).toBeGreaterThan(0)
      return text
    }
    text += step.value
  }
}

describe('answers', () => {
  const SHAPES: { name: string; type?: string; body: string }[] = [
    { name: 'a stream without finish_reason, ended by [DONE]', type: 'text/event-stream', body: sse('直角', '三角形 [1]') },
    { name: 'a stream that calls itself plain text', type: 'text/plain', body: sse('直角', '三角形 [1]') },
    { name: 'a stream without a type', body: sse('直角', '三角形 [1]') },
    { name: 'a stream with Windows line ends', type: 'text/event-stream', body: sse('直角', '三角形 [1]').replaceAll('\n', '\r\n') },
    {
      name: 'a stream without blanks after data:',
      type: 'text/event-stream',
      body: sse('直角', '三角形 [1]').replaceAll('data: ', 'data:'),
    },
    { name: 'a whole reply where a stream was asked for', type: 'application/json', body: message('直角三角形 [1]') },
    { name: 'a whole reply without a type', body: message('直角三角形 [1]') },
    { name: 'a whole reply in parts', type: 'application/json', body: message([{ type: 'text', text: '直角三角形 [1]' }]) },
  ]
  test.each(SHAPES)('$name', async ({ type, body }) => {
    const minimal = await serve((_asked, response) => response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(body))
    expect(await answered(models(minimal))).toBe('直角三角形 [1]')
  })

  test('a stream that is cut in the middle of a character is put together', async () => {
    const bytes = Buffer.from(sse('直角三角形 [1]'))
    const minimal = await serve((_asked, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const send = (at: number): void => {
        if (at >= bytes.length) return void response.end()
        response.write(bytes.subarray(at, at + 5), () => setImmediate(() => send(at + 5)))
      }
      send(0)
    })
    expect(await answered(models(minimal))).toBe('直角三角形 [1]')
  })
})

describe('addresses', () => {
  const only = (path: string) => (asked: Asked, response: ServerResponse) =>
    asked.path === path ? response.end(message('{"lowLevel":["勾股定理"]}')) : response.writeHead(404).end('not found')

  test.each(['/v1', '/v1/', '', '/', '/v1/chat/completions'])('a server under /v1 is reached with %j after its host', async (at) => {
    const minimal = await serve(only('/v1/chat/completions'))
    const { keywords } = models(minimal, at)
    expect((await keywords?.keywords('x', signal))?.lowLevel).toEqual(['勾股定理'])
    expect((await keywords?.keywords('y', signal))?.lowLevel).toEqual(['勾股定理'])
    expect(minimal.asked.filter(({ path }) => path !== '/v1/chat/completions').length).toBeLessThanOrEqual(1)
  })

  test('a server without /v1 is reached at its root', async () => {
    const minimal = await serve(only('/chat/completions'))
    expect((await models(minimal, '').keywords?.keywords('x', signal))?.lowLevel).toEqual(['勾股定理'])
  })
})

describe('embeddings', () => {
  const rows = (asked: Asked, row: (at: number) => object): string =>
    JSON.stringify({ data: asked.body.input?.map((_text, at) => row(at)) })
  const base64 = (numbers: number[]): string => Buffer.from(Float32Array.from(numbers).buffer).toString('base64')
  const SHAPES: [string, (at: number) => object][] = [
    ['no index and no usage', (at) => ({ embedding: [at + 1, 0, 0, 0] })],
    ['index 0 for every text', (at) => ({ index: 0, embedding: [at + 1, 0, 0, 0] })],
    ['base64 although numbers were asked for', (at) => ({ index: at, embedding: base64([at + 1, 0, 0, 0]) })],
  ]
  test.each(SHAPES)('%s', async (_name, row) => {
    const minimal = await serve((asked, response) => response.end(rows(asked, row)))
    const { vectors, usage } = await models(minimal).embedding.embed(['一', '二', '三'], 'document', signal)
    expect(vectors.map((vector) => [...vector])).toEqual(Array.from({ length: 3 }, () => [1, 0, 0, 0]))
    expect(usage.inputTokens).toBeGreaterThan(0)
  })
})

describe('counts of tokens', () => {
  const NONSENSE = [-1, 'many', 2.5, null, Number.MAX_VALUE]
  test.each(NONSENSE)('%s counts nothing: the tokens are estimated, so that metrics and bill can be kept', async (said) => {
    const usage = { prompt_tokens: said, completion_tokens: said, total_tokens: said, prompt_tokens_details: { cached_tokens: said } }
    const minimal = await serve((asked, response) =>
      response.end(
        JSON.stringify(
          asked.body.input === undefined
            ? { choices: [{ message: { content: '直角三角形 [1]' } }], usage }
            : { data: asked.body.input.map(() => ({ embedding: [1, 0, 0, 0] })), usage },
        ),
      ),
    )
    const used: Usage[] = []
    const created = models(minimal, '/v1', {}, (record) => used.push(record.usage))
    await answered(created)
    await created.embedding.embed(['一'], 'document', signal)
    expect(used).toHaveLength(2)
    for (const { inputTokens, cachedTokens } of used)
      expect([Number.isSafeInteger(inputTokens) && inputTokens > 0, cachedTokens]).toEqual([true, 0])
    expect(used[0]?.outputTokens).toBeGreaterThan(0)
  })
})

describe('extraction', () => {
  const CHUNKS = ['勾股定理說明直角三角形三邊的關係。', '學習勾股定理之前要先掌握平方根。'].map((text) => ({ text, header: '' }))
  const tuples = [
    'entity<|#|>勾股定理<|#|>theorem<|#|>直角三角形三邊的關係',
    'entity<|#|>平方根<|#|>concept<|#|>勾股定理的基礎',
    'relation<|#|>平方根<|#|>勾股定理<|#|>prerequisite<|#|>先掌握平方根',
    '<|COMPLETE|>',
  ].join('\n')
  const REPLIES = [
    ['rows of tuples as LightRAG asks for', tuples],
    [
      'JSON without chunks, in prose',
      'Sure:\n```json\n{"entities":[{"name":"勾股定理","type":"theorem","description":"d"},{"name":"平方根","type":"concept"}],"relationships":[{"source":"平方根","target":"勾股定理","keywords":"prerequisite","description":"r"}]}\n```',
    ],
  ] as const
  test.each(REPLIES)('%s is tied to the chunks that show it, in one call', async (_name, reply) => {
    const minimal = await serve((_asked, response) => response.end(message(reply)))
    const result = await models(minimal).extractor?.extract(CHUNKS, signal)
    expect(result?.calls).toBe(1)
    expect(result?.extractions.map(({ entities }) => entities.map(({ name }) => name))).toEqual([['勾股定理'], ['勾股定理', '平方根']])
    expect(result?.extractions[1]?.relations.map(({ source, target }) => `${source}→${target}`)).toEqual(['平方根→勾股定理'])
  })

  test('a model that only chats is found out with the first batch: the others are not asked about piece by piece', async () => {
    const minimal = await serve((_asked, response) => response.end(message('I am fine, thank you.')))
    const many = Array.from({ length: 16 }, (_unused, at) => ({ text: `第 ${at} 段：勾股定理。`, header: '' }))
    const { extractor } = models(minimal)
    const first = await extractor?.extract(many, signal)
    expect(first?.calls).toBe(4 + 3)
    expect(first?.extractions).toEqual(many.map(() => ({ entities: [], relations: [], dropped: 0, truncated: true })))
    expect((await extractor?.extract(many, signal))?.calls).toBe(4)
  })

  test('a model that can do one chunk at a time is asked so', async () => {
    const minimal = await serve((asked, response) =>
      response.end(message(asked.body.messages?.at(-1)?.content.includes('id="c2"') ? 'too much for me' : tuples)),
    )
    const result = await models(minimal).extractor?.extract([...CHUNKS, ...CHUNKS], signal)
    expect(result?.extractions.every(({ entities }) => entities.length > 0)).toBe(true)
  })
})

describe('what can be told at start', () => {
  const sentences = (problems: readonly { sentence: string }[]): string[] => problems.map(({ sentence }) => sentence)

  const check = async (answer: (asked: Asked, response: ServerResponse) => void): Promise<string[]> =>
    sentences(await models(await serve(answer)).check(signal))

  test('a server that knows both models has nothing said of it, and is asked once', async () => {
    const minimal = await serve((_asked, response) =>
      response.end(JSON.stringify({ data: [{ id: 'Some-Model' }, { id: 'some-embedder' }] })),
    )
    expect(await models(minimal).check(signal)).toEqual([])
    expect(minimal.asked.map(({ path }) => path)).toEqual(['/v1/models'])
  })

  test('a model that is not listed is named by its setting', async () => {
    const told = await check((_asked, response) => response.end(JSON.stringify({ data: [{ id: 'some-embedder' }] })))
    expect(told.length).toBeGreaterThan(0)
    expect(told.every((sentence) => sentence.endsWith('does not list its model; check LLM_MODEL.'))).toBe(true)
  })

  test('a refused key and a server that is away are told, without the key', async () => {
    const told = await check((_asked, response) => response.writeHead(401).end('{"error":{"message":"no"}}'))
    expect(told.join(' ')).toMatch(/refused the key; check LLM_API_KEY/)
    const away = await serve((_asked, response) => response.end())
    const created = models(away)
    await away.close()
    closing.length = 0
    expect(sentences(await created.check(signal)).join(' ')).toMatch(/cannot be reached; check EMBEDDING_BASE_URL/)
  })

  const probe = async (answer: (asked: Asked, response: ServerResponse) => void): Promise<{ told: string[]; asked: string[] }> => {
    const minimal = await serve(answer)
    const told = sentences(await models(minimal).probe(signal))
    return { told, asked: minimal.asked.map(({ path }) => path).toSorted() }
  }
  const noList = (_asked: Asked, response: ServerResponse): void => void response.writeHead(404).end()
  const vector = (length: number): string => JSON.stringify({ data: [{ embedding: Array.from({ length }, () => 1) }] })
  const ROUTES = ['/v1/chat/completions', '/v1/embeddings', '/v1/models']
  /** No list of models; what the two routes answer. */
  const serving =
    (chat: (response: ServerResponse) => void, embed: (response: ServerResponse) => void) =>
    ({ path }: Asked, response: ServerResponse): void => {
      if (path.endsWith('/chat/completions')) chat(response)
      else if (path.endsWith('/embeddings')) embed(response)
      else response.writeHead(404).end()
    }

  test('a server without a list is asked one short thing by each model, whatever the roles, and nothing is said of one that answers', async () => {
    const found = await probe(
      serving(
        (response) => response.end(message('ok')),
        (response) => response.end(vector(4)),
      ),
    )
    expect(found).toEqual({ told: [], asked: ROUTES })
  })

  test('a server that lists both is asked for a vector only, whose length no list tells', async () => {
    const found = await probe(({ path }, response) =>
      response.end(path.endsWith('/embeddings') ? vector(3) : JSON.stringify({ data: [{ id: 'some-model' }, { id: 'some-embedder' }] })),
    )
    expect(found.asked).toEqual(['/v1/embeddings', '/v1/models'])
    expect(found.told).toEqual([expect.stringMatching(/returned 3 numbers per text where 4 are expected; set EMBEDDING_DIM=3/)])
  })

  test('a model that works though it is not listed has nothing said of it', async () => {
    const found = await probe(({ path }, response) =>
      response.end(
        path.endsWith('/embeddings')
          ? vector(4)
          : path.endsWith('/completions')
            ? message('ok')
            : JSON.stringify({ data: [{ id: 'another' }] }),
      ),
    )
    expect(found).toEqual({ told: [], asked: ROUTES })
  })

  test.each<[string, (response: ServerResponse) => void, RegExp[]]>([
    [
      'a refused key',
      (response) => response.writeHead(401).end('{}'),
      [/extraction refused the key; check LLM_API_KEY/, /embedding model refused the key; check LLM_API_KEY/],
    ],
    ['an unknown model', (response) => response.writeHead(404).end('{}'), [/check LLM_MODEL/, /check EMBEDDING_MODEL_NAME/]],
    ['a page', (response) => response.end('<html></html>'), [/check that LLM_BASE_URL/, /check that EMBEDDING_BASE_URL/]],
    ['a fault of the moment', (response) => response.writeHead(503).end('{}'), []],
    ['too many requests', (response) => response.writeHead(429).end('{}'), []],
  ])('%s', async (_name, answer, expected) => {
    const { told, asked } = await probe(serving(answer, answer))
    expect(told).toHaveLength(expected.length)
    for (const pattern of expected) expect(told.join('\n')).toMatch(pattern)
    expect(asked).toEqual(ROUTES)
  })

  test('a key that may not read the list and may call the models has nothing said of it', async () => {
    const found = await probe(({ path }, response) =>
      path.endsWith('/models') ? response.writeHead(403).end('{}') : response.end(path.endsWith('/embeddings') ? vector(4) : message('ok')),
    )
    expect(found).toEqual({ told: [], asked: ROUTES })
  })

  test('a server that hangs until the time is over does not hide what is wrong with another', async () => {
    const [refusing, hanging] = [await serve(noList), await serve(noList)]
    const stop = new AbortController()
    const ask = ({ baseUrl }: { baseUrl: string }): Promise<unknown> => {
      if (baseUrl === refusing.url) throw new AppError('llm_unavailable', 'The key was refused.', { details: { reason: 'credential' } })
      const over = new Error('the time is over')
      stop.abort(over)
      throw over
    }
    const found = await probeEndpoints([endpointOf(refusing), endpointOf(hanging)], ask, stop.signal)
    expect(sentences(found)).toEqual(['The key was refused.'])
  })

  test('a server that is away is told once, not for each of its models', async () => {
    const away = await serve((_asked, response) => response.end())
    const created = models(away, '/v1', { embedding: { provider: 'builtin' } })
    await away.close()
    closing.length = 0
    expect(sentences(await created.probe(signal))).toEqual([expect.stringMatching(/cannot be reached; check LLM_BASE_URL/)])
  })

  test.each<[string, (asked: Asked, response: ServerResponse) => void]>([
    ['no such route', (_asked, response) => response.writeHead(404).end()],
    ['a page', (_asked, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>')],
    ['a fault', (_asked, response) => response.writeHead(500).end()],
    ['another list', (_asked, response) => response.end('{"models":["a"]}')],
  ])('a server that answers with %s says nothing against itself', async (_name, answer) => {
    expect(await check(answer)).toEqual([])
  })
})
