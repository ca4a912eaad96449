// Retrieval measured on the labelled corpora: the fused mode against its own legs, and the lexical leg against a textbook BM25.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CorpusEntry, readCorpus, readGraph, readQrels, readQuestions } from '../../src/core/beir.ts'
import { bootstrap, type Interval, recallAt } from '../../src/core/evaluation.ts'
import type { Mode } from '../../src/core/modes.ts'
import { indexTerms, queryTerms } from '../../src/core/terms.ts'
import { workspaceId } from '../../src/core/workspace.ts'
import { openScratchDatabase } from '../../src/drivers/scratch.ts'
import { createModels } from '../../src/models/create.ts'
import type { Database } from '../../src/ports/database.ts'
import { rankEntries } from '../../src/services/evaluate/evaluate.ts'
import { loadCorpus } from '../../src/services/evaluate/load.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'

const SETS = ['zh', 'en', 'mixed'] as const
const LEGS = ['naive', 'lexical', 'local', 'global'] as const
const { signal } = new AbortController()
const models = createModels({})

type Judged = { text: string; kind: string; judgements: ReadonlyMap<string, number> }
type Measured = { corpus: CorpusEntry[]; questions: Judged[]; /** Recall@10 by question. */ recall: (mode: Mode) => Promise<number[]> }

let database: Database
beforeAll(async () => {
  database = await openScratchDatabase(process.env['DATABASE_URL'])
})
afterAll(() => database.close())

/** A corpus in a workspace of its own, each mode asked once. */
async function loadSet(name: string, withGraph: boolean): Promise<Measured> {
  const read = (file: string): Promise<string> => readFile(new URL(`../../fixtures/corpora/${name}/${file}`, import.meta.url), 'utf8')
  const queries = await read('queries.jsonl')
  const kinds = new Map(queries.split('\n').flatMap((line) => (line === '' ? [] : [kindOf(line)])))
  const qrels = readQrels(await read('qrels.tsv'), 'qrels.tsv')
  const corpus = readCorpus(await read('corpus.jsonl'), 'corpus.jsonl')
  const questions = readQuestions(queries, 'queries.jsonl').flatMap(({ id, text }) => {
    const judgements = qrels.get(id)
    return judgements ? [{ text, kind: kinds.get(id) ?? '', judgements }] : []
  })
  const graph = withGraph ? readGraph(await read('graph.jsonl'), 'graph.jsonl') : undefined
  const loaded = await loadCorpus(
    database,
    models,
    corpus,
    { workspace: workspaceId(`kb-${name}-${withGraph ? 'graph' : 'builtin'}`), chunkMaxTokens: 512, graph },
    signal,
  )
  const retrieval = createRetrieval({ database, models })
  const known = new Map<Mode, number[]>()
  const recall = async (mode: Mode): Promise<number[]> => {
    const values = known.get(mode) ?? []
    for (const { text, judgements } of questions.slice(values.length)) {
      values.push(recallAt(10, await rankEntries(retrieval, loaded, text, mode, 10, signal), judgements))
    }
    known.set(mode, values)
    return values
  }
  return { corpus, questions, recall }
}

function kindOf(line: string): [string, string] {
  const row = JSON.parse(line) as { _id: string; metadata: { kind: string } }
  return [row._id, row.metadata.kind]
}

/** How much more recall `auto` has than the leg on these questions, question by question. */
async function gain(set: Measured, leg: Mode, kind?: string): Promise<Interval> {
  const [auto, other] = [await set.recall('auto'), await set.recall(leg)]
  return bootstrap(
    set.questions.flatMap((question, index) =>
      kind === undefined || question.kind === kind ? [(auto[index] ?? 0) - (other[index] ?? 0)] : [],
    ),
  )
}

/** Textbook BM25 over the same terms, computed from nothing but the texts: entries best first, with a positive score. */
function referenceBm25(corpus: readonly CorpusEntry[], query: string): string[] {
  const documents = corpus.map(({ id, title, text }) => ({ id, terms: indexTerms(`${title}\n${text}`) }))
  const lengths = documents.map(({ terms }) => [...terms.values()].reduce((sum, count) => sum + count, 0))
  const average = lengths.reduce((sum, length) => sum + length, 0) / documents.length
  const scored = documents.map(({ id, terms }, index) => {
    const score = queryTerms(query).reduce((sum, term) => {
      const tf = terms.get(term) ?? 0
      const df = documents.filter((document) => document.terms.has(term)).length
      const idf = Math.log(1 + (documents.length - df + 0.5) / (df + 0.5))
      return sum + (idf * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * (lengths[index] ?? 0)) / average))
    }, 0)
    return { id, score }
  })
  return scored
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .map(({ id }) => id)
}

describe.each(SETS)('on the %s corpus', (name) => {
  let graphSet: Measured
  let builtinSet: Measured
  beforeAll(async () => {
    graphSet = await loadSet(name, true)
    builtinSet = await loadSet(name, false)
  }, 120_000)

  it.each(LEGS)(
    'auto finds at least as much as %s, with a hand-made graph and with the built-in extractor',
    async (leg) => {
      for (const set of [graphSet, builtinSet]) {
        const more = await gain(set, leg)
        expect(more.high).toBeGreaterThanOrEqual(0)
        expect(more.mean).toBeGreaterThanOrEqual(-0.02)
      }
    },
    120_000,
  )

  it.each(LEGS)(
    'auto finds clearly more than %s where two documents must be joined',
    async (leg) => {
      expect((await gain(graphSet, leg, 'multi_hop')).low).toBeGreaterThan(0)
    },
    120_000,
  )

  it('the lexical leg finds no less than a textbook BM25, within half a point', async () => {
    const reference = graphSet.questions.map(({ text, judgements }) => recallAt(10, referenceBm25(graphSet.corpus, text), judgements))
    expect(bootstrap(await graphSet.recall('lexical')).mean).toBeGreaterThanOrEqual(bootstrap(reference).mean - 0.005)
  }, 120_000)
})

describe('on the bilingual corpus, where a glossary or a bracket tells a name in both languages', () => {
  let set: Measured
  beforeAll(async () => {
    set = await loadSet('bilingual', false)
  }, 120_000)

  it.each(LEGS)(
    'auto finds clearly more than %s of what is named in the other language',
    async (leg) => {
      expect((await gain(set, leg, 'cross_lingual_named')).low).toBeGreaterThan(0)
    },
    120_000,
  )

  it.each(LEGS)(
    'and no less of what is named in its own than %s',
    async (leg) => {
      expect((await gain(set, leg, 'same_language')).mean).toBeGreaterThanOrEqual(0)
    },
    120_000,
  )
})
