// The first step out: what a question asks for, before anything is looked up. The only model called here is the keyword model.
import { AppError } from '../../core/errors.ts'
import { MODE_TABLE, readsGraph, type ModeDefinition } from '../../core/modes.ts'
import { displayName, nameKey } from '../../core/names.ts'
import { nameCandidates } from '../../core/query-names.ts'
import { queryTerms } from '../../core/terms.ts'
import type { KeywordModel } from '../../ports/models.ts'
import type { ChunkFilter } from '../../store/search-filter.ts'
import type { SearchRequest } from '../api.ts'

export type Plan = {
  request: SearchRequest
  mode: ModeDefinition
  /** Chunks that are ranked: `chunkTopK`, but never fewer than `topK` asks for, so that min(topK, matches) come back. */
  pool: number
  /** As the caller or the keyword model gave them. */
  keywords: { highLevel: string[]; lowLevel: string[] }
  /** What entities and relations are compared with: the keywords joined, or the question itself. */
  lowText: string
  highText: string
  /** Entity keys that may stand in the question to the letter. */
  keys: string[]
  terms: string[]
  filter: ChunkFilter | undefined
  degraded: string[]
}

/** A question of thousands of words is one of its beginning; every term costs an index scan. */
const MAX_TERMS = 64

/** @throws whatever `signal` was aborted with; a keyword model that fails only degrades the plan. */
export async function planSearch(keywordModel: KeywordModel | undefined, request: SearchRequest, signal: AbortSignal): Promise<Plan> {
  const mode = MODE_TABLE[request.mode]
  const degraded: string[] = []
  let keywords = { highLevel: clean(request.highLevelKeywords), lowLevel: clean(request.lowLevelKeywords) }
  const given = keywords.highLevel.length + keywords.lowLevel.length > 0
  if (readsGraph(request.mode) && !given && keywordModel) {
    try {
      const { highLevel, lowLevel } = await keywordModel.keywords(request.query, signal)
      keywords = { highLevel: clean(highLevel), lowLevel: clean(lowLevel) }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AppError)) throw error
      degraded.push('The keyword model could not be reached; the question itself was used instead of keywords.')
    }
  }
  return {
    request,
    mode,
    pool: Math.max(request.chunkTopK, request.topK),
    keywords,
    lowText: keywords.lowLevel.join(', ') || request.query,
    highText: keywords.highLevel.join(', ') || request.query,
    keys:
      keywords.lowLevel.length > 0
        ? keywords.lowLevel.map((word) => nameKey(displayName(word))).filter((key) => key !== '')
        : nameCandidates(request.query),
    terms: queryTerms(request.query).slice(0, MAX_TERMS),
    filter: filterOf(request),
    degraded,
  }
}

const clean = (words: readonly string[]): string[] => [...new Set(words.map((word) => word.trim()).filter((word) => word !== ''))]

function filterOf(request: SearchRequest): ChunkFilter | undefined {
  const metadata = Object.entries(request.filters).map(([key, value]) => ({
    key,
    values: (Array.isArray(value) ? value : [value]).map(String),
  }))
  return request.collections.length === 0 && metadata.length === 0 ? undefined : { collections: request.collections, metadata }
}
