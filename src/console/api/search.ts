// Calls that ask questions. An answer is read as it is written.
import type { Filters } from '../text/filters.ts'
import { frames } from '../text/frames.ts'
import { ApiError, ask, bytesOf, send } from './client.ts'
import type { Answer, Mode, Reference, SearchResponse } from './types.ts'

export type Question = {
  query: string
  mode: Mode
  topK: number
  includePublic: boolean
  rerank: boolean
  collections: string[]
  filters: Filters
  maxPerDocument?: number
  expand?: 'section'
}

export const search = (question: Question, signal: AbortSignal): Promise<SearchResponse> =>
  ask('/api/search', { method: 'POST', body: { ...question, explain: true }, signal })

export type Turn = { role: 'user' | 'assistant'; content: string }

export type AnswerListener = { references(found: Reference[]): void; token(text: string): void; done(answer: Answer): void }

/** @throws ApiError, also for an answer that breaks off. */
export async function answer(question: Question, history: readonly Turn[], listener: AnswerListener, signal: AbortSignal): Promise<void> {
  const response = await send('/api/query', { method: 'POST', body: { ...question, history, stream: true }, signal })
  for await (const { event, data } of frames(bytesOf(response))) {
    if (event === 'references') listener.references(data as Reference[])
    else if (event === 'token') listener.token((data as { text: string }).text)
    else if (event === 'done') return listener.done(data as Answer)
    else if (event === 'error') {
      const { error } = data as { error: { code: string; message: string } }
      throw new ApiError(502, error.code, error.message)
    }
  }
  throw new ApiError(0, 'unreachable', '')
}
