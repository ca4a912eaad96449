// The evaluation corpora and the sample knowledge release: what a benchmark relies on without looking.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { toSimplified } from '../src/core/text.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, FIXTURES), 'utf8')
const lines = (path: string): string[] => read(path).trimEnd().split('\n')

const text = z.string().trim().min(1)
const Entry = z.strictObject({ _id: text, title: text, text })
const KINDS = ['paraphrase', 'keyword', 'multi_hop', 'identifier', 'cross_script', 'cross_lingual'] as const
const Query = z.strictObject({ _id: text, text, metadata: z.strictObject({ kind: z.enum(KINDS) }) })
const Extraction = z.strictObject({
  _id: text,
  entities: z.array(z.strictObject({ name: text, type: z.string().regex(/^[a-z_]+$/), description: text })).min(1),
  relations: z.array(z.strictObject({ source: text, target: text, keywords: text, description: text })).min(1),
})

function corpus(name: string) {
  const qrels = lines(`corpora/${name}/qrels.tsv`)
  return {
    entries: lines(`corpora/${name}/corpus.jsonl`).map((line) => Entry.parse(JSON.parse(line))),
    queries: lines(`corpora/${name}/queries.jsonl`).map((line) => Query.parse(JSON.parse(line))),
    graph: lines(`corpora/${name}/graph.jsonl`).map((line) => Extraction.parse(JSON.parse(line))),
    header: qrels[0],
    qrels: qrels.slice(1).map((line) => line.split('\t')),
  }
}

/** Latin words of four letters or more, and pairs of Chinese characters whatever their script. */
function terms(value: string): Set<string> {
  const folded = toSimplified(value.toLowerCase())
  const runs = folded.match(/\p{Script=Han}+/gu) ?? []
  const pairs = runs.flatMap((run) => Array.from(run.slice(1), (_, at) => run.slice(at, at + 2)))
  return new Set([...(folded.match(/[a-z]{4,}/g) ?? []), ...pairs])
}

/** Share of a question's terms that also stand in the text. */
function overlap(question: string, body: string): number {
  const asked = terms(question)
  const there = terms(body)
  return [...asked].filter((term) => there.has(term)).length / asked.size
}

describe.each([
  { name: 'zh', entries: 120, queries: 60 },
  { name: 'en', entries: 100, queries: 50 },
  { name: 'mixed', entries: 80, queries: 40 },
])('the $name corpus', (least) => {
  const { entries, queries, graph, header, qrels } = corpus(least.name)
  const byId = new Map(entries.map((entry) => [entry._id, entry]))
  const relevant = Map.groupBy(qrels, ([query]) => query)

  test('is large enough, and no id, title, text or question repeats', () => {
    expect(entries.length).toBeGreaterThanOrEqual(least.entries)
    expect(queries.length).toBeGreaterThanOrEqual(least.queries)
    for (const values of [
      entries.map((entry) => entry._id),
      entries.map((entry) => entry.title),
      entries.map((entry) => entry.text),
      queries.map((query) => query._id),
      queries.map((query) => query.text),
    ]) {
      expect(new Set(values).size).toBe(values.length)
    }
  })

  test('labels every query, and only entries and queries that exist', () => {
    expect(header).toBe('query-id\tcorpus-id\tscore')
    const asked = new Set(queries.map((query) => query._id))
    expect(qrels.filter(([query, entry, score]) => !asked.has(query ?? '') || !byId.has(entry ?? '') || score !== '1')).toEqual([])
    expect([...asked].filter((id) => !relevant.has(id))).toEqual([])
  })

  test('has at least fifteen questions of two entries that share an entity, one of them with few of the words asked', () => {
    const hops = queries.filter((query) => query.metadata.kind === 'multi_hop')
    expect(hops.length).toBeGreaterThanOrEqual(15)
    const named = new Map(graph.map((line) => [line._id, new Set(line.entities.map((entity) => toSimplified(entity.name)))]))
    const bridges = hops.map((query) => {
      const evidence = (relevant.get(query._id) ?? []).map(([, entry]) => entry ?? '')
      const [first, second] = evidence.map((id) => ({ names: named.get(id) ?? new Set<string>(), text: byId.get(id)?.text ?? '' }))
      const shared = [...(first?.names ?? [])].filter((name) => second?.names.has(name))
      return {
        question: query.text,
        entries: evidence.length,
        shared: shared.length,
        overlap: overlap(query.text, second?.text ?? query.text),
      }
    })
    expect(bridges.filter((bridge) => bridge.entries !== 2 || bridge.shared === 0 || bridge.overlap > 0.34)).toEqual([])
  })

  test('has one extraction for each entry, of names that stand in it and relations between named entities', () => {
    expect(graph.map((line) => line._id)).toEqual(entries.map((entry) => entry._id))
    const wrong = graph.filter(({ _id, entities, relations }) => {
      const body = `${byId.get(_id)?.title}\n${byId.get(_id)?.text}`.toLowerCase()
      const stated = new Set(entities.map((entity) => entity.name))
      return (
        stated.size !== entities.length ||
        entities.some((entity) => !body.includes(entity.name.toLowerCase())) ||
        relations.some((relation) => !stated.has(relation.source) || !stated.has(relation.target) || relation.source === relation.target)
      )
    })
    expect(wrong).toEqual([])
  })
})

describe('scripts and languages', () => {
  test('the Chinese corpus has entries of 80 to 300 characters in both scripts', () => {
    const { entries } = corpus('zh')
    expect(
      entries.filter(({ text: body }) => Array.from(body).length < 80 || Array.from(body).length > 300).map((entry) => entry._id),
    ).toEqual([])
    const simplified = entries.filter((entry) => /[们这来时说为会对过还学国经数点关应开间实无变线图题]/.test(entry.text))
    expect(simplified.length).toBeGreaterThanOrEqual(30)
    expect(entries.length - simplified.length).toBeGreaterThanOrEqual(60)
  })

  test('a cross-lingual question and its entry are not in the same language', () => {
    const { entries, queries, qrels } = corpus('mixed')
    const isChinese = (value: string) => /\p{Script=Han}/u.test(value)
    const byId = new Map(entries.map((entry) => [entry._id, entry]))
    const sameLanguage = queries.filter((query) => {
      const [, entry] = qrels.find(([id]) => id === query._id) ?? []
      return query.metadata.kind === 'cross_lingual' && isChinese(byId.get(entry ?? '')?.text ?? query.text) === isChinese(query.text)
    })
    expect(sameLanguage).toEqual([])
  })
})

describe('the sample knowledge release', () => {
  const Item = z.strictObject({
    knowledge_item_id: text,
    content_type: z.enum(['rule', 'checklist', 'template', 'long_doc', 'anti_pattern']),
    title: text,
    text,
    role: z.enum(['planner', 'writer', 'reviewer']),
    tags: z.array(text).min(1),
    strength: z.enum(['hard_constraint', 'soft_preference']),
    status: z.enum(['active', 'deprecated']),
    source: text,
    locale: z.enum(['zh-Hant', 'en']),
    culture_pack: text,
    subject: text,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  const items = z.array(Item).parse(JSON.parse(read('kb-sample/knowledge_items.json')))
  const active = items.filter((item) => item.status === 'active')

  test('the manifest includes exactly its items, of every content type, some of them deprecated', () => {
    const manifest = z.object({ included_items: z.array(text) }).parse(JSON.parse(read('kb-sample/kb_release_manifest.json')))
    expect(items.length).toBeGreaterThanOrEqual(44)
    expect(manifest.included_items).toEqual(items.map((item) => item.knowledge_item_id))
    expect(new Set(manifest.included_items).size).toBe(items.length)
    expect(new Set(items.map((item) => item.content_type)).size).toBe(5)
    expect(active.length).toBeLessThan(items.length)
  })

  test('every preview query expects active items that its filters let through', () => {
    const Preview = z.strictObject({
      query: text,
      expected_item_ids: z.array(text).min(1),
      filters: z.strictObject({ role: text.optional(), locale: text.optional() }).optional(),
    })
    const previews = z.array(Preview).parse(JSON.parse(read('kb-sample/preview_queries.json')))
    expect(previews.length).toBeGreaterThanOrEqual(20)
    const impossible = previews.filter(({ expected_item_ids: expected, filters }) =>
      expected.some((id) => {
        const item = active.find((one) => one.knowledge_item_id === id)
        return item === undefined || (filters?.role ?? item.role) !== item.role || (filters?.locale ?? item.locale) !== item.locale
      }),
    )
    expect(impossible).toEqual([])
  })

  test('conflicts and duplicates are really there: opposed hard constraints on one subject, and one text twice', () => {
    const hard = Map.groupBy(
      active.filter((item) => item.strength === 'hard_constraint' && item.content_type === 'rule'),
      (item) => item.subject,
    )
    const opposed = [...hard].filter(([, group]) => new Set(group.map((item) => item.text)).size > 1).map(([subject]) => subject)
    expect(opposed).toEqual(['lesson_opening', 'calculator_warm_up', 'homework_daily_minutes', 'lesson_closure'])
    expect(new Set(active.map((item) => item.text)).size).toBeLessThan(active.length)
  })
})
