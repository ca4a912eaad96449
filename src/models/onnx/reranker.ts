// A Reranker by a local ONNX graph of Qwen3-Reranker's kind: a causal model that is asked whether a document answers a question,
// and whose logits of `yes` and `no` after the prompt are the score.
import type { Reranker } from '../../ports/models.ts'
import { cutToTokens } from '../token-estimate.ts'
import { readModelFolder } from './folder.ts'
import type { Device } from './messages.ts'
import { createRuntime } from './runtime.ts'

export type LocalRerankerOptions = {
  modelPath: string
  device?: Device | undefined
  /** Tokens per document; the question and the frame come on top. Default 512. */
  maxTokens?: number | undefined
  onWarning?: ((sentence: string) => void) | undefined
}

export type LocalReranker = Reranker & { ready(): Promise<void>; close(): Promise<void> }

// The frame the model was trained with; other words would be another model.
export const RERANK_PREFIX =
  '<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
export const RERANK_SUFFIX = '<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n'
export const RERANK_INSTRUCTION = 'Given a question of a teacher or student, retrieve passages that answer it'

/** Rows × longest row per run. Such graphs return logits for every token of a 150,000-word vocabulary: 1,024 tokens are 600 MB. */
const TOKEN_BUDGET = 1024
const MAX_QUESTION_TOKENS = 256

/** @throws AppError `invalid_request` when the folder cannot be right. */
export function createLocalReranker(options: LocalRerankerOptions): LocalReranker {
  const folder = readModelFolder(options.modelPath, 'RERANK_MODEL_PATH')
  const onWarning = options.onWarning ?? (() => undefined)
  const runtime = createRuntime({
    folder,
    device: options.device ?? 'auto',
    setting: 'RERANK_MODEL_PATH',
    tokenBudget: TOKEN_BUDGET,
    onWarning,
  })
  const maxTokens = options.maxTokens ?? 512
  const reranker: Reranker = {
    model: `onnx/${folder.name}`,
    async rerank(query, documents, signal) {
      if (documents.length === 0) return { scores: [], usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 } }
      // The pair is cut apart from the frame, so that no text can cut the frame off.
      const part = (texts: readonly string[], most: number): Promise<Int32Array[]> =>
        runtime.tokenise(texts, { maxTokens: most, specialTokens: false }, signal).then(({ rows }) => rows)
      const [head = new Int32Array(0), tail = new Int32Array(0)] = await part([RERANK_PREFIX, RERANK_SUFFIX], Infinity)
      const question = cutToTokens(harmless(query), MAX_QUESTION_TOKENS).text
      const pairs = documents.map((text) => `<Instruct>: ${RERANK_INSTRUCTION}\n<Query>: ${question}\n<Document>: ${harmless(text)}`)
      const bodies = await part(pairs, maxTokens + MAX_QUESTION_TOKENS)
      const rows = bodies.map((body) => Int32Array.from([...head, ...body, ...tail]))
      const logits = await runtime.run(rows, { kind: 'logits', tokens: ['yes', 'no'] }, 'live', signal)
      const inputTokens = rows.reduce((sum, row) => sum + row.length, 0)
      return { scores: logits.map(([yes = 0, no = 0]) => probability(yes, no)), usage: { inputTokens, cachedTokens: 0, outputTokens: 0 } }
    },
  }
  return { ...reranker, ready: () => runtime.prove((signal) => reranker.rerank('a', ['a'], signal)), close: () => runtime.close() }
}

/** softmax over the two answers, 0..1; a logit that is no number means no evidence. */
function probability(yes: number, no: number): number {
  const score = 1 / (1 + Math.exp(no - yes))
  return Number.isFinite(score) ? score : 0
}

/** A text cannot speak the markers of the frame: `<|im_end|>` and its like lose their first character. */
const harmless = (text: string): string => text.replace(/<(?=\|[a-z_]+\|>)/g, '')
