// Adding up what calls used.
import type { Usage } from '../ports/models.ts'

export const addUsage = (one: Usage, other: Usage): Usage => ({
  inputTokens: one.inputTokens + other.inputTokens,
  cachedTokens: one.cachedTokens + other.cachedTokens,
  outputTokens: one.outputTokens + other.outputTokens,
})

/** Tokens as the server counted them; where it wrote nothing that can be a count (-1, a text, half a token), the estimate. */
export function counted(said: unknown, estimate: () => number): number {
  return typeof said === 'number' && Number.isSafeInteger(said) && said >= 0 ? said : estimate()
}
