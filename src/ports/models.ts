// What the engine asks of models, by role. Implementations: src/models/{builtin,openai,recorded,…}.
import type { Extraction } from '../core/extraction.ts'

/** What one call used; sums go into the ledger. */
export type Usage = { inputTokens: number; cachedTokens: number; outputTokens: number }

export const NO_USAGE: Usage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0 }

/** Documents and questions may need different instructions (asymmetric models). */
export type EmbeddingKind = 'document' | 'query'

export type Embeddings = {
  /** `[n, dim]`, each of unit length, in the order of the texts. */
  vectors: Float32Array[]
  /** How many texts were cut at the model's limit. */
  truncated: number
  usage: Usage
}

/** One (model, dimension) pair: an embedding space. */
export type EmbeddingModel = {
  /** Provider and model, e.g. `builtin/hashed-lexical-v1`; together with `dim` it names the space. */
  readonly model: string
  readonly dim: number
  /** Texts in one call; callers may pass more, the implementation batches. */
  readonly maxBatch: number
  /** Tokens of one text that it reads; what is longer is cut there and counted. Undefined where nobody knows. */
  readonly maxTokens?: number
  /** @throws AppError `embedding_service_unavailable` */
  embed(texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal): Promise<Embeddings>
}

export type ChatMessage = { role: 'system' | 'user' | 'assistant'; content: string }

export type ChatRequest = {
  messages: ChatMessage[]
  maxOutputTokens?: number
  /** Ask the server for a JSON object where it can. */
  json?: boolean
  temperature?: number
}

export type ChatReply = { text: string; usage: Usage; /** The answer was cut at the output limit. */ truncated: boolean }

export type ChatModel = {
  readonly model: string
  /** @throws AppError `llm_unavailable` | `rate_limited` */
  complete(request: ChatRequest, signal: AbortSignal): Promise<ChatReply>
  /** Yields pieces of text; the return value is the whole reply. */
  stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<string, ChatReply>
}

/** One chunk as the extractor sees it. */
export type ExtractInput = { text: string; /** The deterministic context header; not a source of entities. */ header: string }

export type Extractor = {
  /** Prompt version and model; part of every cache key and of every mention. */
  readonly id: string
  /** Inputs that make one model call; a caller that stores each reply as it arrives passes this many at a time. */
  readonly chunksPerCall?: number
  /** One result per input, in order. Never throws for nonsense from the model: what was dropped is counted in the result. */
  extract(inputs: readonly ExtractInput[], signal: AbortSignal): Promise<{ extractions: Extraction[]; usage: Usage; calls: number }>
  /** What extracting these would ask of the model; absent where it costs nothing. Output is a guess. */
  expect?(inputs: readonly ExtractInput[]): { model: string; calls: number; usage: Usage }
}

/** A workspace's own view of what matters; part of every cache key through the extractor's id. */
export type ExtractionProfile = {
  /** Lower-case words with underscores. */
  entityTypes: readonly string[]
  /** Of descriptions, in words, as it stands in the prompt. */
  language: string
}

export type KeywordModel = {
  keywords(query: string, signal: AbortSignal): Promise<{ highLevel: string[]; lowLevel: string[]; usage: Usage }>
}

export type QuestionRewriter = {
  /** The question as one that stands without the talk before it; itself where the model wrote none. */
  rewrite(question: string, history: readonly ChatMessage[], signal: AbortSignal): Promise<{ question: string; usage: Usage }>
}

export type Evidence = {
  /** The number the answer cites. */ id: number
  source: string
  headings: string[]
  page?: number
  content: string
}

export type AnswerRequest = {
  question: string
  /** Entities and relations as lines of text, may be empty. */
  facts: string
  evidence: Evidence[]
  history: ChatMessage[]
  userPrompt?: string
}

export type Answerer = {
  /** Prompt version and model; part of every key under which an answer is kept. */
  readonly id: string
  readonly model: string
  /** Pieces of the answer with `[n]` citations; the return value is the whole text and its usage. */
  answer(request: AnswerRequest, signal: AbortSignal): AsyncGenerator<string, { text: string; usage: Usage }>
}

export type Reranker = {
  readonly model: string
  /** One score in 0..1 per document, in order. */
  rerank(query: string, documents: readonly string[], signal: AbortSignal): Promise<{ scores: number[]; usage: Usage }>
}

export type Summariser = {
  readonly id: string
  summarise(name: string, descriptions: readonly string[], signal: AbortSignal): Promise<{ text: string; usage: Usage }>
}

export type NamedThing = { name: string; type: string; description: string }
export type Verdict = 'same' | 'different' | 'unsure'

export type NameJudge = {
  /** One verdict per pair, in order. */
  judge(pairs: readonly (readonly [NamedThing, NamedThing])[], signal: AbortSignal): Promise<{ verdicts: Verdict[]; usage: Usage }>
}

export type VisionModel = {
  readonly model: string
  describe(image: { bytes: Uint8Array; mediaType: string }, prompt: string, signal: AbortSignal): Promise<{ text: string; usage: Usage }>
}

/** Every model the engine may use; absent ones make their feature degrade or fail with a clear code, never fall back to another model's vectors. */
export type Models = {
  /** Used for new workspaces. */
  embedding: EmbeddingModel
  /** The model of an existing space (`model` and `dim`), or undefined when it is not configured any more. */
  embeddingFor(model: string, dim: number): EmbeddingModel | undefined
  /** For workspaces that have no profile of their own. */
  extractor: Extractor | undefined
  /** What the profile leaves open is the default; the built-in extractor knows no profile. */
  extractorFor(profile: Partial<ExtractionProfile>): Extractor | undefined
  keywords: KeywordModel | undefined
  rewriter: QuestionRewriter | undefined
  answerer: Answerer
  /** True when an LLM stands behind `answerer`; `bypass` queries need one. */
  hasLanguageModel: boolean
  chat: ChatModel | undefined
  reranker: Reranker | undefined
  /** Undefined where no language model extracts: what the built-in extractor says are quotations, which nobody has to summarise. */
  summariserFor(profile: Partial<ExtractionProfile>): Summariser | undefined
  /** Decides about names that look alike; undefined: a person does. */
  judge: NameJudge | undefined
  vision: VisionModel | undefined
  /** One line for the start-up log: what the models are and are not. */
  describe(): string
}
