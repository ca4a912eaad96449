// The modes of search as a table: which legs a mode asks for and how their finds are ranked. Adding a mode is one row.

export const MODES = ['auto', 'naive', 'local', 'global', 'hybrid', 'mix', 'lexical', 'bypass'] as const
export type Mode = (typeof MODES)[number]

/**
 * `vector`: chunks by cosine similarity; `lexical`: chunks by BM25; `entity`: entities by the low-level keywords, then
 * their relations and chunks; `relation`: relations by the high-level keywords, then their entities and chunks.
 */
export type Leg = 'vector' | 'lexical' | 'entity' | 'relation'

export type ModeDefinition = {
  readonly legs: readonly Leg[]
  /** `similarity`: candidates of all legs ordered by cosine to the query; `fused`: legs combined; `bm25`: the lexical score. */
  readonly ranking: 'similarity' | 'fused' | 'bm25'
  /** Rerank whenever a rerank model is configured, without being asked. */
  readonly rerank: boolean
}

export const MODE_TABLE: Readonly<Record<Mode, ModeDefinition>> = {
  auto: { legs: ['vector', 'lexical', 'entity', 'relation'], ranking: 'fused', rerank: true },
  naive: { legs: ['vector'], ranking: 'similarity', rerank: false },
  local: { legs: ['entity'], ranking: 'similarity', rerank: false },
  global: { legs: ['relation'], ranking: 'similarity', rerank: false },
  hybrid: { legs: ['entity', 'relation'], ranking: 'similarity', rerank: false },
  mix: { legs: ['vector', 'entity', 'relation'], ranking: 'similarity', rerank: true },
  lexical: { legs: ['lexical'], ranking: 'bm25', rerank: false },
  bypass: { legs: [], ranking: 'similarity', rerank: false },
}

/** True when the mode compares vectors, so that it cannot work without the workspace's embedding model. */
export function needsEmbedding(mode: Mode): boolean {
  return MODE_TABLE[mode].legs.some((leg) => leg !== 'lexical')
}

/** True when the mode reads the graph, so that keywords help. */
export function readsGraph(mode: Mode): boolean {
  return MODE_TABLE[mode].legs.some((leg) => leg === 'entity' || leg === 'relation')
}
