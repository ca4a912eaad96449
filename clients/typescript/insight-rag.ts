// A client of insight-rag for TypeScript: one file without dependencies, for Node 20+, Deno, Bun and browsers. Copy it. Its types are held
// against the schemas that the service validates with by test/clients/typescript.test.ts.

export type Mode = 'auto' | 'naive' | 'local' | 'global' | 'hybrid' | 'mix' | 'lexical' | 'bypass'
export type ParseStatus = 'pending' | 'processing' | 'completed' | 'failed'
export type Scalar = string | number | boolean
export type Metadata = Record<string, Scalar | null | Scalar[]>

/** All of it must be true of the same value. */
export type Condition = { in?: Scalar[]; contains?: string } & (Bounds<number> | Bounds<string>)
type Bounds<T> = { gte?: T; gt?: T; lte?: T; lt?: T }

export type SearchRequest = {
  query: string
  mode?: Mode
  /** 1..100, default 10. */
  topK?: number
  chunkTopK?: number
  includePublic?: boolean
  collections?: string[]
  fileIds?: string[]
  filters?: Record<string, Scalar | Scalar[] | Condition>
  highLevelKeywords?: string[]
  lowLevelKeywords?: string[]
  rerank?: boolean
  maxPerDocument?: number
  /** `section`: each result with the text around it. */
  expand?: 'none' | 'section'
  explain?: boolean
}
export type SearchResult = {
  content: string
  source: string
  workspace: string
  fileId: string
  chunkId: string
  score: number
  page: number | null
  headings: string[]
  metadata: Metadata
  section?: { content: string; chunkIds: string[] } | undefined
}
export type EntityHit = { name: string; type: string; description: string; workspace: string; score: number; chunkIds: string[] }
export type RelationHit = {
  source: string
  target: string
  keywords: string
  description: string
  weight: number
  workspace: string
  score: number
  chunkIds: string[]
}
export type SearchReply = {
  results: SearchResult[]
  entities: EntityHit[]
  relations: RelationHit[]
  timings: { embedMs: number; retrieveMs: number; totalMs: number }
  degraded?: true | undefined
  degradedReason?: string | undefined
}

export type QueryRequest = SearchRequest & { history?: { role: 'user' | 'assistant' | 'system'; content: string }[]; userPrompt?: string }
export type Reference = {
  id: number
  source: string
  workspace: string
  fileId: string
  chunkId: string
  page: number | null
  headings: string[]
}
export type Answer = { answer: string; references: Reference[]; noEvidence: boolean }
export type AnswerEvent =
  | { event: 'references'; data: Reference[] }
  | { event: 'token'; data: { text: string } }
  | { event: 'done'; data: Answer }

export type ParseRequest = { fileId: string; signedUrl?: string; fileName?: string; collection?: string; metadata?: Metadata }
export type Accepted = { fileId: string; jobId: string; workspace: string; parseStatus: ParseStatus }
export type Document = {
  fileId: string
  fileName: string
  workspace: string
  collection: string
  metadata: Metadata
  parseStatus: ParseStatus
  stage: string
  progress: number
  chunkCount: number
  entityCount: number
  relationCount: number
  parseError: string | null
  warnings: string[]
}
export type DocumentQuery = { collection?: string; status?: ParseStatus; q?: string; limit?: number; cursor?: string }

export type Evidence = { chunkId: string; fileId: string; source: string; page: number | null; quote: string }
export type Entity = {
  name: string
  type: string
  description: string
  degree: number
  workspace: string
  aliases: string[]
  relations: { source: string; target: string; keywords: string; description: string; weight: number }[]
  evidence: Evidence[]
}
export type Prerequisites = {
  entity: string
  chain: { name: string; level: number; description: string; evidence: Evidence[] }[]
  cycles: string[][]
}

export type Credential = { token: string } | { adminToken: string } | { internalToken: string } | undefined

/** What the service refused or could not do; `code` is stable, `message` is for people. */
export class InsightRagError extends Error {
  readonly code: string
  readonly status: number
  readonly requestId: string
  /** After how many seconds another try makes sense. */
  readonly retryAfter: number | undefined

  constructor(code: string, message: string, status: number, requestId: string, retryAfter: number | undefined) {
    super(message)
    this.name = 'InsightRagError'
    this.code = code
    this.status = status
    this.requestId = requestId
    this.retryAfter = retryAfter
  }
}

export class InsightRag {
  readonly #base: string
  readonly #headers: Record<string, string>

  /** @param workspace administrators and services: whom to act for. */
  constructor(base: string, credential?: Credential, workspace?: string) {
    this.#base = base.replace(/\/+$/, '')
    this.#headers = {
      ...(credential === undefined
        ? {}
        : 'token' in credential
          ? { authorization: `Bearer ${credential.token}` }
          : 'adminToken' in credential
            ? { 'x-admin-token': credential.adminToken }
            : { 'x-internal-token': credential.internalToken }),
      ...(workspace === undefined ? {} : { 'x-workspace': workspace }),
    }
  }

  /** Lets the service fetch a file; it is asked about with `document`, and Java is called back. */
  parse(request: ParseRequest, signal?: AbortSignal): Promise<Accepted> {
    return this.#json('POST', '/api/internal/documents/parse', request, signal)
  }

  /** Sends the file itself. */
  upload(file: Blob | { text: string }, fileName: string, signal?: AbortSignal): Promise<Accepted> {
    if (!(file instanceof Blob)) return this.#json('POST', '/api/documents', { fileName, text: file.text }, signal)
    const form = new FormData()
    form.set('file', file, fileName)
    return this.#json('POST', '/api/documents', form, signal)
  }

  document(fileId: string, signal?: AbortSignal): Promise<Document> {
    return this.#json('GET', `/api/documents/${encodeURIComponent(fileId)}`, undefined, signal)
  }

  /** Waits for the end of the work on a document, completed or failed. */
  async settled(fileId: string, signal?: AbortSignal): Promise<Document> {
    const response = await this.#send('GET', `/api/documents/${encodeURIComponent(fileId)}/events`, undefined, signal)
    for await (const _ of frames(response)) continue
    return this.document(fileId, signal)
  }

  documents(query: DocumentQuery = {}, signal?: AbortSignal): Promise<{ documents: Document[]; nextCursor: string | null }> {
    return this.#json('GET', `/api/documents?${search(query)}`, undefined, signal)
  }

  remove(fileId: string, signal?: AbortSignal): Promise<{ fileId: string; deleted: true }> {
    return this.#json('DELETE', `/api/documents/${encodeURIComponent(fileId)}`, undefined, signal)
  }

  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchReply> {
    return this.#json('POST', '/api/search', request, signal)
  }

  query(request: QueryRequest, signal?: AbortSignal): Promise<Answer> {
    return this.#json('POST', '/api/query', request, signal)
  }

  /** The answer as it is written: its references first, then its words, at last the whole. */
  async *stream(request: QueryRequest, signal?: AbortSignal): AsyncGenerator<AnswerEvent, void> {
    const response = await this.#send('POST', '/api/query', { ...request, stream: true }, signal)
    for await (const { event, data } of frames(response)) {
      const value = JSON.parse(data) as { error: { code: string; message: string }; requestId?: string }
      if (event === 'error')
        throw new InsightRagError(value.error.code, value.error.message, response.status, value.requestId ?? '', undefined)
      yield { event, data: value } as unknown as AnswerEvent
    }
  }

  entity(name: string, signal?: AbortSignal): Promise<Entity> {
    return this.#json('GET', `/api/graph/entities/${encodeURIComponent(name)}`, undefined, signal)
  }

  /** What must be known before, nearest first. */
  prerequisites(entity: string, depth?: number, signal?: AbortSignal): Promise<Prerequisites> {
    return this.#json('GET', `/api/graph/prerequisites?${search({ entity, depth })}`, undefined, signal)
  }

  async #json<T>(method: string, path: string, body: unknown, signal: AbortSignal | undefined): Promise<T> {
    return (await (await this.#send(method, path, body, signal)).json()) as T
  }

  async #send(method: string, path: string, body: unknown, signal: AbortSignal | undefined): Promise<Response> {
    const form = body instanceof FormData
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: { ...this.#headers, ...(body === undefined || form ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (response.ok) return response
    // Proxies answer in their own words; what is no JSON of ours still is an error with its status.
    const reply = (await response.json().catch(() => ({}))) as { error?: { code?: string; message?: string }; requestId?: string }
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
    throw new InsightRagError(
      reply.error?.code ?? 'http_error',
      reply.error?.message ?? `The service answered ${response.status}.`,
      response.status,
      reply.requestId ?? response.headers.get('x-request-id') ?? '',
      Number.isNaN(retryAfter) ? undefined : retryAfter,
    )
  }
}

function search(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]]))
  return new URLSearchParams(given).toString()
}

/** Server-sent events of a response; comments, which keep the line open, are skipped. */
async function* frames(response: Response): AsyncGenerator<{ event: string; data: string }, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    const blocks = (rest + decoder.decode(part, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const field = (name: string): string =>
        block
          .split('\n')
          .flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []))
          .join('\n')
      if (field('data') !== '') yield { event: field('event'), data: field('data') }
    }
  }
}
