// Models replayed from a file of recordings, keyed by a hash of the request: tests of the whole pipeline with a real model's words
// and without its server. Whoever holds the live model records; nobody else needs a key.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { ChatModel, ChatReply, ChatRequest, EmbeddingKind, EmbeddingModel } from '../ports/models.ts'

export type RecordingOptions<T> = {
  /** A JSON file, usually under fixtures/recordings. */
  file: string
  /** The command that records what is missing, for the error. */
  command: string
  /** The real model: what is missing is asked of it and written down. Without it a missing recording is an error. */
  live?: T | undefined
}

type Entry = { request: unknown; reply: unknown }
type Recordings = Record<string, Entry>

/** @throws Error naming the command when a request was never recorded. */
export function recordedChat(model: string, { file, command, live }: RecordingOptions<ChatModel>): ChatModel {
  const complete = async (request: ChatRequest, signal: AbortSignal): Promise<ChatReply> =>
    (await replayed(file, command, { model, ...request }, live && (() => live.complete(request, signal)))) as ChatReply
  return {
    model,
    complete,
    async *stream(request, signal) {
      const reply = await complete(request, signal)
      // Pieces as a server sends them: a few characters each.
      for (const [piece] of reply.text.matchAll(/[\s\S]{1,8}/gu)) yield piece
      return reply
    },
  }
}

type StoredEmbedding = { vector: number[]; truncated: boolean }

/** One recording per text, so that batching does not matter. @throws Error naming the command when a text was never recorded. */
export function recordedEmbedding(
  space: { model: string; dim: number },
  { file, command, live }: RecordingOptions<EmbeddingModel>,
): EmbeddingModel {
  const one = async (text: string, kind: EmbeddingKind, signal: AbortSignal): Promise<StoredEmbedding> => {
    const ask =
      live &&
      (async (): Promise<StoredEmbedding> => {
        const { vectors, truncated } = await live.embed([text], kind, signal)
        return { vector: [...(vectors[0] ?? [])], truncated: truncated > 0 }
      })
    return (await replayed(file, command, { ...space, kind, text }, ask)) as StoredEmbedding
  }
  return {
    ...space,
    maxBatch: 10,
    async embed(texts, kind, signal) {
      const stored: StoredEmbedding[] = []
      for (const text of texts) stored.push(await one(text, kind, signal))
      return {
        vectors: stored.map(({ vector }) => Float32Array.from(vector)),
        truncated: stored.filter(({ truncated }) => truncated).length,
        usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 },
      }
    },
  }
}

async function replayed(file: string, command: string, request: unknown, ask: (() => Promise<unknown>) | undefined): Promise<unknown> {
  const key = createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 32)
  const known = readRecordings(file)[key]
  if (known) return known.reply
  if (!ask) throw new Error(`There is no recording of this model call (${key}). Make it with: ${command}`)
  const reply = await ask()
  // Read again: other calls may have been recorded meanwhile. Sorted, so that a new recording is a small diff.
  const recordings = { ...readRecordings(file), [key]: { request, reply } }
  const sorted = Object.fromEntries(Object.entries(recordings).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  writeFileSync(file, `${JSON.stringify(sorted, null, 1)}\n`)
  return reply
}

const readRecordings = (file: string): Recordings => (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recordings) : {})
