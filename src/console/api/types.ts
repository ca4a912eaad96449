// What the API answers, as far as the console reads it.

export type ParseStatus = 'pending' | 'processing' | 'completed' | 'failed'
export type Metadata = Record<string, string | number | boolean | null | (string | number | boolean)[]>

export type DocumentView = {
  fileId: string
  jobId: string
  workspace: string
  fileName: string
  collection: string
  metadata: Metadata
  parseStatus: ParseStatus
  stage: string
  progress: number
  attempts: number
  chunkCount: number
  entityCount: number
  relationCount: number
  parseError: string | null
  warnings: string[]
  timings: Record<string, number>
  models: Record<string, string>
  createdAt: string
  updatedAt: string
}

export type Chunk = {
  chunkId: string
  ordinal: number
  content: string
  headings: string[]
  page: number | null
  tokens: number
  metadata: Metadata
}

export type TableContent = {
  rows: number
  headerRows: number
  cells: { row: number; column: number; rowSpan: number; columnSpan: number; text: string }[]
}

/** What the parser read, before it was cut into chunks. */
export type Block = {
  ordinal: number
  type: 'heading' | 'paragraph' | 'list' | 'table' | 'equation' | 'image' | 'code' | 'note'
  text: string
  level?: number
  page?: number
  pageLabel?: string
  headings: string[]
  table?: TableContent
  latex?: string
  asset?: string
  description?: { by: string; text: string }
  confidence?: number
}

export const MODES = ['auto', 'naive', 'local', 'global', 'hybrid', 'mix', 'lexical', 'bypass'] as const
export type Mode = (typeof MODES)[number]

/** One step from the question through the graph. */
export type PathStep = { entity?: string; relation?: { source: string; target: string; keywords: string } }

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
  section?: { content: string; chunkIds: string[] }
  explain?: Record<string, { rank: number; score: number; path?: PathStep[] }>
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
  degraded?: true
  degradedReason?: string
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

export type Answer = {
  answer: string
  references: Reference[]
  usage: { inputTokens: number; cachedTokens: number; outputTokens: number }
  noEvidence: boolean
  searchedFor?: string
  cached?: true
  degraded?: true
  degradedReason?: string
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

export type Readiness = { ready: boolean; seeding: boolean; reasons: string[]; checks: Record<string, string> }
