// How much of what was found a model may be given: LightRAG's budgets and quotas, counted on the rendered text.
import { countTokens } from './tokens.ts'

/** Tokens of what a model is given, where the caller names no other number. Source: LightRAG. */
export const QUERY_BUDGETS = { entities: 6_000, relations: 8_000, total: 30_000 } as const

/** Chunks considered per entity or relation on average. Source: LightRAG's RELATED_CHUNK_NUMBER. */
const RELATED_CHUNKS = 5

/**
 * The longest prefix of whole lines whose joined text fits: an oversize line ends the list.
 * Counting is not additive (separators cost, words merge), so every prefix is counted as it would be sent.
 *
 * @returns how many lines fit, 0..lines.length.
 */
export function prefixWithin(lines: readonly string[], maxTokens: number, separator = '\n'): number {
  let low = 0
  let high = lines.length
  // A prefix never costs more than the whole, so the border can be searched.
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (countTokens(lines.slice(0, middle).join(separator)) <= maxTokens) low = middle
    else high = middle - 1
  }
  return low
}

/** How many chunks compete for a place by similarity, given n owners (entities, or relations): int(5n / 2). */
export function similarityCandidates(owners: number): number {
  return Math.floor((RELATED_CHUNKS * owners) / 2)
}

/** Tokens kept free for what no count foresees. Source: LightRAG. */
export const BUFFER_TOKENS = 200

/** What is left for chunks once everything else that is sent has been counted; never negative. */
export function chunkBudget(maxTotalTokens: number, others: readonly number[]): number {
  return Math.max(0, maxTotalTokens - others.reduce((sum, tokens) => sum + tokens, 0) - BUFFER_TOKENS)
}

/** Python's rounding: a half goes to the even neighbour. `Math.round` would give other quotas (4.5 → 5). */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1
  return rest < 0.5 ? floor : floor + 1
}

/** LightRAG's WEIGHT quotas: the first of n owners gets `most` chunks, the last `least`, linear between. */
export function weightQuotas(owners: number, most: number = RELATED_CHUNKS, least = 1): number[] {
  if (owners <= 1) return owners === 1 ? [most] : []
  return Array.from({ length: owners }, (_unused, index) => roundHalfEven(most - (index / (owners - 1)) * (most - least)))
}

/**
 * Picks chunks by LightRAG's WEIGHT rule: every owner up to its quota, then what was left unused one by one from the first owner
 * that still has chunks.
 *
 * @param owners each owner's chunk ids, best first, no chunk under two owners.
 */
export function pickByWeight(owners: readonly (readonly string[])[], most: number = RELATED_CHUNKS): string[] {
  const quotas = weightQuotas(owners.length, most)
  const taken = owners.map((chunks, index) => Math.min(chunks.length, quotas[index] ?? 0))
  const picked = owners.flatMap((chunks, index) => chunks.slice(0, taken[index]))
  let left = quotas.reduce((sum, quota) => sum + quota, 0) - picked.length
  owners.forEach((chunks, index) => {
    const from = taken[index] ?? 0
    const extra = chunks.slice(from, from + left)
    picked.push(...extra)
    left -= extra.length
  })
  return picked
}
