import { describe, expect, it } from 'vitest'
import { readCorpus, readGraph, readQrels, readQuestions } from '../../src/core/beir.ts'

describe('BEIR files', () => {
  it('reads entries with and without a title, numbers as ids, blank lines and a byte order mark', () => {
    expect(readCorpus('\ufeff{"_id":"a","title":"T","text":"x"}\n\n{"_id":7,"text":"y"}\r\n', 'corpus.jsonl')).toEqual([
      { id: 'a', title: 'T', text: 'x' },
      { id: '7', title: '', text: 'y' },
    ])
    expect(readQuestions('{"_id":"q","text":"?"}', 'queries.jsonl')).toEqual([{ id: 'q', text: '?' }])
  })

  it('reads judgements with and without the header line', () => {
    const expected = new Map([
      [
        'q1',
        new Map([
          ['d1', 1],
          ['d2', 0],
        ]),
      ],
    ])
    expect(readQrels('query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n', 'qrels.tsv')).toEqual(expected)
    expect(readQrels('q1\td1\t1\nq1\td2\t0', 'qrels.tsv')).toEqual(expected)
  })

  it('reads keywords as a list or as one string with commas', () => {
    const graph = readGraph(
      '{"_id":"d","entities":[{"name":"N","type":"t","description":"x"}],"relations":[{"source":"a","target":"b","keywords":"one, two","description":""}]}',
      'graph.jsonl',
    )
    expect(graph.get('d')?.entities).toMatchObject([{ name: 'N', type: 't', description: 'x', aliases: [] }])
    expect(graph.get('d')?.relations).toMatchObject([{ source: 'a', target: 'b', keywords: ['one', 'two'], weight: 1 }])
  })

  it('takes a translation in brackets for another name, as the reply of an extractor', () => {
    const graph = readGraph(
      '{"_id":"d","entities":[{"name":"勾股定理 (Pythagoras\' theorem)"},{"name":"中國 (香港)"}],"relations":[{"source":"勾股定理 (Pythagoras\' theorem)","target":"f(x)"}]}',
      'graph.jsonl',
    )
    expect(graph.get('d')?.entities.map(({ name, aliases }) => [name, aliases])).toEqual([
      ['勾股定理', ["Pythagoras' theorem"]],
      ['中國(香港)', []],
    ])
    expect(graph.get('d')?.relations).toMatchObject([{ source: '勾股定理', target: 'f(x)' }])
  })

  it.each([
    ['no JSON', () => readCorpus('{"_id":"a"}\nnonsense', 'corpus.jsonl'), 'Line 2 of corpus.jsonl'],
    ['no id', () => readQuestions('{"text":"x"}', 'queries.jsonl'), 'Line 1 of queries.jsonl has no _id'],
    ['an id twice', () => readCorpus('{"_id":"a"}\n{"_id":"a"}', 'corpus.jsonl'), 'twice'],
    ['a missing score', () => readQrels('query-id\tcorpus-id\tscore\nq1\td1', 'qrels.tsv'), 'Line 2 of qrels.tsv'],
  ])('names the place of %s', (_what, read, sentence) => {
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_request', message: expect.stringContaining(sentence) as string }))
  })
})
