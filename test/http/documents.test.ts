import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ADMIN, frames, SERVICE, startTestServer, teacher, type TestServer } from './support.ts'
import { view } from '../support/fake-engine.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())
beforeEach(() => {
  server.engine.calls.length = 0
  server.engine.views = [view()]
})

const PARSE = '/api/internal/documents/parse'

test('parse answers 202 with the job and passes the user token on', async () => {
  const headers = teacher('001')
  const { status, body } = await server.call('POST', PARSE, {
    headers,
    body: { fileId: 'file-1', purpose: 'rag', ossUrl: 'https://oss.example/1' },
  })
  expect([status, body]).toEqual([202, { fileId: 'file-1', jobId: 'j1', workspace: 'teacher-001', parseStatus: 'pending' }])
  expect(server.engine.last()).toEqual({
    use: 'parse',
    workspace: 'teacher-001',
    token: headers.authorization.slice('Bearer '.length),
    request: {
      fileId: 'file-1',
      collection: 'rag',
      signedUrl: 'https://oss.example/1',
      options: { parseMethod: 'auto', processImages: true, processTables: true, processEquations: true },
    },
  })
})

test.each([
  ['in the body as a number', PARSE, { fileId: 'f', teacherId: 42 }, 'teacher-42'],
  ['in the body in snake_case', PARSE, { fileId: 'f', teacher_id: '42' }, 'teacher-42'],
  ['in the query', `${PARSE}?teacherId=42`, { fileId: 'f' }, 'teacher-42'],
])('with an internal token the teacher is named %s', async (_where, path, body, workspace) => {
  const answer = await server.call('POST', path, { headers: SERVICE, body })
  expect([answer.status, answer.body.workspace]).toEqual([202, workspace])
  expect(server.engine.last()).toMatchObject({ token: undefined })
})

test.each([
  [{}, 'fileId is missing.'],
  [{ fileId: '..' }, 'fileId must not be "." or "..", which no address can hold.'],
  [{ fileId: 'a/b' }, 'fileId must be 1 to 128 letters, digits, ".", "_", ":" or "-".'],
  [{ fileId: 'f', parseOptions: { parseMethod: 'magic' } }, 'parseOptions.parseMethod must be one of auto, text, ocr.'],
  [{ fileId: 'f', metadata: { nested: { a: 1 } } }, 'metadata.nested must be a text, a number, true or false, null, or a list of those.'],
  [{ fileId: 'f', teacherId: 9007199254740993n.toString() + '.5' }, 'teacherId must be 1 to 64 letters, digits, "_" or "-".'],
])('%j is refused and nothing is started', async (body, message) => {
  const answer = await server.call('POST', PARSE, { headers: teacher('001'), body })
  expect([answer.status, answer.body.error.code, answer.body.error.message]).toEqual([400, 'invalid_request', message])
  expect(server.engine.calls).toEqual([])
})

test('a text is uploaded as JSON', async () => {
  const { status } = await server.call('POST', '/api/documents', {
    headers: teacher('001'),
    body: { file_name: '笔记.md', text: '# 二次函数', metadata: { year: 2024 }, parse_options: { parse_method: 'text' } },
  })
  expect(status).toBe(202)
  expect(server.engine.last()).toMatchObject({
    workspace: 'teacher-001',
    request: {
      fileName: '笔记.md',
      bytes: Buffer.from('# 二次函数'),
      metadata: { year: 2024 },
      options: { parseMethod: 'text', processTables: true },
    },
  })
})

const form = (bytes: Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}, name = '教案 第一课.pdf'): FormData => {
  const data = new FormData()
  for (const [key, value] of Object.entries(fields)) data.append(key, value)
  data.append('file', new Blob([bytes], { type: 'application/pdf' }), name)
  return data
}

const upload = async (body: string | FormData, headers: Record<string, string> = teacher('001')) => {
  const response = await fetch(`${server.base}/api/documents`, { method: 'POST', headers, body })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

test('a file is uploaded as a form with its name, type and fields', async () => {
  const fields = { file_id: 'f9', collection: 'c', metadata: '{"tags":["a"]}', parseOptions: '{"parse_method":"ocr"}' }
  const { status, body } = await upload(form(Buffer.from('%PDF-1.7'), fields))
  expect([status, body.fileId]).toEqual([202, 'f9'])
  expect(server.engine.last()).toMatchObject({
    request: {
      fileName: '教案 第一课.pdf',
      declaredType: 'application/pdf',
      bytes: Buffer.from('%PDF-1.7'),
      metadata: { tags: ['a'] },
      options: { parseMethod: 'ocr' },
    },
  })
})

test('fields after the file count as well, also the teacher a service acts for', async () => {
  const data = form(Buffer.from('x'))
  data.append('teacherId', '77')
  expect((await upload(data, SERVICE)).body.workspace).toBe('teacher-77')
})

test('a file of exactly the limit is accepted, one byte more is 413 whatever was announced', async () => {
  expect((await upload(form(new Uint8Array(100_000)))).status).toBe(202)
  const refused = await upload(form(new Uint8Array(100_001)))
  expect([refused.status, refused.body.error]).toEqual([
    413,
    { code: 'payload_too_large', message: 'The file is larger than 100000 bytes.' },
  ])
  expect((await upload(form(new Uint8Array(5_000_000)))).status).toBe(413)
  expect(server.engine.calls).toHaveLength(1)
})

test('a JSON body far beyond the limit is 413', async () => {
  const answer = await server.call('POST', '/api/documents', {
    headers: teacher('001'),
    body: { fileName: 'a.txt', text: 'x'.repeat(400_000) },
  })
  expect([answer.status, answer.body.error.code]).toEqual([413, 'payload_too_large'])
})

test.each([
  ['no file', () => formOf({ collection: 'c' }), 'Send the file in the field named file.'],
  ['a file under another name', () => formOf({ other: new Blob(['x']) }), 'Send the file in the field named file.'],
  ['metadata that is no JSON', () => form(Buffer.from('x'), { metadata: '{' }), 'metadata must be valid JSON.'],
  [
    'metadata that is not flat',
    () => form(Buffer.from('x'), { metadata: '{"a":{"b":1}}' }),
    'metadata.a must be a text, a number, true or false, null, or a list of those.',
  ],
])('a form with %s is 400', async (_what, make, message) => {
  const { status, body } = await upload(make())
  expect([status, body.error.message]).toEqual([400, message])
  expect(server.engine.calls).toEqual([])
})

const formOf = (fields: Record<string, string | Blob>): FormData => {
  const data = new FormData()
  for (const [key, value] of Object.entries(fields)) data.append(key, value)
  return data
}

test.each([
  ['as RFC 5987 has it', `filename*=UTF-8''%E6%95%99%E6%A1%88.md`],
  ['as RFC 5987 has it beside a plain one', `filename="lesson.md"; filename*=UTF-8''%E6%95%99%E6%A1%88.md`],
  ['in UTF-8, with a path before it', 'filename="C:\\lessons\\教案.md"'],
])('a Chinese file name is read %s', async (_how, parameter) => {
  const response = await fetch(`${server.base}/api/documents`, {
    method: 'POST',
    headers: { ...teacher('001'), 'content-type': 'multipart/form-data; boundary=x' },
    body: `--x\r\nContent-Disposition: form-data; name="file"; ${parameter}\r\nContent-Type: text/markdown\r\n\r\nabc\r\n--x--\r\n`,
  })
  expect(response.status).toBe(202)
  expect(server.engine.last()).toMatchObject({ request: { fileName: '教案.md', declaredType: 'text/markdown', bytes: Buffer.from('abc') } })
})

const raw = async (body: string) => {
  const response = await fetch(`${server.base}/api/documents`, {
    method: 'POST',
    headers: { ...teacher('001'), 'content-type': 'multipart/form-data; boundary=x' },
    body,
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}
const FILE = 'Content-Disposition: form-data; name="file"; filename="a.md"'

test.each([
  ['the boundary without its line', 'say x, --x and --xx'],
  ['empty lines at both ends', '\r\n\r\na\r\n\r\n'],
])('a file that holds %s arrives as it was', async (_what, content) => {
  expect((await raw(`--x\r\n${FILE}\r\n\r\n${content}\r\n--x--\r\n`)).status).toBe(202)
  expect(server.engine.last()).toMatchObject({ request: { bytes: Buffer.from(content) } })
})

// Node's own reader has no limits: the parts and lines that fit into one upload would hold the thread for seconds.
test.each([
  ['more parts than fields', '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'.repeat(18), 'The form has too many fields.'],
  ['a head without end', `--x\r\n${FILE}\r\n${'A: b\r\n'.repeat(3_000)}\r\nabc\r\n`, 'The multipart form is broken or incomplete.'],
])('a form of %s is 400', async (_what, parts, message) => {
  const { status, body } = await raw(`${parts}--x--\r\n`)
  expect([status, body.error.message]).toEqual([400, message])
})

test('two files are 400', async () => {
  const data = form(Buffer.from('x'))
  data.append('file', new Blob(['y']), 'b.txt')
  const { status, body } = await upload(data)
  expect([status, body.error.message]).toEqual([400, 'Send one file at a time, in the field file.'])
})

test.each([
  ['a form without its boundary', 'multipart/form-data', '--x', 'The multipart form is broken or incomplete.'],
  [
    'a form that ends early',
    'multipart/form-data; boundary=x',
    '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
    'The multipart form is broken or incomplete.',
  ],
  ['no body', undefined, undefined, 'Send a file as multipart/form-data in the field file, or a text as JSON.'],
])('%s is 400', async (_what, type, body, message) => {
  const response = await fetch(`${server.base}/api/documents`, {
    method: 'POST',
    headers: { ...teacher('001'), ...(type === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body }),
  })
  const answer = JSON.parse(await response.text())
  expect([response.status, answer.error?.message]).toEqual([400, message])
})

test('an upload without a credential is refused before its body is read', async () => {
  const { status } = await upload(form(new Uint8Array(5_000_000)), {})
  expect(status).toBe(401)
})

test('a list takes a filter without a value for one that is not given', async () => {
  const answer = await server.call('GET', '/api/documents?q=&status=&collection=&limit=&cursor=', { headers: teacher('001') })
  expect(answer.status).toBe(200)
  expect(server.engine.last()).toMatchObject({ about: { limit: 50 } })
})

test.each([
  ['POST', '/api/documents/f1/retry', {}],
  ['DELETE', '/api/documents/f1', {}],
  ['POST', '/api/graph/entities', { name: '配方法' }],
  ['PATCH', '/api/graph/entities/x', { description: 'd' }],
])('a service may name the teacher in the body of %s %s', async (method, path, body) => {
  const named = await server.call(method, path, { headers: SERVICE, body: { ...body, teacher_id: 42 } })
  expect(named.status).toBeLessThan(300)
  expect(JSON.stringify(server.engine.last())).toContain('"teacher-42"')
  const unnamed = await server.call(method, path, { headers: SERVICE, body: { ...body, teacherId: null } })
  expect([unnamed.status, unnamed.body.error.code]).toEqual([400, 'invalid_request'])
})

test('HEAD answers as GET does, without the body', async () => {
  const head = await server.call('HEAD', '/api/documents', { headers: teacher('001') })
  expect([head.status, head.body]).toEqual([200, ''])
  expect((await server.call('HEAD', '/api/documents')).status).toBe(401)
})

test('lists pass their filters on and default to 50', async () => {
  const answer = await server.call('GET', '/api/documents?status=failed&q=%E6%95%99&collection=c', { headers: teacher('001') })
  expect([answer.status, answer.body.documents.length, answer.body.nextCursor]).toEqual([200, 1, null])
  expect(server.engine.last()).toMatchObject({ workspace: 'teacher-001', about: { status: 'failed', q: '教', collection: 'c', limit: 50 } })
})

test.each(['limit=0', 'limit=201', 'limit=x', 'limit=0x10', 'limit=1e1', 'limit=%201', 'limit=1.5', 'limit=1&limit=2', 'status=running'])(
  'a list with %s is 400',
  async (query) => {
    expect((await server.call('GET', `/api/documents?${query}`, { headers: teacher('001') })).status).toBe(400)
  },
)

test('ids of 128 characters and percent-encoded ids reach the engine', async () => {
  const long = 'x'.repeat(128)
  await server.call('GET', `/api/documents/${long}/chunks?limit=200`, { headers: teacher('001') })
  expect(server.engine.last()).toMatchObject({ about: { fileId: long, limit: 200 } })
  await server.call('DELETE', '/api/documents/a%3Ab.c', { headers: teacher('001') })
  expect(server.engine.last()).toMatchObject({ use: 'remove', about: 'a:b.c' })
})

test('retry and delete take a JSON content type without a body, as some clients send it', async () => {
  const headers = { ...teacher('001'), 'content-type': 'application/json' }
  expect((await server.call('POST', '/api/documents/f1/retry', { headers })).status).toBe(202)
  expect((await server.call('DELETE', '/api/documents/f1', { headers })).body).toEqual({ fileId: 'f1', deleted: true })
})

test('an administrator acts on the workspace that X-Workspace names', async () => {
  await server.call('GET', '/api/documents/f1', { headers: { ...ADMIN, 'x-workspace': 'course-7' } })
  expect(server.engine.last()).toMatchObject({ workspace: 'course-7' })
})

test('events tell each change once and end with the work', async () => {
  const pending = view()
  const half = view({ parseStatus: 'processing', progress: 0.5 })
  const done = view({ parseStatus: 'completed', progress: 1 })
  server.engine.views = [pending, pending, half, half, done]
  const { headers, body } = await server.call('GET', '/api/documents/f1/events', { headers: teacher('001') })
  expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(frames(body).events).toEqual([
    { event: 'progress', data: pending },
    { event: 'progress', data: half },
    { event: 'progress', data: done },
    { event: 'end', data: { fileId: 'f1' } },
  ])
})

test('events of a document that does not exist are 404, and one deleted meanwhile ends the stream', async () => {
  server.engine.views = []
  expect((await server.call('GET', '/api/documents/f1/events', { headers: teacher('001') })).status).toBe(404)
  server.engine.views = [view()]
  const response = await fetch(`${server.base}/api/documents/f1/events`, { headers: teacher('001') })
  server.engine.views = []
  expect(frames(await response.text()).events.map(({ event }) => event)).toEqual(['progress', 'end'])
})

test('a reader that goes away ends the looking', async () => {
  const gone = new AbortController()
  const response = await fetch(`${server.base}/api/documents/f1/events`, { headers: teacher('001'), signal: gone.signal })
  await response.body?.getReader().read()
  gone.abort()
  let seen = -1
  while (seen !== server.engine.calls.length) {
    seen = server.engine.calls.length
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(server.engine.calls.every((called) => called.use === 'get')).toBe(true)
})

test('silence is filled with comments', async () => {
  const quiet = await startTestServer({
    settings: { loopback: true, development: true, uploadMaxBytes: 1, progressPollMs: 60, heartbeatMs: 5 },
    development: true,
  })
  quiet.engine.views = [view(), view({ parseStatus: 'failed' })]
  const { body } = await quiet.call('GET', '/api/documents/f1/events')
  expect(frames(body).comments.length).toBeGreaterThan(0)
  expect(frames(body).events.map(({ event }) => event)).toEqual(['progress', 'progress', 'end'])
  await quiet.close()
})

test.each([
  ['image/png', 'inline', 'image/png'],
  ['image/jpeg', 'inline', 'image/jpeg'],
  ['image/tiff', 'attachment', 'image/tiff'],
  ['image/svg+xml', 'attachment', 'image/svg+xml'],
  ['text/html', 'attachment', 'application/octet-stream'],
])('a picture of type %s comes as %s, and never as anything a browser runs', async (mediaType, disposition, contentType) => {
  const sha256 = 'ab'.repeat(32)
  server.engine.asset = { mediaType, bytes: Buffer.from([0, 1, 255]) }
  const response = await fetch(`${server.base}/api/documents/f1/assets/${sha256}`, { headers: teacher('001') })
  expect(response.status).toBe(200)
  expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from([0, 1, 255]))
  const header = (name: string) => response.headers.get(name)
  expect([header('content-type'), header('content-disposition'), header('x-content-type-options')]).toEqual([
    contentType,
    disposition,
    'nosniff',
  ])
  expect(header('content-security-policy')).toBe("default-src 'none'; sandbox")
  expect(server.engine.last()).toEqual({ use: 'asset', workspace: 'teacher-001', about: { fileId: 'f1', sha256 } })
})

test('a picture is named by hexadecimal digits only', async () => {
  const answer = await server.call('GET', '/api/documents/f1/assets/..%2Fx', { headers: teacher('001') })
  expect([answer.status, server.engine.calls]).toEqual([400, []])
})

test('blocks come in pages', async () => {
  const answer = await server.call('GET', '/api/documents/f1/blocks?limit=3', { headers: teacher('001') })
  expect([answer.status, answer.body]).toEqual([200, { blocks: [], nextCursor: null }])
  expect(server.engine.last()).toMatchObject({ use: 'blocks', workspace: 'teacher-001', about: { fileId: 'f1', limit: 3 } })
})
