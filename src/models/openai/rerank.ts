// A Reranker over the two protocols in use: DashScope's own, and the /rerank of Jina, Cohere, vLLM and TEI.
import type { Reranker, Usage } from '../../ports/models.ts'
import { NO_USAGE } from '../../ports/models.ts'
import { isDashscope } from '../roles.ts'
import type { Endpoint } from '../roles.ts'
import { estimateTokens } from '../token-estimate.ts'
import { counted } from '../usage.ts'
import { calling } from './client.ts'
import { wrongReply } from './errors.ts'

const DASHSCOPE_PATH = '/api/v1/services/rerank/text-rerank/text-rerank'

export type RerankProtocol = 'dashscope' | 'standard'

export function createReranker(endpoint: Endpoint, protocol: RerankProtocol = protocolOf(endpoint)): Reranker {
  return {
    model: endpoint.model,
    async rerank(query, documents, signal) {
      if (documents.length === 0) return { scores: [], usage: NO_USAGE }
      const { path, body } =
        protocol === 'dashscope' ? dashscopeRequest(endpoint, query, documents) : standardRequest(endpoint, query, documents)
      const reply = await calling(endpoint, signal, (client) => client.post<unknown>(path, { body, signal }))
      const rows = rowsOf(reply)
      if (!rows) throw wrongReply(endpoint, 'answered with something that is not a ranking')
      return { scores: rerankScores(rows, documents.length), usage: usageOf(reply, query, documents) }
    },
  }
}

const protocolOf = (endpoint: Endpoint): RerankProtocol => (isDashscope(endpoint.baseUrl) ? 'dashscope' : 'standard')

function dashscopeRequest(endpoint: Endpoint, query: string, documents: readonly string[]): { path: string; body: unknown } {
  const parameters = { return_documents: false, top_n: documents.length, ...endpoint.options }
  return { path: new URL(DASHSCOPE_PATH, endpoint.baseUrl).href, body: { model: endpoint.model, input: { query, documents }, parameters } }
}

/** `texts` is TEI's name of `documents`; servers ignore the one they do not know. */
function standardRequest(endpoint: Endpoint, query: string, documents: readonly string[]): { path: string; body: unknown } {
  const body = {
    model: endpoint.model,
    query,
    documents,
    texts: documents,
    top_n: documents.length,
    return_documents: false,
    ...endpoint.options,
  }
  return { path: '/rerank', body }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The rows wherever the server put them: a bare list (TEI), `results` (Jina, Cohere, vLLM), `data`, `output.results` (DashScope). */
function rowsOf(reply: unknown): unknown[] | undefined {
  if (Array.isArray(reply)) return reply
  if (!isRecord(reply)) return undefined
  const inner = isRecord(reply['output']) ? reply['output'] : reply
  const rows = inner['results'] ?? inner['data']
  return Array.isArray(rows) ? rows : undefined
}

/**
 * One score in 0..1 per document. Rows with an index out of range or a score that is no finite number are ignored;
 * documents without a row get 0. Scores outside 0..1 are logits and go through the logistic function, all of them, so that order is kept.
 *
 * @param rows  `{ index, relevance_score | score }` in any order; the first row of an index counts.
 * @param count number of documents.
 */
export function rerankScores(rows: readonly unknown[], count: number): number[] {
  const raw = new Map<number, number>()
  for (const row of rows) {
    if (!isRecord(row)) continue
    const { index } = row
    const score = row['relevance_score'] ?? row['score']
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count || raw.has(index)) continue
    if (typeof score === 'number' && Number.isFinite(score)) raw.set(index, score)
  }
  const logits = [...raw.values()].some((score) => score < 0 || score > 1)
  return Array.from({ length: count }, (_unused, index) => {
    const score = raw.get(index)
    if (score === undefined) return 0
    return logits ? 1 / (1 + Math.exp(-score)) : score
  })
}

function usageOf(reply: unknown, query: string, documents: readonly string[]): Usage {
  const usage = isRecord(reply) && isRecord(reply['usage']) ? reply['usage'] : {}
  const said = usage['total_tokens'] ?? usage['prompt_tokens']
  const estimated = (): number => documents.reduce((sum, text) => sum + estimateTokens(text) + estimateTokens(query), 0)
  return { ...NO_USAGE, inputTokens: counted(said, estimated) }
}
