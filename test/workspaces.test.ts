// The seed material of the public workspace: complete, resolvable, and right where a machine can tell.
import { readdirSync, readFileSync } from 'node:fs'
import katex from 'katex'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readKnowledgeJson } from '../src/core/curriculum.ts'

const ROOT = new URL('../workspaces/', import.meta.url)
const names = (folder: string) => readdirSync(new URL(folder, ROOT)).toSorted()
const json = (path: string): unknown => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'))

const text = z.string().min(1)
const Point = z.strictObject({
  id: z.string().regex(/^(?:NA|MS|DH)\d\d$/),
  code: z.string().regex(/^DSE-MATH-(?:NA|MS|DH)-\d\d$/),
  name_zh: text,
  name_zh_hans: text.optional(),
  name_en: text,
  aliases: z.array(text),
  keywords: z.array(text),
  strand: z.enum(['number-and-algebra', 'measures-shape-and-space', 'data-handling']),
  level: z.enum(['S1-S3', 'S4-S6']),
  description_zh: z.string().min(15),
  description_en: z.string().min(30),
  prerequisites: z.array(text),
  related: z.array(text),
  formulas: z.array(text),
  common_misconceptions: z.array(text).min(1),
})
const Collection = z.object({
  title: text,
  references: z.record(z.string(), z.object({ name_zh: text, name_en: text })),
  knowledge_points: z.array(Point),
})
const Rubric = z.strictObject({
  id: text,
  title_zh: text,
  title_en: text,
  subject: text,
  criteria: z
    .array(
      z.strictObject({
        name: text,
        weight: z.number().positive(),
        levels: z.array(z.strictObject({ score: z.number().nonnegative(), descriptor: text })).min(3),
      }),
    )
    .min(3),
})

const collections = names('public/knowledge_points').map((name) => ({
  name,
  value: Collection.parse(json(`public/knowledge_points/${name}`)),
}))
const points = collections.flatMap((collection) => collection.value.knowledge_points)
const byId = new Map(points.map((point) => [point.id, point]))

describe('knowledge points of the public workspace', () => {
  test('there are at least ninety, with unique ids, codes and names', () => {
    expect(points.length).toBeGreaterThanOrEqual(90)
    for (const key of ['id', 'code', 'name_zh', 'name_en'] as const)
      expect(new Set(points.map((point) => point[key])).size).toBe(points.length)
  })

  test('every prerequisite and related id is a point', () => {
    expect(points.flatMap((point) => [...point.prerequisites, ...point.related]).filter((id) => !byId.has(id))).toEqual([])
  })

  test('a name or alias means one point only', () => {
    const said = points.flatMap((point) =>
      [...new Set([point.name_zh, point.name_zh_hans ?? point.name_zh, point.name_en, ...point.aliases])].map((name) => name.toLowerCase()),
    )
    expect(said.filter((name, at) => said.indexOf(name) !== at)).toEqual([])
  })

  test('prerequisites have no circle', () => {
    const known = new Set<string>()
    for (let learned = -1; learned !== known.size;) {
      learned = known.size
      for (const point of points) if (point.prerequisites.every((id) => known.has(id))) known.add(point.id)
    }
    expect(points.filter((point) => !known.has(point.id)).map((point) => point.id)).toEqual([])
  })

  test('nothing of the junior years rests on a senior topic', () => {
    expect(points.filter((point) => point.level === 'S1-S3' && point.prerequisites.some((id) => byId.get(id)?.level === 'S4-S6'))).toEqual(
      [],
    )
  })

  test('the references table of a file names exactly the points of other files it refers to, as they are called there', () => {
    for (const { knowledge_points: own, references } of collections.map((collection) => collection.value)) {
      const outside = own
        .flatMap((point) => [...point.prerequisites, ...point.related])
        .filter((id) => !own.some((point) => point.id === id))
      const expected = new Map(outside.map((id) => [id, { name_zh: byId.get(id)?.name_zh, name_en: byId.get(id)?.name_en }]))
      expect(new Map(Object.entries(references))).toEqual(expected)
    }
  })

  test('every formula is LaTeX that KaTeX can set', () => {
    const unset = points
      .flatMap((point) => point.formulas)
      .filter((formula) => {
        try {
          return katex.renderToString(formula, { throwOnError: true, strict: 'ignore' }) === ''
        } catch {
          // KaTeX refuses what it cannot set; the formula itself is the finding.
          return true
        }
      })
    expect(unset).toEqual([])
  })

  test('linear functions lead to quadratic functions and these to the vertex form, in both scripts', () => {
    const relations = collections.flatMap(({ name, value }) => readKnowledgeJson(value, name)?.stated?.relations ?? [])
    const prerequisites = relations
      .filter((relation) => relation.keywords.includes('prerequisite'))
      .map((relation) => `${relation.source} → ${relation.target}`)
    expect(prerequisites).toEqual(expect.arrayContaining(['一次函數 → 二次函數', '二次函數 → 頂點公式']))
    const vertex = collections
      .flatMap(({ name, value }) => readKnowledgeJson(value, name)?.stated?.entities ?? [])
      .find((entity) => entity.name === '頂點公式')
    expect(vertex?.aliases).toEqual(expect.arrayContaining(['顶点公式', 'vertex form']))
  })

  test.each(names('public/knowledge_points'))('%s is read without a warning', (name) => {
    const parsed = readKnowledgeJson(json(`public/knowledge_points/${name}`), name)
    expect(parsed?.warnings).toEqual([])
    expect(parsed?.stated?.relations.length).toBeGreaterThan(20)
  })
})

describe('rubrics and documents of the public workspace', () => {
  test.each(names('public/rubrics'))('%s is a rubric whose weights add up to 100 and whose scores fall', (name) => {
    const rubric = Rubric.parse(json(`public/rubrics/${name}`))
    expect(rubric.criteria.reduce((sum, criterion) => sum + criterion.weight, 0)).toBe(100)
    for (const { levels } of rubric.criteria)
      expect(levels.map((level) => level.score)).toEqual([...new Set(levels.map((level) => level.score))].toSorted((a, b) => b - a))
    expect(readKnowledgeJson(rubric, name)?.stated?.entities.filter((entity) => entity.type === 'criterion')).toHaveLength(
      rubric.criteria.length,
    )
  })

  test('there are at least four rubrics', () => {
    expect(names('public/rubrics').length).toBeGreaterThanOrEqual(4)
  })

  test('the syllabus overview says how the two papers weigh', () => {
    const overview = readFileSync(new URL('public/documents/dse-math-syllabus.md', ROOT), 'utf8')
    expect(overview).toMatch(/Paper 1[^\n]*65 %/)
    expect(overview).toMatch(/Paper 2[^\n]*45[^\n]*35 %/)
  })

  test.each(['public', 'teacher'])('%s declares its kind and languages', (name) => {
    const Declaration = z.object({ kind: z.literal(name), languages: z.object({ default: text, accepted: z.array(text).min(3) }) })
    expect(() => Declaration.parse(json(`${name}/workspace.json`))).not.toThrow()
  })
})
