import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppError } from '../../src/core/errors.ts'
import { createJavaBackend, type JavaBackendSettings } from '../../src/java/backend.ts'
import type { CallbackOutcome, JavaBackend, ParseStatusBody, ParseStatusReport } from '../../src/ports/java.ts'
import { startJavaServer, type CallbackAnswer, type JavaServer } from '../support/java-server.ts'

const never = new AbortController().signal
const BYTES = Buffer.from('hello')

let java: JavaServer
const open: JavaBackend[] = []

beforeAll(async () => {
  java = await startJavaServer()
})
afterAll(async () => {
  await Promise.all(open.map((backend) => backend.close()))
  await java.close()
})
beforeEach(() => {
  java.requests.length = 0
  java.callbacks.length = 0
  java.setOutage(undefined)
  java.acceptAuthorization(() => true)
  java.putFile('file-1', { bytes: BYTES, fileName: '教案.pdf', mediaType: 'application/pdf' })
})

function backend(settings: Partial<JavaBackendSettings> = {}): JavaBackend {
  const made = createJavaBackend({ baseUrl: java.baseUrl, ...settings })
  open.push(made)
  return made
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    return `ok ${JSON.stringify(await work)}`
  } catch (error) {
    return (error as AppError).code ?? String(error)
  }
}

describe('the facts about a file', () => {
  test('are asked for with the token that came in', async () => {
    expect(await backend().fileInfo('file-1', 'jwt', never)).toEqual({ fileName: '教案.pdf', mediaType: 'application/pdf', size: 5 })
    expect(java.requests).toMatchObject([
      { method: 'GET', path: '/api/studio/teacher/me/files/file-1', headers: { authorization: 'Bearer jwt' } },
    ])
  })

  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [
      { fileName: 'a.docx', mimeType: 'Application/PDF; x=1', size: 3 },
      { fileName: 'a.docx', mediaType: 'application/pdf', size: 3 },
    ],
    [
      { file_name: 'a', mime_type: 'text/plain', file_size: '12' },
      { fileName: 'a', mediaType: 'text/plain', size: 12 },
    ],
    [
      { originalFilename: 'a', fileType: 'pdf', contentType: 'application/pdf' },
      { fileName: 'a', mediaType: 'application/pdf' },
    ],
    [{ fileName: ' ', name: 'b', fileType: 'pdf', fileSize: -1 }, { fileName: 'b' }],
    [{ fileName: 7, fileSize: 'large', size: 1.5 }, {}],
    [{}, {}],
  ])('%j are read as %j', async (metadata, expected) => {
    java.putFile('file-1', { bytes: BYTES, metadata })
    expect(await backend().fileInfo('file-1', 'jwt', never)).toEqual(expected)
  })

  test('are asked for with the service token where no user stands behind the call', async () => {
    await backend({ serviceToken: 'service' }).fileInfo('file-1', undefined, never)
    await backend().fileInfo('file-1', undefined, never)
    expect(java.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer service', undefined])
  })

  test('are found under a base address with a path and a final slash', async () => {
    await codeOf(backend({ baseUrl: `${java.baseUrl}/gateway//` }).fileInfo('file-1', 'jwt', never))
    expect(java.requests[0]?.path).toBe('/gateway/api/studio/teacher/me/files/file-1')
  })

  test('of a file whose id needs encoding are asked for under exactly that id', async () => {
    java.putFile('a:b.c', { bytes: BYTES, fileName: 'x' })
    expect(await backend().fileInfo('a:b.c', 'jwt', never)).toMatchObject({ fileName: 'x' })
    expect(await codeOf(backend().fileInfo('../../admin?x#y', 'jwt', never))).toBe('not_found')
    expect(java.requests.map(({ path }) => path)).toEqual([
      '/api/studio/teacher/me/files/a%3Ab.c',
      '/api/studio/teacher/me/files/..%2F..%2Fadmin%3Fx%23y',
    ])
  })

  test.each(['.', '..'])('are not asked for when the id (%j) would name another resource', async (fileId) => {
    expect(await codeOf(backend().fileInfo(fileId, 'jwt', never))).toBe('not_found')
    expect(await codeOf(backend().downloadUrl(fileId, 'jwt', never))).toBe('not_found')
    expect(await report(backend(), { fileId })).toMatchObject({ status: 'rejected' })
    expect(java.requests).toEqual([])
  })
})

describe('a signed address', () => {
  test.each(['redirect', 'signedUrl', 'downloadUrl', 'url'] as const)('is read from the form %j and not fetched', async (download) => {
    java.putFile('file-1', { bytes: BYTES, download })
    expect(await backend().downloadUrl('file-1', 'jwt', never)).toBe(java.signedUrl('file-1'))
    expect(java.requests.map(({ path }) => path)).toEqual(['/api/studio/teacher/me/files/file-1/download'])
    expect(java.storageRequests).toEqual([])
  })

  test('relative to the backend becomes absolute', async () => {
    for (const download of ['redirect', 'url'] as const) {
      java.putFile('file-1', { bytes: BYTES, download, address: '/raw/file-1' })
      expect(await backend().downloadUrl('file-1', 'jwt', never)).toBe(`${java.baseUrl}/raw/file-1`)
    }
  })

  test('that is no address is the backend failing', async () => {
    for (const address of ['', 'http://[bad']) {
      java.putFile('file-1', { bytes: BYTES, address })
      expect(await codeOf(backend().downloadUrl('file-1', 'jwt', never))).toBe('java_unavailable')
    }
  })
})

describe('a question the backend does not answer', () => {
  const asks = [
    (file: JavaBackend) => file.fileInfo('file-1', 'jwt', never),
    (file: JavaBackend) => file.downloadUrl('file-1', 'jwt', never),
  ]

  test.each<[number, string]>([
    [401, 'forbidden'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [400, 'java_unavailable'],
    [429, 'java_unavailable'],
    [500, 'java_unavailable'],
    [503, 'java_unavailable'],
  ])('%i, as HTTP status or as code inside a 200, is %s', async (status, code) => {
    for (const ask of asks) {
      java.putFile('file-1', { bytes: BYTES, status })
      expect(await codeOf(ask(backend()))).toBe(code)
      java.putFile('file-1', { bytes: BYTES, bodyCode: status })
      expect(await codeOf(ask(backend()))).toBe(code)
    }
  })

  test('by hanging up or by silence is unavailable', async () => {
    java.setOutage('hangUp')
    for (const ask of asks) expect(await codeOf(ask(backend()))).toBe('java_unavailable')
    expect(await codeOf(backend({ timeoutMs: 0 }).fileInfo('file-1', 'jwt', never))).toBe('java_unavailable')
  })

  test("because the caller cancelled rejects with the caller's reason", async () => {
    await expect(backend().fileInfo('file-1', 'jwt', AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
    await expect(report(backend(), {}, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
  })
})

const COMPLETED: ParseStatusBody = { parseStatus: 'completed', chunkCount: 15, entityCount: 8, parseError: null, errorMessage: null }

function report(to: JavaBackend, change: Partial<ParseStatusReport> = {}, signal = never): Promise<CallbackOutcome> {
  return to.reportParseStatus(
    { fileId: 'file-1', eventId: 'event-1', body: COMPLETED, token: 'jwt', timestamp: 1_767_225_600, ...change },
    signal,
  )
}

describe('a parse-status report', () => {
  test('is a PUT with the token that came in, the event and the time', async () => {
    expect(await report(backend())).toEqual({ status: 'delivered' })
    const [callback] = java.callbacks
    expect(callback).toMatchObject({ method: 'PUT', path: '/api/studio/teacher/me/files/file-1/parse-status', json: COMPLETED })
    expect(callback?.headers).toMatchObject({
      authorization: 'Bearer jwt',
      'x-event-id': 'event-1',
      'x-timestamp': '1767225600',
      'content-type': 'application/json',
    })
    expect(callback?.headers['x-signature']).toBeUndefined()
  })

  test('is a POST where the backend wants one', async () => {
    await report(backend({ callbackMethod: 'POST' }))
    expect(java.callbacks[0]?.method).toBe('POST')
  })

  test('is signed over id, time and body, anew for each try', async () => {
    const signing = backend({ callbackSecret: 'shared' })
    await report(signing)
    await report(signing, { timestamp: 1_767_225_605 })
    for (const { headers, body } of java.callbacks) {
      const signed = `${String(headers['x-event-id'])}.${String(headers['x-timestamp'])}.${body}`
      expect(headers['x-signature']).toBe(`v1=${createHmac('sha256', 'shared').update(signed).digest('hex')}`)
    }
    expect(java.callbacks[0]?.headers['x-signature']).not.toBe(java.callbacks[1]?.headers['x-signature'])
  })

  test('repeats the error as a message of at most 500 characters, none of them halved', async () => {
    const parseError = `unprocessable_document: ${'x'.repeat(475)}😀 and more`
    await report(backend(), { body: { parseStatus: 'failed', chunkCount: 0, entityCount: 0, parseError, errorMessage: null } })
    expect(java.callbacks[0]?.json).toMatchObject({ parseStatus: 'failed', parseError, errorMessage: parseError.slice(0, 499) })
  })

  test.each<[string, CallbackAnswer, CallbackOutcome['status']]>([
    ['200', 200, 'delivered'],
    ['200 without JSON', { status: 200, body: 'ok' }, 'delivered'],
    ['200 with another code', { status: 200, body: { code: 0 } }, 'delivered'],
    ['200 with more than 64 KB', { status: 200, body: 'x'.repeat(200_000) }, 'delivered'],
    ['201', 201, 'delivered'],
    ['302', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'rejected'],
    ['307', { status: 307, headers: { location: '/api/studio/teacher/me/files/other/parse-status' } }, 'rejected'],
    ['400', 400, 'rejected'],
    ['401', 401, 'unauthorized'],
    ['403', 403, 'unauthorized'],
    ['404', 404, 'rejected'],
    ['408', 408, 'retry'],
    ['409', 409, 'rejected'],
    ['429', 429, 'retry'],
    ['500', 500, 'retry'],
    ['503', 503, 'retry'],
    ['no answer', { hangUp: true }, 'retry'],
    ['200 with code 400', { status: 200, body: { code: 400 } }, 'rejected'],
    ['200 with code 401', { status: 200, body: { code: 401 } }, 'unauthorized'],
    ['200 with code 404', { status: 200, body: { code: '404' } }, 'rejected'],
    ['200 with code 429', { status: 200, body: { code: 429 } }, 'retry'],
    ['200 with code 500', { status: 200, body: { code: 500 } }, 'retry'],
    ['200 with a code of the business', { status: 200, body: { code: 40_001 } }, 'rejected'],
  ])('answered %s', async (_name, answer, expected) => {
    java.scriptCallbacks(answer)
    expect(await report(backend())).toMatchObject({ status: expected })
    expect(java.callbacks.length).toBe(1)
  })

  test('waits as long as the backend asks', async () => {
    const date = new Date(1_767_225_600_000 + 90_000).toUTCString()
    java.scriptCallbacks(
      ...['120', date, 'soon', 'Thu, 01 Jan 1970 00:00:00 GMT'].map((wait) => ({ status: 503, headers: { 'retry-after': wait } })),
    )
    const outcomes = [await report(backend()), await report(backend()), await report(backend()), await report(backend())]
    expect(outcomes.map((outcome) => outcome.status === 'retry' && outcome.retryAfterSeconds)).toEqual([120, 90, undefined, 0])
  })

  test('refused for the user is tried once more with the service token', async () => {
    java.acceptAuthorization((authorization) => authorization === 'Bearer service')
    expect(await report(backend({ serviceToken: 'service', callbackSecret: 'shared' }))).toEqual({ status: 'delivered' })
    expect(java.callbacks.map(({ headers, answered }) => [headers.authorization, headers['x-event-id'], answered])).toEqual([
      ['Bearer jwt', 'event-1', 401],
      ['Bearer service', 'event-1', 200],
    ])
  })

  test('refused for both is unauthorized, and without a service token it is at once', async () => {
    java.acceptAuthorization(() => false)
    expect(await report(backend({ serviceToken: 'service' }))).toEqual({
      status: 'unauthorized',
      reason: 'the Java backend answered 401 Unauthorized',
    })
    expect(await report(backend())).toMatchObject({ status: 'unauthorized' })
    expect(await report(backend({ serviceToken: 'service' }), { token: undefined })).toMatchObject({ status: 'unauthorized' })
    expect(java.callbacks.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer jwt',
      'Bearer service',
      'Bearer jwt',
      'Bearer service',
    ])
  })

  test('to a backend that is away is for later, and the reason holds neither address nor token', async () => {
    java.setOutage('hangUp')
    const outcome = await report(backend(), { token: 'secret-jwt' })
    expect(outcome).toMatchObject({ status: 'retry' })
    expect(JSON.stringify(outcome)).not.toMatch(/secret|127\.0\.0\.1/)
  })
})

test.each(['', 'java', 'file:///etc/passwd', 'ftp://java/'])('%j is no base address', (baseUrl) => {
  expect(() => createJavaBackend({ baseUrl })).toThrow(expect.objectContaining({ code: 'invalid_request' }) as Error)
})
