// The use cases as types: what HTTP, MCP and the command line call, and nothing else. Implemented beside this file.
import type { Block } from '../core/blocks.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Mode } from '../core/modes.ts'
import type { WorkspaceId, WorkspaceScope } from '../core/workspace.ts'
import type { ChatMessage } from '../ports/models.ts'
import type { ParseOptions } from '../ports/parser.ts'
import type { Audit } from './audit.ts'
import type { Estimate } from './estimate.ts'
import type { Graph } from './graph/api.ts'
import type { Images } from './images/analyze.ts'
import type { Courses } from './courses/api.ts'
import type { Releases } from './releases/api.ts'
import type { ModelUseView, Operations } from './operations.ts'
import type { Profiles } from './profile.ts'

export type ParseStatus = 'pending' | 'processing' | 'completed' | 'failed'
/** Flat JSON: values are strings, numbers, booleans, null or lists of those. */
export type Metadata = Record<string, string | number | boolean | null | (string | number | boolean)[]>

/** The answer to parse, upload and retry. */
export type Accepted = { fileId: string; jobId: string; workspace: string; parseStatus: ParseStatus }

export type ParseRequest = {
  fileId: string
  collection?: string
  options: ParseOptions
  signedUrl?: string
  fileName?: string
  metadata?: Metadata
}

export type UploadRequest = {
  fileName: string
  bytes: Uint8Array
  declaredType?: string
  fileId?: string
  collection?: string
  metadata?: Metadata
  options: ParseOptions
}

export type DocumentView = {
  fileId: string
  jobId: string
  workspace: string
  fileName: string
  collection: string
  metadata: Metadata
  parseStatus: ParseStatus
  stage: string
  /** 0..1 */
  progress: number
  attempts: number
  chunkCount: number
  entityCount: number
  relationCount: number
  parseError: string | null
  warnings: string[]
  /** Milliseconds by stage. */
  timings: Record<string, number>
  /** Model by role. */
  models: Record<string, string>
  createdAt: string
  updatedAt: string
}

export type DocumentQuery = { collection?: string; status?: ParseStatus; q?: string; limit: number; cursor?: string }

export type BlockView = Block & { ordinal: number }

export type ChunkView = {
  chunkId: string
  ordinal: number
  content: string
  headings: string[]
  page: number | null
  tokens: number
  metadata: Metadata
}

export type Documents = {
  /** `token` is the caller's JWT, passed on to Java and kept sealed until the callback is delivered. */
  parse(workspace: WorkspaceId, request: ParseRequest, token: string | undefined): Promise<Accepted>
  upload(workspace: WorkspaceId, request: UploadRequest, token: string | undefined): Promise<Accepted>
  /** What uploading this would cost; nothing is stored or called. @throws AppError as parsing does. */
  estimate(workspace: WorkspaceId, request: Pick<UploadRequest, 'fileName' | 'bytes' | 'options'>, signal: AbortSignal): Promise<Estimate>
  retry(workspace: WorkspaceId, fileId: string, token: string | undefined): Promise<Accepted>
  get(workspace: WorkspaceId, fileId: string): Promise<DocumentView>
  list(workspace: WorkspaceId, query: DocumentQuery): Promise<{ documents: DocumentView[]; nextCursor: string | null }>
  chunks(
    workspace: WorkspaceId,
    fileId: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ chunks: ChunkView[]; nextCursor: string | null }>
  /** What the parser saw, in reading order. */
  blocks(
    workspace: WorkspaceId,
    fileId: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ blocks: BlockView[]; nextCursor: string | null }>
  /** A picture of the live version. @throws AppError `not_found` */
  asset(workspace: WorkspaceId, fileId: string, sha256: string): Promise<{ mediaType: string; bytes: Uint8Array }>
  /** Of models, by role and model, since the document first came. */
  use(workspace: WorkspaceId, fileId: string): Promise<{ use: ModelUseView[] }>
  remove(workspace: WorkspaceId, fileId: string): Promise<{ fileId: string; deleted: true }>
}

export type ChunkDetail = ChunkView & { fileId: string; source: string; workspace: string }

export type Chunks = {
  /** From the first workspace of the scope that has it. @throws AppError `not_found` */
  get(scope: WorkspaceScope, fileId: string, chunkId: string): Promise<ChunkDetail>
}

export type FilterValue = string | number | boolean
/** What a key of the metadata must hold: a value, one of several, or conditions that are all true of it. */
export type FilterCondition =
  | FilterValue
  | FilterValue[]
  | {
      in?: FilterValue[] | undefined
      gte?: string | number | undefined
      gt?: string | number | undefined
      lte?: string | number | undefined
      lt?: string | number | undefined
      contains?: string | undefined
    }

export type SearchRequest = {
  query: string
  mode: Mode
  /** 1..100 */
  topK: number
  /** 1..100, the pool before ranking. */
  chunkTopK: number
  collections: string[]
  /** Only these documents; left out or empty: all. */
  fileIds?: string[] | undefined
  filters: Record<string, FilterCondition>
  highLevelKeywords: string[]
  lowLevelKeywords: string[]
  rerank: boolean
  /** Tokens of entities, of relations, and of the texts of results that a search answers with; a query always has budgets. */
  maxEntityTokens?: number | undefined
  maxRelationTokens?: number | undefined
  maxTotalTokens?: number | undefined
  explain: boolean
  /** At most this many results of one document. */
  maxPerDocument?: number | undefined
  /** `section`: each result with the text around it in its section. */
  expand?: 'none' | 'section' | undefined
}

export type SearchResult = {
  content: string
  source: string
  workspace: string
  fileId: string
  chunkId: string
  /** 0..1 */
  score: number
  page: number | null
  headings: string[]
  metadata: Metadata
  /** The text of the result and of its neighbours under the same headings; only with `expand`. */
  section?: { content: string; chunkIds: string[] }
  /** Leg → rank and score there; only with `explain`. */
  explain?: Record<string, LegExplanation>
}

export type LegExplanation = {
  rank: number
  score: number
  /** For what came through the graph: from the question on; the last step leads to the result. */
  path?: PathStep[]
  /** For what was found by other names than the question's: what it calls the thing, the name, and the workspace that says so. */
  aliases?: AliasUsed[]
}

export type AliasUsed = { asked: string; name: string; workspace: string }

/** One thing on the way to a result. In the walk a chunk and the entity that leads on from it; elsewhere an entity or a relation. */
export type PathStep = {
  chunkId?: string
  entity?: string
  relation?: { source: string; target: string; keywords: string }
  /** Named by the question or its keywords; by another name of what they name; near to them; as an end of the relation before; as a relation of the entity before. */
  found?: 'name' | 'alias' | 'similarity' | 'relation' | 'entity'
  /** 0..1, of having been found. */
  score?: number
  /** What leads from the last step to the result: its title, a mention, or that it asserts the relation. */
  leads?: 'title' | 'mention' | 'assertion'
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

export type SearchResponse = {
  mode: Mode
  results: SearchResult[]
  entities: EntityHit[]
  relations: RelationHit[]
  keywords: { highLevel: string[]; lowLevel: string[] }
  timings: { embedMs: number; retrieveMs: number; totalMs: number }
  /** Present when a keyword or rerank model was down. */
  degraded?: true
  degradedReason?: string
}

export type QueryRequest = SearchRequest & {
  history: ChatMessage[]
  userPrompt?: string
  onlyContext: boolean
  /** Make a follow-up a question of its own before it is searched; left out: as the settings say. */
  rewrite?: boolean
}

export type Reference = {
  id: number
  source: string
  workspace: string
  fileId: string
  chunkId: string
  page: number | null
  headings: string[]
}

export type TokenUsage = { inputTokens: number; cachedTokens: number; outputTokens: number }

export type QueryEvent =
  | { event: 'references'; references: Reference[] }
  | { event: 'token'; text: string }
  | {
      event: 'done'
      answer: string
      references: Reference[]
      usage: TokenUsage
      noEvidence: boolean
      /** The question that was searched, where the follow-up was rewritten. */
      searchedFor?: string
      /** Given before and kept: no model was called. */
      cached?: true
      degraded?: true
      degradedReason?: string
    }

export type QueryContext = { context: string; references: Reference[]; results: SearchResult[]; searchedFor?: string }

export type Retrieval = {
  search(scope: WorkspaceScope, request: SearchRequest, signal: AbortSignal): Promise<SearchResponse>
  /** `references` first, then tokens, then `done`; throws AppError before the first event or between events. */
  query(scope: WorkspaceScope, request: QueryRequest, signal: AbortSignal): AsyncGenerator<QueryEvent, void>
  /** `onlyContext`: what the answering model would be given. */
  context(scope: WorkspaceScope, request: QueryRequest, signal: AbortSignal): Promise<QueryContext>
}

export type WorkspaceView = {
  workspace: string
  kind: string
  documents: number
  chunks: number
  entities: number
  relations: number
  revision: number
  embedding: { model: string; dim: number }
}

export type Workspaces = {
  /** Those of `scope` that exist; every workspace when `scope` is undefined (administrators). */
  list(scope: WorkspaceScope | undefined): Promise<WorkspaceView[]>
}

export type Readiness = { ready: boolean; reasons: string[]; seeding: boolean; checks: Record<string, string> }

/** Everything the ways in may call. */
export type Engine = {
  documents: Documents
  retrieval: Retrieval
  graph: Graph
  chunks: Chunks
  workspaces: Workspaces
  profiles: Profiles
  courses: Courses
  releases: Releases
  operations: Operations
  audit: Audit
  images: Images
  readiness(): Promise<Readiness>
  /** Embeds texts with the configured model, for `/embed`. */
  embed(
    texts: string[],
    kind: 'document' | 'query',
    signal: AbortSignal,
  ): Promise<{ vectors: Float32Array[]; model: string; dim: number; truncated: number }>
}

/** How an error reads on a job row and in a callback: `code: sentence`. */
export function parseErrorText(code: ErrorCode, message: string): string {
  return `${code}: ${message}`.slice(0, 500)
}
