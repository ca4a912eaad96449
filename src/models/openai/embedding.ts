// An EmbeddingModel over the OpenAI protocol: cuts, batches, checks the dimension and normalises.
import pLimit from 'p-limit'
import { AppError } from '../../core/errors.ts'
import type { EmbeddingKind, EmbeddingModel, Embeddings, Usage } from '../../ports/models.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { Endpoint } from '../roles.ts'
import { cutToTokens, estimateTokens } from '../token-estimate.ts'
import { addUsage, counted } from '../usage.ts'
import { calling } from './client.ts'
import { wrongReply } from './errors.ts'

export type EmbeddingOptions = {
  /** Components the space has. */
  dim: number
  /** Texts per request; default the catalogue's, else 10, the smallest limit in use. */
  maxBatch?: number | undefined
  /** Tokens per text; default the catalogue's, else 8,192. */
  maxTokens?: number | undefined
  /** Wraps one request: flow control and metering. */
  around?: (kind: EmbeddingKind, signal: AbortSignal, call: () => Promise<Batch>) => Promise<Batch>
}

/** One request's worth. */
type Batch = { vectors: Float32Array[]; usage: Usage; /** Texts that were cut because the server found them too long. */ cut: number }

export function createEmbeddingModel(endpoint: Endpoint, entry: CatalogueEntry | undefined, options: EmbeddingOptions): EmbeddingModel {
  const maxBatch = options.maxBatch ?? entry?.maxBatch ?? 10
  const maxTokens = options.maxTokens ?? entry?.maxInputTokens ?? 8192
  const around = options.around ?? ((_kind, _signal, call) => call())

  async function embed(texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal): Promise<Embeddings> {
    const prefix = kind === 'query' ? (entry?.queryPrefix ?? '') : ''
    const cut = texts.map((text) => cutToTokens(text, maxTokens - estimateTokens(prefix)))
    const inputs = cut.map(({ text }) => prefix + text)
    // Per call, not per model: a question must not stand behind a document's batches here. The flow control bounds all calls together.
    const limit = pLimit(endpoint.concurrency)
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    const batches = inBatches(inputs, maxBatch)
    try {
      const done = await Promise.all(
        batches.map((batch) =>
          limit(() => fitting(batch, (part) => around(kind, either, () => request(part, endpoint, entry, options.dim, either)))),
        ),
      )
      const usage = { ...emptyUsage(), inputTokens: done.reduce((sum, one) => sum + one.usage.inputTokens, 0) }
      const truncated = cut.filter(({ cut: was }) => was).length + done.reduce((sum, one) => sum + one.cut, 0)
      return { vectors: done.flatMap(({ vectors }) => vectors), truncated, usage }
    } finally {
      // After a failure the other requests are useless; after success there are none.
      stop.abort()
    }
  }

  return { model: `openai/${endpoint.model}`, dim: options.dim, maxBatch, maxTokens, embed }
}

const emptyUsage = (): Usage => ({ inputTokens: 0, cachedTokens: 0, outputTokens: 0 })

/** 32-bit floats, little-endian: what some servers send whatever format they are asked for. */
function fromBase64(text: string): number[] {
  const bytes = Buffer.from(text, 'base64')
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_unused, at) => bytes.readFloatLE(at * 4))
}

function inBatches(texts: readonly string[], size: number): string[][] {
  const batches: string[][] = []
  for (let start = 0; start < texts.length; start += size) batches.push(texts.slice(start, start + size))
  return batches
}

/**
 * Sends a batch; when the server finds something in it too long, finds the text by halving and shortens it, because our count
 * of its tokens is an estimate. A text below 100 characters is never shortened: then length is not what is wrong.
 */
async function fitting(texts: readonly string[], send: (texts: readonly string[]) => Promise<Batch>): Promise<Batch> {
  try {
    return await send(texts)
  } catch (error) {
    const [only = ''] = texts
    const isTooLong = error instanceof AppError && error.details?.['reason'] === 'too_long'
    if (!isTooLong || (texts.length === 1 && only.length < 100)) throw error
    if (texts.length === 1) {
      const shorter = await fitting([cutToTokens(only, Math.floor(estimateTokens(only) * 0.9)).text], send)
      return { ...shorter, cut: 1 }
    }
    const middle = Math.ceil(texts.length / 2)
    const first = await fitting(texts.slice(0, middle), send)
    const second = await fitting(texts.slice(middle), send)
    return { vectors: [...first.vectors, ...second.vectors], usage: addUsage(first.usage, second.usage), cut: first.cut + second.cut }
  }
}

async function request(
  batch: readonly string[],
  endpoint: Endpoint,
  entry: CatalogueEntry | undefined,
  dim: number,
  signal: AbortSignal,
): Promise<Batch> {
  const reply = await calling(endpoint, signal, (client) =>
    client.embeddings.create(
      {
        model: endpoint.model,
        input: [...batch],
        encoding_format: 'float',
        ...(entry?.sendDimensions ? { dimensions: dim } : {}),
        ...entry?.extraBody,
        ...endpoint.options,
      },
      { signal },
    ),
  )
  if (!Array.isArray(reply?.data)) throw wrongReply(endpoint, 'answered with something that is not a list of embeddings')
  if (reply.data.length !== batch.length) throw wrongReply(endpoint, `returned ${reply.data.length} vectors for ${batch.length} texts`)
  const vectors = ordered(reply.data, endpoint).map((embedding) => unitVector(embedding, dim, endpoint))
  const { prompt_tokens: said, total_tokens: inAll } = reply.usage ?? {}
  const inputTokens = counted(said ?? inAll, () => batch.reduce((sum, text) => sum + estimateTokens(text), 0))
  return { vectors, cut: 0, usage: { ...emptyUsage(), inputTokens } }
}

/** Servers may answer out of order; `index` says where a vector belongs. Without one the order is taken as given. */
function ordered(rows: readonly { index?: number; embedding: unknown }[], endpoint: Endpoint): unknown[] {
  // The same index for all says as little as none.
  if (new Set(rows.map((row) => row.index)).size === 1) return rows.map((row) => row.embedding)
  const byIndex = new Map(rows.map((row) => [row.index, row.embedding]))
  return rows.map((_row, position) => {
    if (!byIndex.has(position)) throw wrongReply(endpoint, `returned no vector for text ${position}`)
    return byIndex.get(position)
  })
}

/** @throws AppError `embedding_service_unavailable` when the vector does not fit the space; vectors of two spaces are never mixed. */
function unitVector(given: unknown, dim: number, endpoint: Endpoint): Float32Array {
  const embedding = typeof given === 'string' ? fromBase64(given) : given
  if (!Array.isArray(embedding)) throw wrongReply(endpoint, 'returned an embedding that is not a list of numbers')
  if (embedding.length !== dim) {
    throw new AppError(
      'embedding_service_unavailable',
      `The embedding model returned ${embedding.length} numbers per text where ${dim} are expected; set EMBEDDING_DIM=${embedding.length} for new workspaces, or ${endpoint.settings.model} to the model this space was built with.`,
      { details: { reason: 'dimension', expected: dim, received: embedding.length } },
    )
  }
  const vector = Float32Array.from(embedding, Number)
  const length = Math.hypot(...vector)
  if (!Number.isFinite(length) || length === 0) throw wrongReply(endpoint, 'returned a vector without length')
  return vector.map((component) => component / length)
}
