// A real HTTP server that stands in for the Java backend (files, parse-status, sign-in, key set) and, on a second port,
// for its object storage. Both listen on 127.0.0.1, so a service under test needs OSS_HOSTS=127.0.0.1.
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How `GET …/download` answers. `redirect` is a 302, the next three are envelopes that differ in the field's name. */
export type DownloadForm = 'redirect' | 'signedUrl' | 'downloadUrl' | 'url'

/** How storage sends the bytes. `stall` sends one byte and then nothing; `unsized` leaves Content-Length out; `cut` hangs up halfway. */
export type StorageForm = 'whole' | 'unsized' | 'stall' | 'cut'

export type ServedFile = {
  bytes: Uint8Array
  fileName?: string
  /** Content-Type in storage, `fileType` in the metadata. */
  mediaType?: string
  /** Replaces the metadata's `data`. */
  metadata?: Record<string, unknown>
  download?: DownloadForm
  /** Answers metadata and download with HTTP 200 and this `code` in the body. */
  bodyCode?: number
  /** Answers metadata and download with this HTTP status. */
  status?: number
  /** The address Java gives out instead of a signed one. */
  address?: string
  storage?: StorageForm
  /** Storage answers with this status while it is set (503 and the like). */
  storageStatus?: number
}

/** What a callback is answered: a status, or more; `hangUp` closes the connection without an answer. */
export type CallbackAnswer = number | { status?: number; body?: unknown; headers?: Record<string, string>; hangUp?: boolean }

export type RecordedRequest = { method: string; path: string; headers: IncomingHttpHeaders; body: string }
export type RecordedCallback = RecordedRequest & { fileId: string; json: Record<string, unknown>; answered: number }

export type JavaServer = {
  readonly baseUrl: string
  readonly storageUrl: string
  readonly introspectionUrl: string
  readonly jwksUrl: string
  /** Every request, in order of arrival. */
  readonly requests: RecordedRequest[]
  readonly storageRequests: RecordedRequest[]
  readonly callbacks: RecordedCallback[]
  /** Members of the key set; replace the array's content to rotate. */
  readonly keys: unknown[]
  /** Tokens that sign-in (`/api/auth/me`) knows, with their `data`. */
  readonly users: Map<string, Record<string, unknown>>
  putFile(fileId: string, file: ServedFile): void
  removeFile(fileId: string): void
  /** A signed address that works until `expireSignedUrls`. */
  signedUrl(fileId: string): string
  /** Every address signed so far answers 403 from now on. */
  expireSignedUrls(): void
  /** Answers to the next callbacks, in order; after them 200. */
  scriptCallbacks(...answers: CallbackAnswer[]): void
  /** Which Authorization headers file routes and callbacks accept; default: all. Others get 401. */
  acceptAuthorization(accepts: (authorization: string | undefined) => boolean): void
  /** Status that every Java route answers while set; `'hangUp'` closes the connection; `undefined` ends the outage. */
  setOutage(outage: number | 'hangUp' | undefined): void
  /** Resolves when `wanted` callbacks (or the predicate) have been answered; rejects after `timeoutMs`, default 20 s. */
  waitForCallbacks(wanted: number | ((callbacks: readonly RecordedCallback[]) => boolean), timeoutMs?: number): Promise<RecordedCallback[]>
  close(): Promise<void>
}

const FILE_ROUTE = /^\/api\/studio\/teacher\/me\/files\/([^/]+)(\/download|\/parse-status)?$/

type State = {
  files: Map<string, ServedFile>
  script: CallbackAnswer[]
  accepts: (authorization: string | undefined) => boolean
  outage: number | 'hangUp' | undefined
  generation: number
  storageUrl: string
}

type Recorded = Pick<JavaServer, 'requests' | 'storageRequests' | 'callbacks' | 'keys' | 'users'> & { arrivals: EventEmitter }

/** Listens on two free ports; `close` ends every connection. */
export async function startJavaServer(): Promise<JavaServer> {
  const state: State = { files: new Map(), script: [], accepts: () => true, outage: undefined, generation: 0, storageUrl: '' }
  const recorded: Recorded = { requests: [], storageRequests: [], callbacks: [], keys: [], users: new Map(), arrivals: new EventEmitter() }
  const java = createServer((request, response) => {
    readBody(request).then(
      (body) => answerJava(state, recorded, request, body, response),
      () => response.destroy(), // the caller went away while it was still talking
    )
  })
  const storage = createServer((request, response) => answerStorage(state, recorded, request, response))
  const [baseUrl, storageUrl] = await Promise.all([listen(java), listen(storage)])
  state.storageUrl = storageUrl
  const { arrivals, ...lists } = recorded
  return {
    baseUrl,
    storageUrl,
    introspectionUrl: `${baseUrl}/api/auth/me`,
    jwksUrl: `${baseUrl}/.well-known/jwks.json`,
    ...lists,
    putFile: (fileId, file) => void state.files.set(fileId, file),
    removeFile: (fileId) => void state.files.delete(fileId),
    signedUrl: (fileId) => signedUrl(state, fileId),
    expireSignedUrls: () => void (state.generation += 1),
    scriptCallbacks: (...answers) => void state.script.push(...answers),
    acceptAuthorization: (accepts) => void (state.accepts = accepts),
    setOutage: (outage) => void (state.outage = outage),
    waitForCallbacks: (wanted, timeoutMs = 20_000) => waitFor(recorded, arrivals, wanted, timeoutMs),
    close: async () => {
      await Promise.all([java, storage].map(stop))
    },
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

function record(request: IncomingMessage, body: string): RecordedRequest {
  return { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body }
}

function sendJson(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

const envelope = (code: number, data: unknown = null) => ({
  code,
  message: code === 200 ? 'success' : 'refused',
  data,
  timestamp: '2026-01-01T00:00:00',
})

function answerJava(state: State, recorded: Recorded, request: IncomingMessage, body: string, response: ServerResponse): void {
  const seen = record(request, body)
  recorded.requests.push(seen)
  if (state.outage === 'hangUp') request.socket.destroy()
  else if (state.outage !== undefined) sendJson(response, state.outage, envelope(state.outage))
  else if (seen.path === '/.well-known/jwks.json') sendJson(response, 200, { keys: recorded.keys })
  else if (seen.path === '/api/auth/me') answerSignIn(recorded, seen, response)
  else answerFile(state, recorded, seen, request, response)
}

function answerSignIn({ users }: Recorded, { headers }: RecordedRequest, response: ServerResponse): void {
  const user = users.get(headers.authorization?.replace(/^Bearer /, '') ?? '')
  sendJson(response, 200, user === undefined ? envelope(401) : envelope(200, user))
}

function answerFile(state: State, recorded: Recorded, seen: RecordedRequest, request: IncomingMessage, response: ServerResponse): void {
  const [, encoded, part] = FILE_ROUTE.exec(seen.path) ?? []
  if (encoded === undefined) return sendJson(response, 404, envelope(404))
  const fileId = decodeURIComponent(encoded)
  if (part === '/parse-status') return answerCallback(state, recorded, { ...seen, fileId }, request, response)
  const file = state.files.get(fileId)
  if (!state.accepts(seen.headers.authorization)) return sendJson(response, 401, envelope(401))
  if (file === undefined) return sendJson(response, 404, envelope(404))
  if (file.status !== undefined) return sendJson(response, file.status, envelope(file.status))
  if (file.bodyCode !== undefined) return sendJson(response, 200, envelope(file.bodyCode))
  if (part === undefined) return sendJson(response, 200, envelope(200, metadata(fileId, file)))
  const address = file.address ?? signedUrl(state, fileId)
  const form = file.download ?? 'signedUrl'
  if (form === 'redirect') response.writeHead(302, { location: address }).end()
  else sendJson(response, 200, envelope(200, { [form]: address, expiresIn: 3600 }))
}

function metadata(fileId: string, file: ServedFile): Record<string, unknown> {
  return file.metadata ?? { fileId, fileName: file.fileName ?? fileId, fileType: file.mediaType, fileSize: file.bytes.length }
}

function answerCallback(
  state: State,
  { callbacks, arrivals }: Recorded,
  seen: RecordedRequest & { fileId: string },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const scripted = state.script.shift()
  const answer = typeof scripted === 'number' ? { status: scripted } : scripted
  const status = answer?.status ?? (state.accepts(seen.headers.authorization) ? 200 : 401)
  callbacks.push({ ...seen, json: JSON.parse(seen.body) as Record<string, unknown>, answered: answer?.hangUp === true ? 0 : status })
  if (answer?.hangUp === true) request.socket.destroy()
  else sendJson(response, status, answer?.body ?? envelope(status), answer?.headers)
  arrivals.emit('callback')
}

function signedUrl({ storageUrl, generation }: State, fileId: string): string {
  return `${storageUrl}/${encodeURIComponent(fileId)}?Signature=signed-${generation}`
}

function answerStorage(state: State, { storageRequests }: Recorded, request: IncomingMessage, response: ServerResponse): void {
  storageRequests.push(record(request, ''))
  const url = new URL(request.url ?? '/', state.storageUrl)
  const file = state.files.get(decodeURIComponent(url.pathname.slice(1)))
  const refused = url.searchParams.get('Signature') === `signed-${state.generation}` ? file?.storageStatus : 403
  if (refused !== undefined || file === undefined) {
    response.writeHead(refused ?? 404, { 'content-type': 'application/xml' }).end('<Error><Code>AccessDenied</Code></Error>')
    return
  }
  send(file, response)
}

function send({ bytes, mediaType, storage = 'whole' }: ServedFile, response: ServerResponse): void {
  response.setHeader('content-type', mediaType ?? 'application/octet-stream')
  if (storage !== 'unsized') response.setHeader('content-length', bytes.length)
  if (storage === 'stall') response.write(bytes.subarray(0, 1))
  else if (storage === 'cut') response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
  else response.end(bytes)
}

async function waitFor(
  { callbacks }: Recorded,
  arrivals: EventEmitter,
  wanted: number | ((callbacks: readonly RecordedCallback[]) => boolean),
  timeoutMs: number,
): Promise<RecordedCallback[]> {
  const reached = typeof wanted === 'number' ? () => callbacks.length >= wanted : () => wanted(callbacks)
  const signal = AbortSignal.timeout(timeoutMs)
  while (!reached()) {
    await once(arrivals, 'callback', { signal }).catch((error: unknown) => {
      const seen = callbacks.map(({ fileId, json, answered }) => `${fileId} ${String(json['parseStatus'])} → ${answered}`)
      throw new Error(`the expected callbacks did not arrive within ${timeoutMs} ms; seen: ${seen.join(', ') || 'none'}`, { cause: error })
    })
  }
  return [...callbacks]
}
