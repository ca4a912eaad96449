// The last step: evidence to answer. Whatever the model cites is checked against what it was given, while it speaks.
import { citationFilter } from '../../core/citations.ts'
import { AppError } from '../../core/errors.ts'
import type { WorkspaceScope } from '../../core/workspace.ts'
import { type ChatMessage, type Models, NO_USAGE, type Usage } from '../../ports/models.ts'
import type { QueryContext, QueryEvent, QueryRequest, SearchResponse } from '../api.ts'
import type { GivenAnswer } from './answer-cache.ts'
import { pack, type Packed } from './pack.ts'
import { type RetrievalDeps, search } from './search.ts'

/**
 * Search, pack, answer. The references given come first; the ones in `done` are those the answer really cites. An answer that was given
 * before in the same state of everything it depends on is given again.
 */
export async function* query(
  deps: RetrievalDeps,
  scope: WorkspaceScope,
  request: QueryRequest,
  signal: AbortSignal,
): AsyncGenerator<QueryEvent, void> {
  if (request.mode === 'bypass') {
    yield* bypass(deps.models, request, signal)
    return
  }
  const key = await deps.answers.keyFor(deps, scope, request)
  const given = key === undefined ? undefined : deps.answers.get(key)
  if (given) {
    yield* again(given)
    return
  }
  const { found, ...told } = await searchFor(deps, scope, request, signal)
  const packed = pack(request, found, !deps.models.hasLanguageModel)
  const references: QueryEvent = { event: 'references', references: packed.references }
  yield references
  const pieces = deps.models.answerer.answer(
    {
      question: request.query,
      facts: packed.facts,
      evidence: packed.evidence,
      history: packed.history,
      ...(request.userPrompt ? { userPrompt: request.userPrompt } : {}),
    },
    signal,
  )
  for await (const event of speak(pieces, packed, told)) {
    // What was published between the key and the search would be kept under the state before it.
    if (event.event === 'done' && key !== undefined && !event.degraded && key === (await deps.answers.keyFor(deps, scope, request)))
      deps.answers.set(key, [references, event])
    yield event
  }
}

function* again(given: GivenAnswer): Generator<QueryEvent, void> {
  for (const event of given) {
    if (event.event === 'references') yield event
    else {
      if (event.answer !== '') yield { event: 'token', text: event.answer }
      yield { ...event, usage: NO_USAGE, cached: true }
    }
  }
}

/** What the answering model would be given. */
export async function queryContext(
  deps: RetrievalDeps,
  scope: WorkspaceScope,
  request: QueryRequest,
  signal: AbortSignal,
): Promise<QueryContext> {
  if (request.mode === 'bypass') return { context: '', references: [], results: [] }
  const { found, searchedFor } = await searchFor(deps, scope, request, signal)
  const { context, references, results } = pack(request, found, !deps.models.hasLanguageModel)
  return { context, references, results, ...(searchedFor === undefined ? {} : { searchedFor }) }
}

type Told = { searchedFor?: string; degraded: string[] }

/** The search, by the question itself or, for a follow-up, by one that stands alone. A rewriter that is away only degrades. */
async function searchFor(
  deps: RetrievalDeps,
  scope: WorkspaceScope,
  request: QueryRequest,
  signal: AbortSignal,
): Promise<Told & { found: SearchResponse }> {
  const degraded: string[] = []
  let searchedFor: string | undefined
  if (request.history.length > 0 && (request.rewrite ?? deps.rewriteFollowUps)) {
    try {
      searchedFor = await rewritten(deps.models, request, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AppError)) throw error
      degraded.push('The follow-up could not be rewritten; it was searched as it stands.')
    }
  }
  const found = await search(deps, scope, searchedFor === undefined ? request : { ...request, query: searchedFor }, signal)
  if (found.degraded) degraded.push(found.degradedReason ?? '')
  return { found, degraded, ...(searchedFor === undefined ? {} : { searchedFor }) }
}

/** Undefined where the question stands alone already. @throws AppError `llm_unavailable` */
async function rewritten({ rewriter }: Models, request: QueryRequest, signal: AbortSignal): Promise<string | undefined> {
  if (!rewriter) throw new AppError('llm_unavailable', 'No language model is configured.')
  const { question } = await rewriter.rewrite(request.query, request.history, signal)
  return question === request.query ? undefined : question
}

/** Streams verified pieces and ends with the whole. Closing this generator closes the model's stream. */
async function* speak(
  pieces: AsyncGenerator<string, { usage: Usage }>,
  packed: Packed,
  { searchedFor, degraded }: Told,
): AsyncGenerator<QueryEvent, void> {
  const filter = citationFilter(packed.evidence.length)
  let answer = ''
  let usage = NO_USAGE
  try {
    for (;;) {
      const next = await pieces.next()
      const text = next.done ? filter.flush() : filter.push(next.value)
      answer += text
      if (text !== '') yield { event: 'token', text }
      if (!next.done) continue
      usage = next.value.usage
      break
    }
  } finally {
    await pieces.return({ usage: NO_USAGE })
  }
  const cited = new Set(filter.cited())
  yield {
    event: 'done',
    answer,
    references: packed.references.filter((reference) => cited.has(reference.id)),
    usage,
    noEvidence: packed.evidence.length === 0,
    ...(searchedFor === undefined ? {} : { searchedFor }),
    ...(degraded.length > 0 ? { degraded: true, degradedReason: degraded.join(' ') } : {}),
  }
}

/** The model alone, without evidence and so without citations. */
async function* bypass(models: Models, request: QueryRequest, signal: AbortSignal): AsyncGenerator<QueryEvent, void> {
  const { chat } = models
  if (!models.hasLanguageModel || !chat) {
    throw new AppError(
      'llm_unavailable',
      'The mode bypass asks a language model directly and none is configured; set LLM_BASE_URL and LLM_MODEL, or DASHSCOPE_API_KEY.',
    )
  }
  yield { event: 'references', references: [] }
  const system: ChatMessage[] = request.userPrompt ? [{ role: 'system', content: request.userPrompt }] : []
  // A caller's system messages would outrank ours, so history carries only the two sides of the talk.
  const history = request.history.filter((turn) => turn.role !== 'system')
  const pieces = chat.stream({ messages: [...system, ...history, { role: 'user', content: request.query }] }, signal)
  let answer = ''
  let usage = NO_USAGE
  try {
    for (;;) {
      const next = await pieces.next()
      if (next.done) {
        usage = next.value.usage
        break
      }
      answer += next.value
      yield { event: 'token', text: next.value }
    }
  } finally {
    await pieces.return({ text: '', usage: NO_USAGE, truncated: false })
  }
  yield { event: 'done', answer, references: [], usage, noEvidence: false }
}
