// Requests as the ways in make them: every default filled in.
import type { QueryRequest, SearchRequest } from '../../src/services/api.ts'

const DEFAULTS: SearchRequest = {
  query: '',
  mode: 'auto',
  topK: 10,
  chunkTopK: 20,
  collections: [],
  filters: {},
  highLevelKeywords: [],
  lowLevelKeywords: [],
  rerank: false,
  explain: false,
}

export const searchRequest = (request: Partial<SearchRequest>): SearchRequest => ({ ...DEFAULTS, ...request })

export const queryRequest = (request: Partial<QueryRequest>): QueryRequest => ({ ...DEFAULTS, history: [], onlyContext: false, ...request })
