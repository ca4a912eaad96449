// The fourth step: what the answering model is given. LightRAG's budgets, counted on the text as it is sent.
import { chunkBudget, prefixWithin, QUERY_BUDGETS } from '../../core/budget.ts'
import { isGrounded } from '../../core/grounding.ts'
import { fence } from '../../core/prompts.ts'
import { countTokens, truncateTokens } from '../../core/tokens.ts'
import type { ChatMessage, Evidence } from '../../ports/models.ts'
import type { QueryRequest, Reference, SearchResponse, SearchResult } from '../api.ts'
import { factLine, factsWithin } from './budgets.ts'

export type Packed = {
  /** Entities and relations, one JSON object a line; '' without any. */
  facts: string
  /** Numbered from 1. */
  evidence: Evidence[]
  references: Reference[]
  /** The results that became evidence, in the order of their numbers. */
  results: SearchResult[]
  history: ChatMessage[]
  /** All of it as text. */
  context: string
}

/** What the instructions around evidence and question cost; LightRAG's are about as long. */
const PROMPT_TOKENS = 770
/** The share of the whole that past turns may take; what is older is left out. */
const HISTORY_SHARE = 0.25
/** Less similar than this is noise, not evidence. */
const SCORE_FLOOR = 0.05
/** A first piece of evidence longer than the whole budget is cut rather than refused, if at least this much of it fits. */
const MIN_EVIDENCE_TOKENS = 100
const SEPARATOR = '\n\n'

/** @param strict only what shares terms with the question counts; for answerers that cannot judge by themselves. */
export function pack(request: QueryRequest, found: SearchResponse, strict: boolean): Packed {
  const {
    maxEntityTokens = QUERY_BUDGETS.entities,
    maxRelationTokens = QUERY_BUDGETS.relations,
    maxTotalTokens = QUERY_BUDGETS.total,
  } = request
  const facts = [...factsWithin(found.entities, maxEntityTokens), ...factsWithin(found.relations, maxRelationTokens)]
    .map(factLine)
    .join('\n')
  const history = recentHistory(request.history, Math.floor(maxTotalTokens * HISTORY_SHARE))
  const spent = [
    PROMPT_TOKENS,
    countTokens(facts),
    countTokens(request.query),
    countTokens(request.userPrompt ?? ''),
    ...history.map((turn) => countTokens(turn.content)),
  ]
  const budget = chunkBudget(maxTotalTokens, spent)
  const candidates = wholeSections(found.results).filter(
    (result) => result.score >= SCORE_FLOOR && (!strict || isGrounded(request.query, textOf(result))),
  )
  const results = withinBudget(candidates, budget)
  if (results.length === 0) return { facts: '', evidence: [], references: [], results: [], history, context: '' }
  const evidence = results.map(evidenceOf)
  return { facts, evidence, references: results.map(referenceOf), results, history, context: contextOf(facts, evidence) }
}

/** Results with their sections in place of their text, where those were asked for; what stands in an earlier section is not repeated. */
function wholeSections(results: readonly SearchResult[]): SearchResult[] {
  const told = new Set<string>()
  return results.flatMap((result) => {
    const { section, ...rest } = result
    if (!section) return [result]
    if (told.has(`${result.workspace} ${result.chunkId}`)) return []
    for (const id of section.chunkIds) told.add(`${result.workspace} ${id}`)
    return [{ ...rest, content: section.content }]
  })
}

/** The latest turns that fit, whole, in their order. */
function recentHistory(history: readonly ChatMessage[], maxTokens: number): ChatMessage[] {
  const backwards = history.toReversed()
  return backwards
    .slice(
      0,
      prefixWithin(
        backwards.map((turn) => turn.content),
        maxTokens,
      ),
    )
    .toReversed()
}

function withinBudget(results: readonly SearchResult[], budget: number): SearchResult[] {
  const fit = prefixWithin(
    results.map((result, index) => render(evidenceOf(result, index))),
    budget,
    SEPARATOR,
  )
  const first = results[0]
  if (fit > 0 || !first) return results.slice(0, fit)
  const room = budget - countTokens(render(evidenceOf({ ...first, content: '' }, 0)))
  return room < MIN_EVIDENCE_TOKENS ? [] : [{ ...first, content: truncateTokens(first.content, room) }]
}

const textOf = (result: SearchResult): string => [...result.headings, result.content].join('\n')

const evidenceOf = (result: SearchResult, index: number): Evidence => ({
  id: index + 1,
  source: result.source,
  headings: result.headings,
  ...(result.page === null ? {} : { page: result.page }),
  content: result.content,
})

const referenceOf = ({ source, workspace, fileId, chunkId, page, headings }: SearchResult, index: number): Reference => ({
  id: index + 1,
  source,
  workspace,
  fileId,
  chunkId,
  page,
  headings,
})

function render({ id, source, headings, page, content }: Evidence): string {
  return fence(
    'evidence',
    { number: String(id), source, place: [...headings, ...(page === undefined ? [] : [`p. ${page}`])].join(' > ') },
    content,
  )
}

function contextOf(facts: string, evidence: readonly Evidence[]): string {
  return [...(facts === '' ? [] : [fence('graph', {}, facts)]), ...evidence.map(render)].join(SEPARATOR)
}
