import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppError } from '../../src/core/errors.ts'
import { downloadFile, type DownloadOptions, type Resolver } from '../../src/java/download.ts'
import { startJavaServer, type JavaServer } from '../support/java-server.ts'

const BYTES = Buffer.from('%PDF-1.7 '.repeat(1000))
const never = new AbortController().signal

let java: JavaServer
let rogue: Server
let rogueUrl: string
let rogueAnswer: RequestListener
let rogueRequests: string[]

beforeAll(async () => {
  java = await startJavaServer()
  rogue = createServer((request, response) => {
    rogueRequests.push(`${request.headers.host ?? ''}${request.url ?? ''}`)
    rogueAnswer(request, response)
  })
  rogue.listen(0, '127.0.0.1')
  await once(rogue, 'listening')
  rogueUrl = `http://127.0.0.1:${(rogue.address() as AddressInfo).port}`
})
afterAll(async () => {
  rogue.closeAllConnections()
  rogue.close()
  await java.close()
})
beforeEach(() => {
  java.storageRequests.length = 0
  java.putFile('file-1', { bytes: BYTES, mediaType: 'application/pdf; charset=binary' })
  rogueRequests = []
  rogueAnswer = (_request, response) => response.end('ok')
})

type Outcome = { code: string; details?: Record<string, unknown> | undefined; text?: string }

const LOCAL: DownloadOptions = { ossHosts: ['127.0.0.1'], maxBytes: 100_000, timeoutMs: 20_000 }

async function download(url: string, options: Partial<DownloadOptions> = {}, signal = never): Promise<Outcome> {
  try {
    const { bytes } = await downloadFile(url, { ...LOCAL, ...options }, signal)
    return { code: 'ok', text: Buffer.from(bytes).toString('utf8') }
  } catch (error) {
    const { code, details } = error as AppError
    return { code: code ?? String(error), details }
  }
}

describe('a permitted file', () => {
  test('arrives whole, with its type and digest, and carries nothing of ours', async () => {
    const file = await downloadFile(java.signedUrl('file-1'), LOCAL, never)
    expect(Buffer.from(file.bytes).equals(BYTES)).toBe(true)
    expect(file.mediaType).toBe('application/pdf')
    expect(file.sha256).toBe(createHash('sha256').update(BYTES).digest('hex'))
    expect(Object.keys(java.storageRequests[0]?.headers ?? {}).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'host'])
  })

  test('may be of exactly the largest size, with or without a declared length', async () => {
    expect(await download(java.signedUrl('file-1'), { maxBytes: BYTES.length })).toMatchObject({ code: 'ok' })
    java.putFile('file-1', { bytes: BYTES, storage: 'unsized' })
    expect(await download(java.signedUrl('file-1'), { maxBytes: BYTES.length })).toMatchObject({ code: 'ok' })
  })

  test('may be empty; that is for the parser to judge', async () => {
    java.putFile('file-1', { bytes: Buffer.alloc(0) })
    expect(await download(java.signedUrl('file-1'))).toEqual({ code: 'ok', text: '' })
  })
})

describe('addresses that are refused before anything is sent', () => {
  const resolvesTo =
    (address: string): Resolver =>
    () =>
      Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }])

  test.each([
    'not a url',
    '',
    '/relative',
    'file:///etc/passwd',
    'ftp://example.com/x',
    'gopher://example.com/',
    'data:text/plain,x',
    'jar:http://example.com!/x',
    'dict://example.com/',
    'unix:/run/docker.sock',
    'http://user@example.com/',
    'http://user:secret@example.com/',
    'https://:secret@example.com/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://a.localhost/',
    'http://metadata.google.internal/',
    'http://metadata/',
    'http://host.docker.internal/',
    'http://kubernetes.default.svc/',
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://0x7f.1/',
    'http://0x7f000001/',
    'http://127.0.0.1./',
    'http://１２７.0.0.1/',
    'http://127。0。0。1/',
    'http://0/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://192.168.1.1/',
    'http://169.254.169.254/latest/',
    'http://100.100.100.200/',
    'HTTP://169.254.169.254/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
    'http://[2002:7f00:1::]/',
    'http://example.com@127.0.0.1/',
    'http://127.0.0.1#@example.com/',
    'http://127.0.0.1\\@example.com/',
    'http://127.0.0.1\t/',
    'http://exa\r\nmple.com@127.0.0.1/',
  ])('%j', async (url) => {
    let asked = 0
    const lookup: Resolver = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]).finally(() => (asked += 1))
    expect(await download(url, { ossHosts: [], lookup })).toMatchObject({ code: 'forbidden_url' })
    expect(asked).toBe(0)
  })

  test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '100.100.100.200', '::1', '::ffff:127.0.0.1', 'fd00::1', '64:ff9b::a9fe:a9fe'])(
    'a public name that resolves to %s',
    async (address) => {
      const port = new URL(rogueUrl).port
      expect(await download(`http://files.example.com:${port}/x`, { ossHosts: [], lookup: resolvesTo(address) })).toMatchObject({
        code: 'forbidden_url',
      })
      expect(rogueRequests).toEqual([])
    },
  )

  test('a name with one public and one private address', async () => {
    const lookup: Resolver = () =>
      Promise.resolve([
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ])
    expect(await download('http://files.example.com/x', { ossHosts: [], lookup })).toMatchObject({ code: 'forbidden_url' })
  })

  test.each(['http://8.8.8.8/x', 'http://files.example.com/x', 'http://evil127.0.0.1.example.com/', 'http://[::ffff:127.0.0.1]/'])(
    '%s, public or not, when OSS_HOSTS does not name it',
    async (url) => {
      expect(await download(url)).toMatchObject({ code: 'forbidden_url' })
    },
  )
})

describe('a name', () => {
  const port = () => new URL(rogueUrl).port

  test('in OSS_HOSTS may have a private address and is reached under its own name', async () => {
    const lookup: Resolver = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }])
    expect(await download(`http://oss.internal:${port()}/x`, { ossHosts: ['internal'], lookup })).toEqual({ code: 'ok', text: 'ok' })
    expect(rogueRequests).toEqual([`oss.internal:${port()}/x`])
  })

  test('is resolved once, and the connection goes to the address that was judged even if the name has changed its mind', async () => {
    // Trusted, so that the loopback server may stand for the public one; a second look-up would lead to where nobody listens.
    const answers = ['127.0.0.1', '10.255.255.1']
    const asked: string[] = []
    const lookup: Resolver = (hostname) => {
      asked.push(hostname)
      return Promise.resolve([{ address: answers[asked.length - 1] ?? '10.255.255.1', family: 4 }])
    }
    expect(await download(`http://rebind.example.com:${port()}/x`, { ossHosts: ['example.com'], lookup })).toEqual({
      code: 'ok',
      text: 'ok',
    })
    expect(asked).toEqual(['rebind.example.com'])
  })

  test('without an address is a passing failure', async () => {
    expect(
      await download('http://gone.example.com/', {
        ossHosts: [],
        lookup: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
      }),
    ).toMatchObject({ code: 'download_failed' })
    expect(await download('http://gone.example.com/', { ossHosts: [], lookup: () => Promise.resolve([]) })).toMatchObject({
      code: 'download_failed',
    })
  })
})

describe('redirects', () => {
  const redirect = (to: (path: string) => string): void => {
    rogueAnswer = (request, response) => {
      const path = request.url ?? ''
      if (path === '/end') response.end('ok')
      else response.writeHead(302, { location: to(path) }).end()
    }
  }

  test('three are followed, a fourth is not', async () => {
    redirect((path) => (path === '/1' ? '/end' : `/${Number(path.slice(1)) - 1}`))
    expect(await download(`${rogueUrl}/3`)).toEqual({ code: 'ok', text: 'ok' })
    expect(await download(`${rogueUrl}/4`)).toMatchObject({ code: 'forbidden_url' })
    expect(rogueRequests.length).toBe(4 + 4)
  })

  test.each([
    'http://169.254.169.254/latest/',
    'http://localhost/',
    'http://[::1]/',
    'file:///etc/passwd',
    '//10.0.0.1/x',
    'http://user:x@127.0.0.1/',
    'gopher://127.0.0.1/',
    'http://example.com/',
  ])('to %s are judged like the first address', async (location) => {
    redirect(() => location)
    expect(await download(`${rogueUrl}/start`)).toMatchObject({ code: 'forbidden_url' })
    expect(rogueRequests.length).toBe(1)
  })

  test('lead to the file when the next host is permitted too', async () => {
    redirect(() => java.signedUrl('file-1'))
    expect(await download(`${rogueUrl}/start`)).toMatchObject({ code: 'ok', text: BYTES.toString() })
  })

  test('to nowhere fail', async () => {
    rogueAnswer = (_request, response) => response.writeHead(302).end()
    expect(await download(`${rogueUrl}/start`)).toMatchObject({ code: 'download_failed' })
  })
})

describe('what the host does wrong', () => {
  test('a declared length above the limit is refused unread', async () => {
    rogueAnswer = (_request, response) => response.writeHead(200, { 'content-length': 100_001 }).flushHeaders()
    expect(await download(rogueUrl)).toMatchObject({ code: 'payload_too_large' })
  })

  test('an endless body is cut at the limit', async () => {
    rogueAnswer = (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(10_000)));
      }
      response.on('drain', more)
      more()
    }
    expect(await download(rogueUrl)).toMatchObject({ code: 'payload_too_large' })
  })

  test('a body that stalls ends with the time limit', async () => {
    java.putFile('file-1', { bytes: BYTES, storage: 'stall' })
    expect(await download(java.signedUrl('file-1'), { timeoutMs: 200 })).toMatchObject({ code: 'download_failed' })
  })

  test('a host that never answers ends with the time limit', async () => {
    rogueAnswer = () => undefined
    expect(await download(rogueUrl, { timeoutMs: 200 })).toMatchObject({ code: 'download_failed' })
  })

  test('a resolver that never answers ends with the time limit', async () => {
    expect(
      await download('http://files.example.com/', { ossHosts: [], timeoutMs: 200, lookup: () => new Promise(() => undefined) }),
    ).toMatchObject({ code: 'download_failed' })
  })

  test('a body cut short is no file', async () => {
    java.putFile('file-1', { bytes: BYTES, storage: 'cut' })
    expect(await download(java.signedUrl('file-1'))).toMatchObject({ code: 'download_failed' })
  })

  test('a closed port is a passing failure that names the fault and no address', async () => {
    const gone = createServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo
    gone.close()
    await once(gone, 'close')
    await expect(downloadFile(`http://127.0.0.1:${port}/?Signature=secret`, LOCAL, never)).rejects.toMatchObject({
      code: 'download_failed',
      message: 'The file could not be downloaded (ECONNREFUSED).',
    })
  })

  test.each<[number, { expired: boolean; permanent: boolean }]>([
    [400, { expired: true, permanent: false }],
    [403, { expired: true, permanent: false }],
    [404, { expired: true, permanent: false }],
    [410, { expired: true, permanent: false }],
    [408, { expired: false, permanent: false }],
    [429, { expired: false, permanent: false }],
    [500, { expired: false, permanent: false }],
    [503, { expired: false, permanent: false }],
    [416, { expired: false, permanent: true }],
    [204, { expired: false, permanent: true }],
  ])('status %i says whether a fresh address or a later try may help', async (status, expected) => {
    rogueAnswer = (_request, response) => response.writeHead(status).end()
    expect(await download(rogueUrl)).toEqual({ code: 'download_failed', details: { status, ...expected } })
  })

  test('a signature that has run out asks for a fresh address, which then works', async () => {
    const old = java.signedUrl('file-1')
    java.expireSignedUrls()
    expect(await download(old)).toMatchObject({ code: 'download_failed', details: { status: 403, expired: true } })
    expect(await download(java.signedUrl('file-1'))).toMatchObject({ code: 'ok' })
  })
})

test('a caller who cancels gets its own reason, not a failed download', async () => {
  const leaving = new AbortController()
  rogueAnswer = () => leaving.abort(new Error('the document was deleted'))
  await expect(downloadFile(rogueUrl, LOCAL, leaving.signal)).rejects.toThrow('the document was deleted')
})
