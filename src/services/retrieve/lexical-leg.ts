// The lexical leg: which terms lead to candidates, and what BM25 says of those. A small index is asked for every term; in a large one the
// rare terms lead, because a common one would bring half the library and decide nothing.
import type { Renamed } from '../../core/other-names.ts'
import { byScore, inverseDocumentFrequency, type Scored, shareOfNames, type TermWeight, termFrequencyOfRank } from '../../core/scoring.ts'
import {
  type Drive,
  type LexicalHit,
  lexicalCandidates,
  statistics,
  termFrequencies,
  type TermStatistics,
} from '../../store/search-terms.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { WorkspaceRow } from '../../store/workspaces.ts'
import type { AliasUsed } from '../api.ts'
import type { Remembered } from './memory.ts'
import type { Plan } from './plan.ts'

/** Chunks whose term vectors are opened per workspace; beyond these, the approximate weight decides. */
const DEPTH = 300
/** From here on not every term of the question leads. */
const LARGE_INDEX = 10_000
/** Postings that the leading terms may bring together. */
const MAX_POSTINGS = 10_000

/** Sizes of the workspaces' indexes, in no particular order; a workspace without chunks is left out. */
export async function indexSizes(tx: ScopedTx, workspaces: readonly WorkspaceRow[], remembered: Remembered): Promise<TermStatistics[]> {
  const keyOf = (workspace: WorkspaceRow): string => `${workspace.workspace_id} ${workspace.stamp}`
  const known = workspaces.flatMap((workspace) => remembered.statistics.get(keyOf(workspace)) ?? [])
  const open = workspaces.filter((workspace) => !known.some((index) => index.workspace_id === workspace.workspace_id))
  if (open.length === 0) return known
  const read = await statistics(
    tx,
    open.map((workspace) => workspace.workspace_id),
  )
  for (const workspace of open) {
    const index = read.find((one) => one.workspace_id === workspace.workspace_id)
    if (index) remembered.statistics.set(keyOf(workspace), index)
  }
  return [...known, ...read]
}

/** A chunk, and the names it has for what the question calls otherwise. */
export type LexicalFind = Scored & { aliases: AliasUsed[] }

/**
 * The `depth` best chunks of all workspaces that hold a term of the question or of another name of what it names; scores are BM25 as a share
 * of the best attainable.
 */
export async function lexicalLeg(
  tx: ScopedTx,
  plan: Plan,
  workspaces: readonly WorkspaceRow[],
  indexes: readonly TermStatistics[],
  remembered: Remembered,
  depth: number,
): Promise<LexicalFind[]> {
  if (plan.terms.length === 0) return []
  const scored: LexicalFind[] = []
  for (const index of indexes) {
    const workspace = workspaces.find((one) => one.workspace_id === index.workspace_id)
    if (workspace) scored.push(...(await searchIndex(tx, plan, workspace, index, remembered, depth)))
  }
  return scored.toSorted(byScore).slice(0, depth)
}

async function searchIndex(
  tx: ScopedTx,
  plan: Plan,
  workspace: WorkspaceRow,
  index: TermStatistics,
  remembered: Remembered,
  depth: number,
): Promise<LexicalFind[]> {
  // Keywords may name what the question has no word of; there is nothing that another name of that could stand for.
  const renamed = plan.renamed.filter((one) => one.terms.length > 0)
  const terms = [...new Set([...plan.terms, ...renamed.flatMap(({ others }) => others.flatMap((other) => other.terms))])]
  const isLarge = index.chunks >= LARGE_INDEX
  const known = isLarge || renamed.length > 0 ? await frequenciesOf(tx, workspace, terms, remembered) : undefined
  for (const drive of known ? leads(plan.terms, terms, known, { renamed, maxPostings: isLarge ? MAX_POSTINGS : Infinity }) : [undefined]) {
    const hits = await lexicalCandidates(tx, workspace.workspace_id, terms, index, {
      limit: DEPTH,
      wanted: depth,
      filter: plan.filter,
      drive,
    })
    if (hits.length > 0)
      return hits.map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id, ...scoreOf(plan.terms, renamed, terms, hit, index) }))
  }
  return []
}

/**
 * What to ask an index, in the order of trying: as many of the question's rarest terms as bring few enough postings; where even
 * the rarest is common, the two rarest together, and alone only if they never meet. Other names lead beside them, never in their place.
 *
 * @param asked the question's terms.
 * @param terms those and the terms of other names.
 * @param frequencies of `terms`.
 */
export function leads(
  asked: readonly string[],
  terms: readonly string[],
  frequencies: readonly number[],
  { renamed, maxPostings }: { renamed: readonly Renamed[]; maxPostings: number } = { renamed: [], maxPostings: MAX_POSTINGS },
): Drive[] {
  const counts = new Map(terms.map((term, position) => [term, frequencies[position] ?? 0]))
  const rarest = rarestFirst(asked, counts)
  const others = leadsOfNames(renamed, counts, maxPostings)
  const [first, second] = rarest
  if (!first) return others.length > 0 ? [{ queries: others, frequencies }] : []
  let postings = 0
  const leading = rarest.filter(({ frequency }, position) => (postings += frequency) <= maxPostings || position === 0)
  const alone: Drive = { queries: [...leading.map(({ term, frequency }) => ({ terms: [term], frequency })), ...others], frequencies }
  if (first.frequency <= maxPostings || !second) return [alone]
  return [{ queries: [{ terms: [first.term, second.term], frequency: first.frequency }, ...others], frequencies }, alone]
}

/**
 * Each name with all of its terms, weighed as no rarer than the rarest of the question's words for the thing: or of the few chunks that are
 * opened, all would have the other name and none the asked one.
 */
function leadsOfNames(renamed: readonly Renamed[], counts: ReadonlyMap<string, number>, maxPostings: number): Drive['queries'] {
  let postings = 0
  return renamed.flatMap(({ terms: own, others }) =>
    others.flatMap(({ terms }) => {
      const frequency = Math.min(...terms.map((term) => counts.get(term) ?? 0))
      if (frequency === 0 || (postings += frequency) > maxPostings) return []
      return [{ terms, frequency: Math.max(frequency, rarestFirst(own, counts)[0]?.frequency ?? 0) }]
    }),
  )
}

/** Without those that nothing holds. */
const rarestFirst = (terms: readonly string[], counts: ReadonlyMap<string, number>): { term: string; frequency: number }[] =>
  terms
    .map((term) => ({ term, frequency: counts.get(term) ?? 0 }))
    .filter(({ frequency }) => frequency > 0)
    .toSorted((a, b) => a.frequency - b.frequency)

async function frequenciesOf(tx: ScopedTx, workspace: WorkspaceRow, terms: readonly string[], remembered: Remembered): Promise<number[]> {
  const keyOf = (term: string): string => `${workspace.workspace_id} ${workspace.stamp} ${term}`
  const open = terms.filter((term) => remembered.frequencies.get(keyOf(term)) === undefined)
  const counted = open.length === 0 ? [] : await termFrequencies(tx, workspace.workspace_id, open)
  const fresh = new Map(open.map((term, position) => [term, counted[position] ?? 0]))
  for (const [term, frequency] of fresh) remembered.frequencies.set(keyOf(term), frequency)
  return terms.map((term) => fresh.get(term) ?? remembered.frequencies.get(keyOf(term)) ?? 0)
}

function scoreOf(
  asked: readonly string[],
  renamed: readonly Renamed[],
  terms: readonly string[],
  hit: LexicalHit,
  index: TermStatistics,
): Pick<LexicalFind, 'score' | 'aliases'> {
  const weights = new Map(
    terms.map((term, position): [string, TermWeight] => [
      term,
      {
        frequency: termFrequencyOfRank(hit.ranks[position] ?? 0),
        idf: inverseDocumentFrequency(index.chunks, hit.document_frequencies[position] ?? 0),
      },
    ]),
  )
  const weighed = (some: readonly string[]): TermWeight[] => some.flatMap((term) => weights.get(term) ?? [])
  const named = new Set(renamed.flatMap((one) => one.terms))
  const { share, chosen } = shareOfNames(
    weighed(asked.filter((term) => !named.has(term))),
    renamed.map((one) => [weighed(one.terms), ...one.others.map((other) => weighed(other.terms))]),
    hit.length,
    index.average_length,
  )
  const aliases = renamed.flatMap(({ key, others }, thing) => {
    const other = others[(chosen[thing] ?? 0) - 1]
    return other ? [{ asked: key, name: other.name, workspace: other.workspaceId }] : []
  })
  return { score: share, aliases }
}
