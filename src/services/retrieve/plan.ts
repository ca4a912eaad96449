// The first step out: what a question asks for, before anything is looked up. The only model called here is the keyword model.
import { AppError } from '../../core/errors.ts'
import { MODE_TABLE, readsGraph, type ModeDefinition } from '../../core/modes.ts'
import { displayName, nameKey } from '../../core/names.ts'
import type { Renamed } from '../../core/other-names.ts'
import { nameCandidates } from '../../core/query-names.ts'
import { queryTerms } from '../../core/terms.ts'
import type { KeywordModel } from '../../ports/models.ts'
import type { Bound, ChunkFilter, KeyFilter } from '../../store/search-filter.ts'
import type { FilterCondition, FilterValue, SearchRequest } from '../api.ts'

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
  /** What the named things are called elsewhere in the scope; known once the snapshot is open, and only in modes that read the graph. */
  renamed: readonly Renamed[]
  filter: ChunkFilter | undefined
  degraded: string[]
}

/** Where documents may give only a few results each, there must be more to choose from. */
const DIVERSE_POOL = 100
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
    pool: Math.max(request.chunkTopK, request.topK, request.maxPerDocument === undefined ? 0 : DIVERSE_POOL),
    keywords,
    lowText: keywords.lowLevel.join(', ') || request.query,
    highText: keywords.highLevel.join(', ') || request.query,
    keys:
      keywords.lowLevel.length > 0
        ? keywords.lowLevel.map((word) => nameKey(displayName(word))).filter((key) => key !== '')
        : nameCandidates(request.query),
    terms: queryTerms(request.query).slice(0, MAX_TERMS),
    renamed: [],
    filter: filterOf(request),
    degraded,
  }
}

const clean = (words: readonly string[]): string[] => [...new Set(words.map((word) => word.trim()).filter((word) => word !== ''))]

function filterOf({ collections, fileIds = [], filters }: SearchRequest): ChunkFilter | undefined {
  const metadata = Object.entries(filters).map(([key, condition]) => keyFilter(key, condition))
  return collections.length + fileIds.length + metadata.length === 0 ? undefined : { collections, fileIds, metadata }
}

const BOUNDS = ['gte', 'gt', 'lte', 'lt'] as const

function keyFilter(key: string, condition: FilterCondition): KeyFilter {
  if (typeof condition !== 'object' || Array.isArray(condition)) return { key, values: listOf(condition) }
  const bounds = BOUNDS.flatMap((operator): Bound[] => {
    const value = condition[operator]
    return value === undefined ? [] : [{ operator, value }]
  })
  return {
    key,
    bounds,
    ...(condition.in === undefined ? {} : { values: listOf(condition.in) }),
    ...(condition.contains === undefined ? {} : { contains: condition.contains }),
  }
}

const listOf = (value: FilterValue | readonly FilterValue[]): string[] => (Array.isArray(value) ? value : [value]).map(String)
