// MCP at /mcp with the protocol's own client: who is let in, what the tools take and give, how they fail and are stopped.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { teacher, ADMIN } from '../http/support.ts'
import { view } from '../support/fake-engine.ts'
import { startMcpServer, type McpTestServer } from './support.ts'

let mcp: McpTestServer
beforeAll(async () => {
  mcp = await startMcpServer()
})
afterAll(() => mcp.server.close())

const PING = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const ACCEPT = { accept: 'application/json, text/event-stream' }

function textOf(result: unknown): string {
  const { content } = result as { content: { type: string; text: string }[] }
  return content[0]?.text ?? ''
}

test('without a good credential it answers 401 and says where to learn how to get one', async () => {
  for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
    const answer = await mcp.server.call('POST', '/mcp', { headers: { ...ACCEPT, ...headers }, body: PING })
    expect([answer.status, answer.body.error.code]).toEqual([401, 'unauthorized'])
    const metadata = /resource_metadata="([^"]+)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1] ?? ''
    expect(await (await fetch(metadata)).json()).toEqual({
      resource: `${mcp.server.base}/mcp`,
      resource_name: 'insight-rag',
      bearer_methods_supported: ['header'],
      authorization_servers: ['https://id.example.com'],
    })
  }
  expect((await mcp.server.call('GET', '/.well-known/oauth-protected-resource')).body.resource).toBe(`${mcp.server.base}/mcp`)
  expect((await mcp.server.call('GET', '/api/documents')).headers.get('www-authenticate')).toBe('Bearer')
})

test('pages from elsewhere are refused, its own are not', async () => {
  const call = (origin: string) => mcp.server.call('POST', '/mcp', { headers: { ...ACCEPT, ...teacher('001'), origin }, body: PING })
  for (const origin of ['https://evil.example.com', 'null', `${mcp.server.base}.evil.example.com`])
    expect((await call(origin)).status).toBe(403)
  expect((await call(mcp.server.base)).status).toBe(200)
})

test('it keeps no session: only POST is allowed, and the answer says so', async () => {
  for (const method of ['GET', 'DELETE', 'PUT']) {
    const answer = await mcp.server.call(method, '/mcp', { headers: { ...ACCEPT, ...teacher('001') } })
    expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'POST'])
  }
})

/** As a client that nobody has seen might: raw JSON-RPC, no library, no session. */
async function raw(message: unknown, headers: Record<string, string> = {}): Promise<{ status: number; text: string; message: Message }> {
  const response = await fetch(`${mcp.server.base}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...ACCEPT, ...teacher('001'), ...headers },
    body: typeof message === 'string' ? message : JSON.stringify(message),
  })
  const text = await response.text()
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? text
  return { status: response.status, text, message: (data === '' ? {} : JSON.parse(data)) as Message }
}
type Message = { id?: unknown; result?: Record<string, unknown>; error?: { code: number; message: string } }

test.each(['2025-03-26', '2025-06-18', '2025-11-25'])(
  'a client of %s that knows only HTTP gets along, with and without initialize',
  async (version) => {
    const opened = await raw({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 'unseen', version: '0' } },
    })
    expect(opened.message.result).toMatchObject({ protocolVersion: version, serverInfo: { name: 'insight-rag' } })
    expect((await raw({ jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202)
    const listed = await raw({ jsonrpc: '2.0', id: 'two', method: 'tools/list' }, { 'mcp-protocol-version': version })
    expect([listed.message.id, listed.message.result?.['tools']]).toEqual(['two', expect.objectContaining({ length: 7 })])
  },
)

test('a version from the future is answered with the newest one known', async () => {
  const { message } = await raw({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2099-01-01', capabilities: {}, clientInfo: { name: 'unseen', version: '0' } },
  })
  expect(message.result?.['protocolVersion']).toMatch(/^20\d\d-\d\d-\d\d$/)
  expect((await raw(PING, { 'mcp-protocol-version': 'bogus' })).status).toBe(400)
})

test('several messages at once are answered each', async () => {
  const { text } = await raw([PING, { jsonrpc: '2.0', id: 8, method: 'ping' }])
  expect([...text.matchAll(/"id":(\d+)/g)].map((match) => match[1])).toContain('8')
  expect(text.match(/^data: /gm)).toHaveLength(2)
})

test.each([
  ['application/json, text/event-stream', 200],
  ['text/event-stream;q=0.5, application/json', 200],
  ['*/*', 200],
  ['text/html', 406],
])('Accept: %s gives %d', async (accept, status) => {
  expect((await raw(PING, { accept })).status).toBe(status)
})

test('what is no JSON is a parse error of the protocol', async () => {
  const { status, message } = await raw('{nope')
  expect([status, message.error]).toEqual([
    400,
    { code: -32700, message: 'The body is not valid JSON.', data: { code: 'invalid_request' } },
  ])
})

test('lists seven read-only tools with typed inputs and outputs, and no word of the caller in them', async () => {
  const client = await mcp.connect(teacher('001'))
  const { tools } = await client.listTools()
  expect(tools.map((tool) => tool.name)).toEqual([
    'search_knowledge',
    'query_knowledge',
    'get_entity',
    'get_subgraph',
    'get_prerequisites',
    'list_documents',
    'get_document_chunk',
  ])
  for (const tool of tools) {
    expect(tool.inputSchema.type).toBe('object')
    expect(tool.outputSchema?.type).toBe('object')
    expect(tool.annotations?.readOnlyHint).toBe(true)
    expect(tool.inputSchema.properties).not.toHaveProperty('teacherId')
  }
  expect(tools.find((tool) => tool.name === 'get_subgraph')?.inputSchema.required).toEqual(['entity'])
  const other = await mcp.connect(ADMIN)
  expect((await other.listTools()).tools).toEqual(tools)
  await client.close()
  await other.close()
})

test('each tool answers the JSON of its route, for the same caller and the same arguments', async () => {
  const client = await mcp.connect(teacher('001'))
  const get = (path: string) => mcp.server.call('GET', path, { headers: teacher('001') })
  const post = (path: string, body: unknown) => mcp.server.call('POST', path, { headers: teacher('001'), body })
  mcp.engine.views = [view({ parseStatus: 'completed' })]
  const search = { query: '二次函数', topK: 3, filters: { grade: '九年级' } }
  const pairs = [
    ['search_knowledge', search, () => post('/api/search', search)],
    ['query_knowledge', { query: 'why?' }, () => post('/api/query', { query: 'why?' })],
    ['query_knowledge', { query: 'why?', onlyContext: true }, () => post('/api/query', { query: 'why?', onlyContext: true })],
    ['get_entity', { name: '頂點公式' }, () => get(`/api/graph/entities/${encodeURIComponent('頂點公式')}`)],
    ['get_entity', { name: 'x', workspace: 'public' }, () => get('/api/graph/entities/x?workspace=public')],
    ['get_subgraph', { entity: 'x', depth: 2 }, () => get('/api/graph/subgraph?entity=x&depth=2')],
    ['get_prerequisites', { entity: 'x' }, () => get('/api/graph/prerequisites?entity=x')],
    ['list_documents', { status: 'completed', limit: 5 }, () => get('/api/documents?status=completed&limit=5')],
    ['get_document_chunk', { fileId: 'f1', chunkId: 'c1' }, () => get('/api/documents/f1/chunks/c1')],
  ] as const
  for (const [name, args, http] of pairs) {
    const result = await client.callTool({ name, arguments: args })
    const asked = mcp.engine.last()
    const answer = await http()
    expect([name, answer.status]).toEqual([name, 200])
    expect([name, result.structuredContent]).toEqual([name, answer.body])
    expect(JSON.parse(textOf(result))).toEqual(answer.body)
    expect(mcp.engine.last()).toEqual(asked)
  }
  await client.close()
})

test('a teacher reaches no other workspace, by argument or by header', async () => {
  const before = mcp.engine.calls.length
  const client = await mcp.connect(teacher('001'))
  for (const [name, args] of [
    ['search_knowledge', { query: 'x', workspace: 'teacher-002' }],
    ['get_entity', { name: 'x', workspace: 'teacher-002' }],
    ['list_documents', { workspace: 'teacher-002' }],
    ['get_document_chunk', { fileId: 'f1', chunkId: 'c1', workspace: 'teacher-002' }],
    ['search_knowledge', { query: 'x', teacherId: '002' }],
  ] as const) {
    const result = await client.callTool({ name, arguments: args })
    if (name === 'search_knowledge' && 'teacherId' in args) expect(mcp.engine.last()).toMatchObject({ scope: ['teacher-001', 'public'] })
    else expect([name, result.isError, JSON.parse(textOf(result)).error.code]).toEqual([name, true, 'forbidden'])
  }
  expect(mcp.engine.calls.length).toBe(before + 1)
  const named = await mcp.connect({ ...teacher('001'), 'x-workspace': 'teacher-002' })
  expect((await named.callTool({ name: 'list_documents', arguments: {} })).isError).toBe(true)
  const admin = await mcp.connect({ ...ADMIN, 'x-workspace': 'teacher-002' })
  expect((await admin.callTool({ name: 'search_knowledge', arguments: { query: 'x' } })).isError).toBeUndefined()
  expect(mcp.engine.last()).toMatchObject({ scope: ['teacher-002', 'public'] })
  for (const one of [client, named, admin]) await one.close()
})

test('nonsense comes back as an error with a code and a sentence that names the field', async () => {
  const client = await mcp.connect(teacher('001'))
  for (const [name, args, message] of [
    ['search_knowledge', {}, 'query is missing.'],
    ['search_knowledge', { query: 7 }, 'query must be a text.'],
    ['search_knowledge', { query: 'x', topK: 101 }, 'topK must be at most 100.'],
    ['get_subgraph', { entity: 'x', depth: 4 }, 'depth must be at most 3.'],
    ['get_subgraph', { entity: 'x', depth: 'deep' }, 'depth must be a number.'],
    ['get_document_chunk', { fileId: '../etc', chunkId: 'c' }, 'fileId must be 1 to 128 letters, digits, ".", "_", ":" or "-".'],
    ['get_entity', { name: 'x', workspace: 'nowhere' }, 'workspace must be public, teacher-<id>, course-<id> or kb-<id>.'],
    ['list_documents', { workspace: 5 }, 'workspace must be a text.'],
  ] as const) {
    const result = await client.callTool({ name, arguments: args })
    expect([name, result.isError, JSON.parse(textOf(result)).error]).toMatchObject([name, true, { code: 'invalid_request', message }])
  }
  await expect(client.callTool({ name: 'drop_everything', arguments: {} })).rejects.toThrow(/drop_everything/)
  await client.close()
})

test('what fails inside shows no word of the cause', async () => {
  const client = await mcp.connect(teacher('001'))
  mcp.engine.failure = new Error('select * from secrets at /var/lib')
  const broken = await client.callTool({ name: 'search_knowledge', arguments: { query: 'x' } })
  expect(JSON.parse(textOf(broken)).error).toEqual({ code: 'internal_error', message: 'Something went wrong inside the service.' })
  mcp.engine.failure = new AppError('embedding_service_unavailable')
  const down = await client.callTool({ name: 'search_knowledge', arguments: { query: 'x' } })
  expect(JSON.parse(textOf(down))).toMatchObject({ error: { code: 'embedding_service_unavailable' }, requestId: expect.any(String) })
  await client.close()
})

test('an answer reports progress while it is written', async () => {
  const client = await mcp.connect(teacher('001'))
  const usual = mcp.engine.events
  mcp.engine.events = async function* () {
    yield { event: 'references', references: [] }
    yield { event: 'token', text: '抛物线' }
    yield { event: 'token', text: '。' }
    yield {
      event: 'done',
      answer: '抛物线。',
      references: [],
      usage: { inputTokens: 1, cachedTokens: 0, outputTokens: 2 },
      noEvidence: false,
    }
  }
  const heard: { progress: number; message?: string | undefined }[] = []
  const result = await client.callTool(
    { name: 'query_knowledge', arguments: { query: 'x' } },
    { onprogress: (progress) => heard.push(progress) },
  )
  mcp.engine.events = usual
  expect(result.structuredContent).toMatchObject({ answer: '抛物线。' })
  expect(heard.map(({ progress, message }) => [progress, message])).toEqual([
    [0, '0 passages found'],
    [3, 'writing the answer'],
    [4, 'writing the answer'],
  ])
  await client.close()
})

test.each(['auto', 'legacy'] as const)('a call that is cancelled stops the work behind it (%s)', async (mode) => {
  const client = await mcp.connect(teacher('001'), mode)
  const usual = mcp.engine.events
  const stopped = Promise.withResolvers<string>()
  const begun = Promise.withResolvers<void>()
  mcp.engine.events = async function* (signal) {
    yield { event: 'references', references: [] }
    begun.resolve()
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    stopped.resolve('stopped')
  }
  const cancel = new AbortController()
  const call = client.callTool({ name: 'query_knowledge', arguments: { query: 'x' } }, { signal: cancel.signal })
  await begun.promise
  // Before 2026 a cancellation was a message of its own, which a service without sessions cannot match; hanging up is heard.
  if (mode === 'auto') cancel.abort('changed my mind')
  else await client.close()
  await expect(call).rejects.toThrow()
  expect(await stopped.promise).toBe('stopped')
  mcp.engine.events = usual
  await client.close()
})

test('documents and entities can be read as resources, in the callers own scope', async () => {
  mcp.engine.views = [view({ workspace: 'teacher-001', fileId: 'f1', fileName: '教案.pdf', parseStatus: 'completed' })]
  const client = await mcp.connect(teacher('001'))
  const { resources } = await client.listResources()
  expect(resources).toMatchObject([{ uri: 'insight-rag://teacher-001/documents/f1', name: '教案.pdf', description: 'completed' }])
  const { contents } = await client.readResource({ uri: 'insight-rag://teacher-001/documents/f1' })
  expect(contents.map((one) => one.mimeType)).toEqual(['application/json', 'text/markdown'])
  const entity = await client.readResource({ uri: `insight-rag://public/entities/${encodeURIComponent('頂點公式 (a/b)')}` })
  expect(JSON.parse((entity.contents[0] as { text: string }).text)).toMatchObject({ name: '頂點公式 (a/b)' })
  expect(mcp.engine.last()).toMatchObject({ about: ['entity', ['public'], '頂點公式 (a/b)'] })
  await expect(client.readResource({ uri: 'insight-rag://teacher-002/documents/f1' })).rejects.toThrow(/forbidden/)
  expect((await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate)).toEqual([
    'insight-rag://{workspace}/documents/{fileId}',
    'insight-rag://{workspace}/entities/{name}',
  ])
  await client.close()
})

test('calls are counted and refused like any other', async () => {
  const limited = await startMcpServer({
    admit: async (calls) => {
      if (calls > 1) throw new AppError('rate_limited', undefined, { retryAfterSeconds: 7 })
    },
  })
  const call = () => limited.server.call('POST', '/mcp', { headers: { ...ACCEPT, ...teacher('001') }, body: PING })
  expect((await call()).status).toBe(200)
  const refused = await call()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7'])
  await limited.server.close()
})

test('a tool counts as the kind of its route, each message of a batch by itself', async () => {
  const kinds: (string | undefined)[] = []
  const limited = await startMcpServer({ admit: (_calls, kind) => Promise.resolve(void kinds.push(kind)) })
  const tool = (name: string) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { query: 'q' } } })
  const post = (body: unknown) => limited.server.call('POST', '/mcp', { headers: { ...ACCEPT, ...teacher('001') }, body })
  await post(tool('query_knowledge'))
  await post([tool('search_knowledge'), tool('query_knowledge')])
  await post(PING)
  await post({ method: 'tools/call', params: null })
  expect(kinds).toEqual(['answer', 'search', 'answer', undefined, undefined])
  await limited.server.close()
})

test('a body that is no message of the protocol is refused', async () => {
  const call = (body: unknown) => mcp.server.call('POST', '/mcp', { headers: { ...ACCEPT, ...teacher('001') }, body })
  for (const body of [{}, [], 7, { jsonrpc: '1.0', id: 1, method: 'tools/list' }]) expect((await call(body)).status).toBe(400)
})
