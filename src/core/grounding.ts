// Does a text have anything to do with the question? Shared content terms say so without a model.
import { indexTerms, queryTerms } from './terms.ts'

/** Fewer shared terms than this share of the question's are chance: 函数 alone does not answer a question on 二次函数的对称轴. */
const MIN_SHARE = 0.25

/**
 * How much of the question stands in the text: the share of its content terms, 0..1.
 * A question without any term of its own (only punctuation) shares nothing.
 */
export function sharedTerms(question: string, text: string): number {
  const wanted = queryTerms(question)
  if (wanted.length === 0) return 0
  const held = indexTerms(text)
  return wanted.filter((term) => held.has(term)).length / wanted.length
}

/** True when the text may answer the question. */
export function isGrounded(question: string, text: string): boolean {
  return sharedTerms(question, text) >= MIN_SHARE
}
