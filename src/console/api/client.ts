// Speaks to the HTTP API: credential, workspace, errors as one kind. The console has no other way to data.
import { expire, keptCredential, session, type Credential } from '../state/session.ts'

/** The service itself, wherever a gateway has put it: the console lies one level below. */
const BASE = new URL('../', document.baseURI)

/** What went wrong, in the words of the service. `status` 0: it could not be reached. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | undefined

  constructor(status: number, code: string, message: string, requestId?: string) {
    super(message)
    this.status = status
    this.code = code
    this.requestId = requestId
  }
}

export type Query = Record<string, string | number | boolean | undefined>

export type Request = {
  method?: string
  query?: Query
  body?: unknown
  workspace?: string | undefined
  signal?: AbortSignal
  credential?: Credential
}

export function address(path: string, query: Query = {}): URL {
  const url = new URL(path.replace(/^\//, ''), BASE)
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') url.searchParams.set(name, String(value))
  return url
}

/** The workspace is that of the session unless one is named; a teacher's own needs no name. */
export function headersOf(workspace: string | undefined, credential = keptCredential()): Record<string, string> {
  const now = session.get()
  const named = workspace ?? (now.state === 'in' || now.state === 'expired' ? now.workspace : undefined)
  return {
    ...(credential === undefined
      ? {}
      : credential.kind === 'admin'
        ? { 'x-admin-token': credential.token }
        : { authorization: `Bearer ${credential.token}` }),
    ...(named === undefined || named === '' ? {} : { 'x-workspace': named }),
  }
}

/** @throws ApiError; DOMException `AbortError` when the signal aborts. */
export async function send(path: string, { method = 'GET', query, body, workspace, signal, credential }: Request = {}): Promise<Response> {
  const headers = headersOf(workspace, credential)
  const init: RequestInit = { method, headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' } }
  if (body !== undefined) init.body = JSON.stringify(body)
  if (signal !== undefined) init.signal = signal
  let response: Response
  try {
    response = await fetch(address(path, query), init)
  } catch (error) {
    if (error instanceof DOMException) throw error
    throw new ApiError(0, 'unreachable', '')
  }
  if (!response.ok) throw failure(response.status, await response.text())
  return response
}

export async function ask<T>(path: string, request: Request = {}): Promise<T> {
  const response = await send(path, request)
  return (await response.json()) as T
}

/** The error in an answer's text; a gateway in between may answer with something else than ours. */
export function failure(status: number, text: string): ApiError {
  if (status === 401) expire()
  try {
    const { error, requestId } = JSON.parse(text) as { error: { code: string; message: string }; requestId?: string }
    return new ApiError(status, error.code, error.message, requestId)
  } catch {
    return new ApiError(status, `http_${status}`, '')
  }
}

/** Reads a body as it arrives. Not every browser lets `for await` read a stream itself. */
export async function* bytesOf(response: Response): AsyncGenerator<Uint8Array, void> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel()
  }
}
