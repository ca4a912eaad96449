// The numbers behind a ranking: BM25 over real document frequencies, cosine as a score, and one order for equal scores.
import type { Located } from './fusion.ts'
import { compareCodePoints } from './names.ts'

/** Robertson's usual parameters: how fast repeated terms stop counting, and how much long chunks are damped. */
export const BM25_K1 = 1.2
export const BM25_B = 0.75

/**
 * How rare a term is: ln(1 + (N − df + ½) / (df + ½)), never negative.
 *
 * @param chunks number of chunks in the workspace, N.
 * @param frequency number of those that hold the term, df, 0..N.
 */
export function inverseDocumentFrequency(chunks: number, frequency: number): number {
  return Math.log(1 + Math.max(0, chunks - frequency + 0.5) / (frequency + 0.5))
}

export type TermWeight = { /** Occurrences in the chunk. */ frequency: number; idf: number }

/** BM25 of one chunk: Σ idf · tf (k1 + 1) / (tf + k1 (1 − b + b · length / average)). */
export function bm25(terms: readonly TermWeight[], length: number, averageLength: number): number {
  const damping = BM25_K1 * (1 - BM25_B + (BM25_B * length) / Math.max(averageLength, 1e-9))
  return terms.reduce(
    (sum, { frequency, idf }) => sum + (frequency === 0 ? 0 : (idf * frequency * (BM25_K1 + 1)) / (frequency + damping)),
    0,
  )
}

/**
 * BM25 as a share of the highest value that any chunk could reach for these terms (each repeated for ever), so that the lexical
 * scores of two workspaces with their own statistics compare. In 0..1; 0 without terms.
 */
export function lexicalShare(terms: readonly TermWeight[], length: number, averageLength: number): number {
  const best = attainable(terms)
  return best === 0 ? 0 : unit(bm25(terms, length, averageLength) / best)
}

/** What a chunk with another name of a thing is worth beside one with the name that was asked for. */
export const ALIAS_WORTH = 0.7

/** Names of one thing, each as its terms, none empty; the first is the question's own. */
export type Alternatives = readonly (readonly TermWeight[])[]

/**
 * `lexicalShare` where some things have several names: each thing counts by the name that gives most, because a chunk that has them all
 * says no more of it. A name gives its own share of what the question's words for the thing are worth, every name but the first 0.7 of that: a
 * long name has more terms than a short one and says no more. Another name counts only whole: `number` is not `prime number`.
 *
 * @param plain the question's other terms.
 * @returns the share in 0..1, and of each thing the place of the name that counted; 0 where none did.
 */
export function shareOfNames(
  plain: readonly TermWeight[],
  things: readonly Alternatives[],
  length: number,
  averageLength: number,
): { share: number; chosen: number[] } {
  let sum = bm25(plain, length, averageLength)
  let best = attainable(plain)
  const chosen = things.map((names) => {
    const shares = names.map((terms, place) => {
      if (place === 0) return lexicalShare(terms, length, averageLength)
      return terms.every(({ frequency }) => frequency > 0) ? lexicalShare(terms, length, averageLength) * ALIAS_WORTH : 0
    })
    const most = Math.max(0, ...shares)
    const worth = attainable(names[0] ?? [])
    sum += most * worth
    best += worth
    return most === 0 ? 0 : shares.indexOf(most)
  })
  return { share: best === 0 ? 0 : unit(sum / best), chosen }
}

/** What no chunk exceeds: every term repeated for ever. */
const attainable = (terms: readonly TermWeight[]): number => terms.reduce((sum, { idf }) => sum + idf * (BM25_K1 + 1), 0)

/** Partial sums of 1/j²: what PostgreSQL's `ts_rank` makes of a lexeme's number of positions, before it divides by π²/6. */
const PARTIAL_SUMS: readonly number[] = Array.from({ length: 255 }, () => 0).reduce<number[]>((sums, _zero, index) => {
  sums.push((sums[index - 1] ?? 0) + 1 / (index + 1) ** 2)
  return sums
}, [])
const TS_RANK_DIVISOR = 1.64493406685

/**
 * The term frequency behind `ts_rank('{1,1,1,1}', terms, lexeme)`: reading one number is ten times cheaper than unnesting a tsvector.
 * A prefix query adds up several lexemes; above the limit of one lexeme every further unit counts as one occurrence.
 * Source: PostgreSQL's calc_rank_or.
 *
 * @param rank as the database gave it, ≥ 0, single precision.
 */
export function termFrequencyOfRank(rank: number): number {
  const sum = rank * TS_RANK_DIVISOR
  if (sum < 0.5) return 0
  if (sum > TS_RANK_DIVISOR + 1e-6) return Math.max(2, Math.round(sum))
  // The sums grow ever more slowly; half way to the next one rounds single precision away.
  let low = 0
  let high = PARTIAL_SUMS.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    const border = (PARTIAL_SUMS[middle] ?? 0) + 0.5 / (middle + 2) ** 2
    if (sum <= border) high = middle
    else low = middle + 1
  }
  return low + 1
}

/** Clips to 0..1; what is not a number (a zero vector has no angle) is 0. */
export function unit(value: number): number {
  return value > 0 ? Math.min(value, 1) : 0
}

export type Scored = Located & { score: number }

/** Best first; equal scores by id in code point order, then by workspace: same data, same answer. */
export function byScore(a: Scored, b: Scored): number {
  return b.score - a.score || compareCodePoints(a.id, b.id) || compareCodePoints(a.workspaceId, b.workspaceId)
}
