// The lexical leg: which terms lead to candidates, and what BM25 says of those. A small index is asked for every term; in a large one the
// rare terms lead, because a common one would bring half the library and decide nothing.
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
/** From here on the frequencies of the question's terms are known beforehand. */
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
  const terms = [...new Set([...plan.terms, ...plan.renamed.flatMap(({ others }) => others.flatMap((other) => other.terms))])]
  const drives = index.chunks < LARGE_INDEX ? [undefined] : leads(terms, await frequenciesOf(tx, workspace, terms, remembered))
  for (const drive of drives) {
    const hits = await lexicalCandidates(tx, workspace.workspace_id, terms, index, {
      limit: DEPTH,
      wanted: depth,
      filter: plan.filter,
      drive,
    })
    if (hits.length > 0)
      return hits.map((hit) => ({ workspaceId: hit.workspace_id, id: hit.chunk_id, ...scoreOf(plan, terms, hit, index) }))
  }
  return []
}

/**
 * What to ask a large index, in the order of trying: as many of the rarest terms as bring few enough postings; where even
 * the rarest is common, the two rarest together, and alone only if they never meet.
 */
export function leads(terms: readonly string[], frequencies: readonly number[]): Drive[] {
  const rarest = terms
    .map((term, position) => ({ term, frequency: frequencies[position] ?? 0 }))
    .filter(({ frequency }) => frequency > 0)
    .toSorted((a, b) => a.frequency - b.frequency)
  const [first, second] = rarest
  if (!first) return []
  let postings = 0
  const leading = rarest.filter(({ frequency }, position) => (postings += frequency) <= MAX_POSTINGS || position === 0)
  const alone: Drive = { queries: leading.map(({ term, frequency }) => ({ terms: [term], frequency })), frequencies }
  if (first.frequency <= MAX_POSTINGS || !second) return [alone]
  return [{ queries: [{ terms: [first.term, second.term], frequency: first.frequency }], frequencies }, alone]
}

async function frequenciesOf(tx: ScopedTx, workspace: WorkspaceRow, terms: readonly string[], remembered: Remembered): Promise<number[]> {
  const keyOf = (term: string): string => `${workspace.workspace_id} ${workspace.stamp} ${term}`
  const open = terms.filter((term) => remembered.frequencies.get(keyOf(term)) === undefined)
  const counted = open.length === 0 ? [] : await termFrequencies(tx, workspace.workspace_id, open)
  const fresh = new Map(open.map((term, position) => [term, counted[position] ?? 0]))
  for (const [term, frequency] of fresh) remembered.frequencies.set(keyOf(term), frequency)
  return terms.map((term) => fresh.get(term) ?? remembered.frequencies.get(keyOf(term)) ?? 0)
}

function scoreOf(plan: Plan, terms: readonly string[], hit: LexicalHit, index: TermStatistics): Pick<LexicalFind, 'score' | 'aliases'> {
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
  const named = new Set(plan.renamed.flatMap((one) => one.terms))
  const { share, chosen } = shareOfNames(
    weighed(plan.terms.filter((term) => !named.has(term))),
    plan.renamed.map((one) => [weighed(one.terms), ...one.others.map((other) => weighed(other.terms))]),
    hit.length,
    index.average_length,
  )
  const aliases = plan.renamed.flatMap(({ key, others }, thing) => {
    const other = others[(chosen[thing] ?? 0) - 1]
    return other ? [{ asked: key, name: other.name, workspace: other.workspaceId }] : []
  })
  return { score: share, aliases }
}
