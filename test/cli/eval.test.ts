import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EvalDeps, type EvalOptions, runEval } from '../../src/cli/eval.ts'
import { openScratchDatabase } from '../../src/drivers/scratch.ts'
import { createModels } from '../../src/models/create.ts'
import type { EvaluationReport } from '../../src/services/evaluate/evaluate.ts'

const { signal } = new AbortController()
let folder: string
let printed: string[] = []

const deps: EvalDeps = {
  models: createModels({}),
  chunkMaxTokens: 512,
  openScratch: () => openScratchDatabase(process.env['DATABASE_URL']),
  print: (line) => void printed.push(line),
}

async function run(more: Partial<EvalOptions> = {}): Promise<EvaluationReport> {
  printed = []
  const options = {
    corpus: join(folder, 'corpus.jsonl'),
    queries: join(folder, 'queries.jsonl'),
    qrels: join(folder, 'qrels.tsv'),
    modes: 'naive,lexical',
    k: '1,2',
    ...more,
  }
  return runEval(options, deps, signal)
}

const jsonl = (rows: object[]): string => rows.map((row) => JSON.stringify(row)).join('\n')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insight-eval-'))
  await writeFile(
    join(folder, 'corpus.jsonl'),
    jsonl([
      { _id: 'd0', title: '配方法', text: '用配方法求二次函数的最小值。' },
      { _id: 'd/1', title: '勾股定理', text: '直角三角形三边的关系。' },
      { _id: 'd2', title: '概率', text: '掷骰子的概率。'.repeat(200) },
    ]),
  )
  await writeFile(
    join(folder, 'queries.jsonl'),
    jsonl([
      { _id: 'q0', text: '二次函数最小值' },
      { _id: 'q1', text: '直角三角形' },
      { _id: 'q2', text: '骰子' },
      { _id: 'unjudged', text: 'x' },
    ]),
  )
  await writeFile(join(folder, 'qrels.tsv'), 'query-id\tcorpus-id\tscore\nq0\td0\t1\nq1\td/1\t1\nq2\td2\t1\nq2\td0\t1\n')
  await writeFile(
    join(folder, 'graph.jsonl'),
    jsonl([
      {
        _id: 'd0',
        entities: [{ name: '二次函数', type: 'concept', description: 'x' }],
        relations: [{ source: '配方法', target: '二次函数', keywords: 'used for', description: 'y' }],
      },
    ]),
  )
})
afterAll(() => rm(folder, { recursive: true }))

describe('eval', () => {
  it('reports every mode with intervals, speed, differences from the first mode and the size of the corpus', async () => {
    const report = await run({ json: join(folder, 'report.json') })
    expect(Object.keys(report.modes)).toEqual(['naive', 'lexical'])
    // q2 has two relevant entries and only one of them speaks of dice: recall is a share, not any-hit.
    expect(report.modes['lexical']?.['recall@2']).toMatchObject({ mean: 0.8333 })
    expect(report.modes['lexical']?.['mrr']).toEqual({ mean: 1, low: 1, high: 1 })
    expect(Object.keys(report.modes['naive'] ?? {})).toEqual([
      'recall@1',
      'recall@2',
      'mrr',
      'ndcg@10',
      'queriesPerSecond',
      'p50Ms',
      'p95Ms',
    ])
    expect(Object.keys(report.paired)).toEqual(['lexical'])
    expect(report.corpus).toMatchObject({
      documents: 3,
      entities: expect.any(Number) as number,
      ingestSeconds: expect.any(Number) as number,
    })
    expect(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))).toEqual(report)
    expect(printed.join('\n')).toContain('recall@1')
  })

  it('splits an entry only where it is longer than a chunk, and ranks entries by their first chunk', async () => {
    const report = await run({ modes: 'lexical' })
    expect(report.corpus.chunks).toBeGreaterThan(3)
    expect(report.modes['lexical']?.['recall@1']).toMatchObject({ mean: 0.8333 })
  })

  it('takes ready-made extractions in place of an extractor', async () => {
    const report = await run({ modes: 'local', graph: join(folder, 'graph.jsonl') })
    expect(report.corpus).toMatchObject({ entities: 2, relations: 1 })
  })

  it('reads files of another world: carriage returns, no titles, judgements about what is not there, a blank question', async () => {
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text)
      return join(folder, name)
    }
    const report = await run({
      corpus: await file(
        'w-corpus.jsonl',
        '{"_id":"d0","title":"Alpha","text":"alpha beta"}\r\n{"_id":1,"text":"delta"}\r\n{"_id":"d2","title":"","text":""}\r\n',
      ),
      queries: await file('w-queries.jsonl', '{"_id":"q0","text":"alpha"}\r\n{"_id":"q1","text":" "}\r\n{"_id":"q2","text":"delta"}\r\n'),
      qrels: await file('w-qrels.tsv', 'query-id\tcorpus-id\tscore\r\nq0\td0\t1\r\nq0\tgone\t1\r\nq1\td2\t0\r\nq2\t1\t1\r\nq9\td0\t1\r\n'),
      modes: 'lexical',
      k: '5',
    })
    // q0 has one of its two entries, q2 its only one; q1 has none above 0 and q9 is not asked.
    expect(report.modes['lexical']?.['recall@5']).toMatchObject({ mean: 0.75 })
    expect(report.corpus.documents).toBe(3)
  })

  it.each([
    [{ modes: 'naive,unheard' }, '--modes'],
    [{ modes: 'bypass' }, '--modes'],
    [{ k: '0' }, '--k'],
    [{ corpus: '/nowhere/corpus.jsonl' }, 'corpus.jsonl cannot be read'],
    [{ json: '/nowhere/report.json' }, 'report.json cannot be written'],
  ])('refuses %j', async (options, sentence) => {
    await expect(run(options)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(sentence) as string })
  })
})
