// How many tokens a text roughly has, where no tokenizer of the model is at hand.

/** Tokens per character, from byte-level BPE vocabularies of the Qwen family: CJK about 0.75, Latin about 0.27. */
const weight = (code: number): number => (code > 0x2e_7f ? 0.75 : code > 0x7f ? 0.6 : 0.27)

/** Within about a quarter of the truth for Chinese and English prose. Cost: O(length). */
export function estimateTokens(text: string): number {
  let sum = 0
  for (const character of text) sum += weight(character.codePointAt(0) ?? 0)
  return Math.ceil(sum)
}

/**
 * The longest beginning that surely fits: counted a third heavier than the estimate, because a server refuses the whole
 * batch for one text that is a token too long. Never cuts inside a surrogate pair.
 */
export function cutToTokens(text: string, maxTokens: number): { text: string; cut: boolean } {
  let sum = 0
  let end = 0
  for (const character of text) {
    sum += weight(character.codePointAt(0) ?? 0) * (4 / 3)
    if (sum > maxTokens) return { text: text.slice(0, end), cut: true }
    end += character.length
  }
  return { text, cut: false }
}
