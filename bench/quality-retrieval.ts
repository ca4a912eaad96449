// How well each mode finds: `npm run quality -- retrieval [--articles 900]`. Every labelled set of fixtures/corpora and a generated world of
// linked articles with questions of 2 to 4 hops, each with its ready-made graph and with the extractor that is configured.
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readConfig } from '../src/config.ts'
import { readCorpus, readGraph, readQrels, readQuestions } from '../src/core/beir.ts'
import { MODES } from '../src/core/modes.ts'
import { openScratchDatabase } from '../src/drivers/scratch.ts'
import { createModels } from '../src/models/create.ts'
import { evaluate, type LabelledSet } from '../src/services/evaluate/evaluate.ts'
import { makeWorld } from './world.ts'

const { values: options } = parseArgs({
  options: { articles: { type: 'string', default: '900' }, questions: { type: 'string', default: '60' } },
})
const config = readConfig(process.env, 'command')
const models = createModels(config.models)
const modes = MODES.filter((mode) => mode !== 'bypass')

const textOf = (name: string, file: string): Promise<string> =>
  readFile(new URL(`../fixtures/corpora/${name}/${file}`, import.meta.url), 'utf8')

async function fixture(name: string): Promise<LabelledSet> {
  const read = (file: string): Promise<string> => textOf(name, file)
  return {
    corpus: readCorpus(await read('corpus.jsonl'), 'corpus.jsonl'),
    questions: readQuestions(await read('queries.jsonl'), 'queries.jsonl'),
    qrels: readQrels(await read('qrels.tsv'), 'qrels.tsv'),
    graph: name === 'bilingual' ? undefined : readGraph(await read('graph.jsonl'), 'graph.jsonl'),
  }
}

/** Questions of one kind and one half: `dev` is what weights were looked at with, `test` was asked once they stood. */
async function part(name: string, kind: string, split: string): Promise<LabelledSet> {
  const set = await fixture(name)
  const rows = (await textOf(name, 'queries.jsonl')).trim().split('\n')
  const wanted = new Set(
    rows.flatMap((line) => {
      const { _id: id, metadata } = JSON.parse(line) as { _id: string; metadata: { kind: string; split: string } }
      return metadata.kind === kind && metadata.split === split ? [id] : []
    }),
  )
  return { ...set, questions: set.questions.filter(({ id }) => wanted.has(id)) }
}

function world(): LabelledSet {
  const { corpus, questions, qrels, graph } = makeWorld(Number(options.articles), Number(options.questions))
  return { corpus, questions, qrels, graph: readGraph(graph.map((line) => JSON.stringify(line)).join('\n'), 'graph.jsonl') }
}

async function measure(name: string, set: LabelledSet): Promise<void> {
  const database = await openScratchDatabase(process.env['DATABASE_URL'])
  try {
    const report = await evaluate(database, models, set, { modes, k: [5, 10], chunkMaxTokens: 512 }, new AbortController().signal)
    const { documents, entities, relations, ingestSeconds } = report.corpus
    console.log(`\n${name}: ${documents} documents, ${entities} entities, ${relations} relations, loaded in ${ingestSeconds} s`)
    for (const [mode, values] of Object.entries(report.modes)) {
      const figures = ['recall@5', 'recall@10', 'mrr', 'ndcg@10'].map((metric) => {
        const value = values[metric]
        return typeof value === 'object' ? `${metric} ${value.mean.toFixed(3)} [${value.low.toFixed(3)}, ${value.high.toFixed(3)}]` : ''
      })
      console.log(`${mode.padEnd(8)} ${figures.join('   ')}`)
    }
  } finally {
    await database.close()
  }
}

for (const name of ['zh', 'en', 'mixed']) {
  const set = await fixture(name)
  await measure(`${name}, ready-made graph`, set)
  await measure(`${name}, ${models.extractor?.id ?? 'no'} extractor`, { ...set, graph: undefined })
}
for (const split of ['dev', 'test']) {
  for (const kind of ['cross_lingual_named', 'same_language'])
    await measure(`bilingual, ${kind}, ${split}, ${models.extractor?.id ?? 'no'} extractor`, await part('bilingual', kind, split))
}
const generated = world()
await measure('world, ready-made graph', generated)
await measure(`world, ${models.extractor?.id ?? 'no'} extractor`, { ...generated, graph: undefined })
