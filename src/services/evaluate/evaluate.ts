// How well each mode finds what a labelled set says is relevant: load once, ask every question in every mode, count.
import type { CorpusEntry, Qrels, Question } from '../../core/beir.ts'
import { AppError } from '../../core/errors.ts'
import { bootstrap, type Interval, type Judgements, ndcgAt, quantile, recallAt, reciprocalRank } from '../../core/evaluation.ts'
import type { Extraction } from '../../core/extraction.ts'
import type { Mode } from '../../core/modes.ts'
import { workspaceId, workspaceScope } from '../../core/workspace.ts'
import type { Database } from '../../ports/database.ts'
import type { Models } from '../../ports/models.ts'
import { counts } from '../../store/workspaces.ts'
import type { Retrieval } from '../api.ts'
import { createRetrieval } from '../retrieve/retrieval.ts'
import { loadCorpus, type Loaded } from './load.ts'

export type LabelledSet = {
  corpus: readonly CorpusEntry[]
  questions: readonly Question[]
  qrels: Qrels
  graph?: ReadonlyMap<string, Extraction> | undefined
}

export type EvaluateOptions = { modes: readonly Mode[]; /** Cut-offs of recall. */ k: readonly number[]; chunkMaxTokens: number }

export type ModeReport = Record<string, Interval | number> & { queriesPerSecond: number; p50Ms: number; p95Ms: number }

export type EvaluationReport = {
  modes: Record<string, ModeReport>
  /** Mode → metric → difference from the first mode, question by question. */
  paired: Record<string, Record<string, Interval>>
  corpus: { documents: number; chunks: number; entities: number; relations: number; ingestSeconds: number }
}

/** One mode's values, question by question: metric → values, and how long each question took. */
type Run = { values: Map<string, number[]>; ms: number[] }

/** nDCG is always cut at ten. */
const NDCG_K = 10

/**
 * Loads the corpus into `database`, which must be empty, and measures every mode on the questions that have a relevant entry.
 *
 * @throws AppError `invalid_request` when no question has one.
 */
export async function evaluate(
  database: Database,
  models: Models,
  set: LabelledSet,
  options: EvaluateOptions,
  signal: AbortSignal,
): Promise<EvaluationReport> {
  const questions = set.questions.flatMap((question) => {
    const judgements = set.qrels.get(question.id)
    return judgements && [...judgements.values()].some((grade) => grade > 0) ? [{ question, judgements }] : []
  })
  if (questions.length === 0)
    throw new AppError('invalid_request', 'No question has a relevant entry: the ids of the questions and of the qrels do not meet.')
  const startedAt = performance.now()
  const loaded = await loadCorpus(
    database,
    models,
    set.corpus,
    { workspace: workspaceId('kb-evaluation'), chunkMaxTokens: options.chunkMaxTokens, graph: set.graph },
    signal,
  )
  const ingestSeconds = rounded((performance.now() - startedAt) / 1000)
  const retrieval = createRetrieval({ database, models })
  const runs = new Map<string, Run>()
  for (const mode of options.modes) runs.set(mode, await runMode(retrieval, loaded, questions, mode, options.k, signal))
  const [size] = await counts(database, workspaceScope(loaded.workspace))
  const corpus = {
    documents: set.corpus.length,
    chunks: loaded.chunks,
    entities: size?.entities ?? 0,
    relations: size?.relations ?? 0,
    ingestSeconds,
  }
  return { modes: Object.fromEntries([...runs].map(([mode, run]) => [mode, modeReport(run)])), paired: pairedDifferences(runs), corpus }
}

async function runMode(
  retrieval: Retrieval,
  loaded: Loaded,
  questions: readonly { question: Question; judgements: Judgements }[],
  mode: Mode,
  ks: readonly number[],
  signal: AbortSignal,
): Promise<Run> {
  const run: Run = { values: new Map(), ms: [] }
  const note = (metric: string, value: number): void => void run.values.set(metric, [...(run.values.get(metric) ?? []), value])
  const topK = wantedResults(loaded, ks)
  for (const { question, judgements } of questions) {
    signal.throwIfAborted()
    const startedAt = performance.now()
    const ranking = await rankEntries(retrieval, loaded, question.text, mode, topK, signal)
    run.ms.push(performance.now() - startedAt)
    for (const k of ks) note(`recall@${k}`, recallAt(k, ranking, judgements))
    note('mrr', reciprocalRank(ranking, judgements))
    note(`ndcg@${NDCG_K}`, ndcgAt(NDCG_K, ranking, judgements))
  }
  return run
}

/** As many chunks as there must be for the deepest cut-off, were several of them of one entry. */
function wantedResults(loaded: Loaded, ks: readonly number[]): number {
  const perEntry = loaded.chunks / Math.max(1, loaded.entryOfFile.size)
  return Math.min(100, Math.ceil(Math.max(NDCG_K, ...ks) * Math.max(1, perEntry)))
}

/** The entries that a mode finds, best first: a ranking of chunks is a ranking of entries by first appearance. */
export async function rankEntries(
  retrieval: Retrieval,
  loaded: Loaded,
  query: string,
  mode: Mode,
  topK: number,
  signal: AbortSignal,
): Promise<string[]> {
  const request = {
    query,
    mode,
    topK,
    chunkTopK: Math.max(20, topK),
    collections: [],
    filters: {},
    highLevelKeywords: [],
    lowLevelKeywords: [],
    rerank: false,
    explain: false,
  }
  const { results } = await retrieval.search(workspaceScope(loaded.workspace), request, signal)
  return [...new Set(results.flatMap((result) => loaded.entryOfFile.get(result.fileId) ?? []))]
}

function modeReport(run: Run): ModeReport {
  const sorted = run.ms.toSorted((a, b) => a - b)
  const total = run.ms.reduce((sum, ms) => sum + ms, 0)
  return {
    ...Object.fromEntries([...run.values].map(([metric, values]) => [metric, roundedInterval(bootstrap(values))])),
    queriesPerSecond: rounded((run.ms.length / Math.max(total, 1e-6)) * 1000),
    p50Ms: rounded(quantile(sorted, 0.5)),
    p95Ms: rounded(quantile(sorted, 0.95)),
  }
}

function pairedDifferences(runs: ReadonlyMap<string, Run>): EvaluationReport['paired'] {
  const [first, ...others] = [...runs]
  if (!first) return {}
  const base = first[1].values
  return Object.fromEntries(
    others.map(([mode, run]) => [
      mode,
      Object.fromEntries(
        [...run.values].map(([metric, values]) => [
          metric,
          roundedInterval(bootstrap(values.map((value, index) => value - (base.get(metric)?.[index] ?? 0)))),
        ]),
      ),
    ]),
  )
}

const roundedInterval = ({ mean, low, high }: Interval): Interval => ({ mean: round(mean, 4), low: round(low, 4), high: round(high, 4) })
const rounded = (value: number): number => round(value, 1)
const round = (value: number, digits: number): number => Number(value.toFixed(digits))
