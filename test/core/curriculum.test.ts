import { describe, expect, test } from 'vitest'
import { readKnowledgeJson } from '../../src/core/curriculum.ts'

const DESCRIPTION = 'A function whose graph is a parabola.'

type Edge = [source: string, keyword: string, target: string]

function edges(value: unknown): Edge[] {
  return (readKnowledgeJson(value, 'file.json')?.stated?.relations ?? []).map((relation): Edge => [
    relation.source,
    relation.keywords[0] ?? '',
    relation.target,
  ])
}

function names(value: unknown, type = 'knowledge_point'): string[] {
  return (readKnowledgeJson(value, 'file.json')?.stated?.entities ?? [])
    .filter((entity) => entity.type === type)
    .map((entity) => entity.name)
}

const LINE_THEN_PARABOLA: Edge[] = [['Line', 'prerequisite', 'Parabola']]
const line = { id: 'k1', name: 'Line', description: 'Straight.' }
const parabola = { id: 'k2', name: 'Parabola', description: DESCRIPTION, prerequisites: ['k1'] }

describe('the shapes a team may have', () => {
  test.each<[string, unknown]>([
    ['a bare array', [line, parabola]],
    ['{knowledge_points: [...]}', { title: 'Functions', knowledge_points: [line, parabola] }],
    ['{points: [...]}', { points: [line, parabola] }],
    ['{items: [...]}', { items: [line, parabola] }],
    ['an envelope {code, data: {list: [...]}}', { code: 200, data: { list: [line, parabola] } }],
    [
      '{data: {...}} keyed by id',
      { data: { k1: { name: 'Line', desc: 'Straight.' }, k2: { name: 'Parabola', desc: DESCRIPTION, requires: 'k1' } } },
    ],
    [
      'an object keyed by id without a container',
      { k1: { name: 'Line', desc: 'Straight.' }, k2: { name: 'Parabola', desc: DESCRIPTION, prereq: ['k1'] } },
    ],
    ['groups with points', { chapters: [{ points: [line, parabola] }] }],
    ['prerequisites by name', [line, { ...parabola, prerequisites: ['Line'] }]],
    ['prerequisites by name in another case', [line, { ...parabola, prerequisites: 'LINE' }]],
    ['prerequisites as records with an id', [line, { ...parabola, prerequisites: [{ id: 'k1', strength: 2 }] }]],
    ['prerequisites as records with a name', [line, { ...parabola, prerequisites: { name: 'Line' } }]],
    [
      'prerequisites by code',
      [
        { ...line, code: 'F-1' },
        { ...parabola, prerequisites: ['F-1'] },
      ],
    ],
    [
      'prerequisites by alias',
      [
        { ...line, aliases: ['straight line'] },
        { ...parabola, prerequisites: ['straight line'] },
      ],
    ],
    [
      'camel case fields',
      [
        { kpId: 'k1', pointName: 'Line', explanation: 'Straight.' },
        { kpId: 'k2', pointName: 'Parabola', dependsOn: ['k1'] },
      ],
    ],
    ['a plain name as prerequisite that the file does not define', [{ ...parabola, prerequisites: ['Line'] }]],
    [
      'numeric ids',
      [
        { ...line, id: 1 },
        { ...parabola, id: 2, prerequisites: [1] },
      ],
    ],
  ])('%s gives the same two points and their order', (_shape, value) => {
    expect(edges(value).filter(([, keyword]) => keyword === 'prerequisite')).toEqual(LINE_THEN_PARABOLA)
    expect(names(value).toSorted()).toEqual(['Line', 'Parabola'])
  })

  test('Chinese field names are read like English ones', () => {
    const value = [
      { 编号: 'A1', 知识点: '一次函数', 说明: '图像是直线。' },
      {
        编号: 'A2',
        知识点: '二次函数',
        说明: '图像是抛物线。',
        前置知识: ['A1'],
        别名: '抛物线函数、quadratic function',
        关联: ['判别式'],
      },
    ]
    expect(edges(value)).toEqual([
      ['一次函数', 'prerequisite', '二次函数'],
      ['二次函数', 'related', '判别式'],
    ])
    const parsed = readKnowledgeJson(value, 'x.json')
    expect(parsed?.stated?.entities.find((entity) => entity.name === '二次函数')?.aliases).toEqual(['抛物线函数', 'quadratic function'])
  })

  test('one record alone is a document of one point named by its file', () => {
    const parsed = readKnowledgeJson({ name: 'Parabola', description: DESCRIPTION }, 'folder/quadratics.v2.json')
    expect(parsed?.title).toBe('quadratics.v2')
    expect(parsed?.stated?.entities.map((entity) => entity.name)).toEqual(['Parabola'])
  })

  test('points below a point are part of it', () => {
    const value = [
      {
        ...line,
        children: [{ name: 'Slope', description: 'Rise over run.', children: [{ name: 'Gradient sign', description: 'Up or down.' }] }],
      },
    ]
    expect(edges(value)).toEqual([
      ['Slope', 'part_of', 'Line'],
      ['Gradient sign', 'part_of', 'Slope'],
    ])
  })

  test('a strand id is called by the name the file defines for it', () => {
    const value = { strands: [{ id: 'na', name_zh: '數與代數', name_en: 'Number and Algebra' }], points: [{ ...line, strand: 'na' }] }
    expect(edges(value)).toEqual([['Line', 'part_of', '數與代數']])
    expect(readKnowledgeJson(value, 'x.json')?.blocks[0]).toMatchObject({ type: 'heading', level: 1, text: '數與代數 Number and Algebra' })
  })

  test('a references table names the points of other files', () => {
    expect(edges({ references: { Z9: { name_zh: '直線', name_en: 'line' } }, points: [{ ...parabola, prerequisites: ['Z9'] }] })).toEqual([
      ['直線', 'prerequisite', 'Parabola'],
    ])
  })
})

describe('what a point becomes', () => {
  const value = [
    {
      id: 'NA20',
      name_zh: '二次函數',
      name_zh_hans: '二次函数',
      name_en: 'quadratic function',
      aliases: ['拋物線函數'],
      description_zh: '圖像為拋物線。',
      description_en: DESCRIPTION,
      formulas: ['$$y=ax^2+bx+c$$', 'x=-\\frac{b}{2a}'],
      common_misconceptions: ['以為 c 是 x 截距'],
      prerequisites: ['一次函數'],
    },
  ]

  test('a section with both languages, LaTeX without delimiters, and labelled mistakes', () => {
    const blocks = readKnowledgeJson(value, 'x.json')?.blocks ?? []
    expect(blocks.map((block) => [block.type, block.text])).toEqual([
      ['heading', '二次函數'],
      ['paragraph', '二次函數 (二次函数, quadratic function, 拋物線函數) [NA20]'],
      ['paragraph', '圖像為拋物線。'],
      ['paragraph', DESCRIPTION],
      ['equation', '$$y=ax^2+bx+c$$'],
      ['equation', '$$x=-\\frac{b}{2a}$$'],
      ['list', '常見錯誤：\n- 以為 c 是 x 截距'],
      ['paragraph', '學習二次函數之前須先掌握：一次函數。'],
    ])
    expect(blocks[4]?.latex).toBe('y=ax^2+bx+c')
    expect(blocks.slice(1).every((block) => block.headings.at(-1) === '二次函數')).toBe(true)
  })

  test('the entity carries the other script and English as aliases, and both descriptions', () => {
    expect(readKnowledgeJson(value, 'x.json')?.stated?.entities[0]).toEqual({
      name: '二次函數',
      type: 'knowledge_point',
      description: `圖像為拋物線。\n${DESCRIPTION}`,
      aliases: ['二次函数', 'quadratic function', '拋物線函數'],
      block: 1,
    })
  })

  test('every stated relation stands word for word in the block it names', () => {
    const parsed = readKnowledgeJson([...value, { ...line, strand: 'Graphs', related: ['NA20'] }], 'x.json')
    expect(parsed?.stated?.relations).toHaveLength(3)
    for (const relation of parsed?.stated?.relations ?? []) expect(parsed?.blocks[relation.block]?.text).toContain(relation.description)
  })

  test('simplified text gets simplified sentences', () => {
    const parsed = readKnowledgeJson([{ name: '二次函数', description: '图像是抛物线。', prerequisites: ['一次函数'] }], 'x.json')
    expect(parsed?.blocks.at(-1)?.text).toBe('学习二次函数之前须先掌握：一次函数。')
  })
})

describe('rubrics', () => {
  test.each<[string, unknown]>([
    ['criteria with levels', { title: 'Essay', criteria: [{ name: 'Content', weight: 40, levels: [{ score: 5, descriptor: 'Deep.' }] }] }],
    ['dimensions with a map of levels', { name: 'Essay', dimensions: [{ name: 'Content', weight: 40, levels: { '5': 'Deep.' } }] }],
    [
      'items with descriptors',
      { title: 'Essay', items: [{ name: 'Content', marks: 40, descriptors: [{ level: '5', description: 'Deep.' }] }] },
    ],
    [
      'a list of rubrics',
      { rubrics: [{ title: 'Essay', criteria: [{ name: 'Content', marks: 40, levels: [{ score: 5, text: 'Deep.' }] }] }] },
    ],
    ['Chinese field names', [{ 标题: 'Essay', 评分项: [{ 名称: 'Content', 分值: 40, 等级: [{ 分数: 5, 描述: 'Deep.' }] }] }]],
  ])('%s become a section for each criterion', (_shape, value) => {
    const parsed = readKnowledgeJson(value, 'essay.json')
    expect(parsed?.stated?.entities.map((entity) => [entity.type, entity.name])).toEqual([
      ['rubric', 'Essay'],
      ['criterion', 'Essay: Content'],
    ])
    expect(edges(value)).toEqual([['Essay: Content', 'part_of', 'Essay']])
    expect(parsed?.blocks.map((block) => block.text)).toEqual(expect.arrayContaining(['Content (40)', '- 5: Deep.']))
  })
})

describe('other JSON and hostile JSON', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['a string', 'knowledge_points'],
    ['an empty object', {}],
    ['an empty list', { knowledge_points: [] }],
    ['a list of names', ['Line', 'Parabola']],
    [
      'a score sheet',
      {
        title: 'Test 1',
        items: [
          { name: 'Chan Siu Ming', score: 71 },
          { name: 'Lee Ka Yan', score: 64 },
        ],
      },
    ],
    [
      'a package manifest',
      { name: 'thing', version: '1.0.0', description: 'x', main: 'a', license: 'b', scripts: {}, bin: {}, files: [], private: true },
    ],
    ['articles', [{ title: 'Sports day', content: 'Rain.' }]],
    [
      'points with names of the wrong type',
      [
        { name: { deep: [] }, description: 'x' },
        { name: 7, description: 'y' },
      ],
    ],
    ['prototype keys only', JSON.parse('{"__proto__": {"name": "x", "description": "y"}, "constructor": 1}')],
  ])('%s is left to the plain reader', (_shape, value) => {
    expect(readKnowledgeJson(value, 'x.json')).toBeUndefined()
  })

  test('a circle of prerequisites is read, kept and reported', () => {
    const value = [
      { id: 'a', name: 'Egg', description: 'Laid.', prerequisites: ['b'] },
      { id: 'b', name: 'Hen', description: 'Hatched.', prerequisites: ['a'] },
      { id: 'c', name: 'Barn', description: 'Built.', prerequisites: ['c'] },
    ]
    expect(edges(value)).toHaveLength(2)
    expect(readKnowledgeJson(value, 'x.json')?.warnings).toEqual([
      'Barn refers to itself; the reference was left out.',
      'Prerequisites go round in a circle; these points lie on it or behind it: Hen, Egg.',
    ])
  })

  test('an id that is defined nowhere is a warning and no entity', () => {
    const parsed = readKnowledgeJson([{ ...parabola, prerequisites: ['KP-99', 'kp_lost'] }], 'x.json')
    expect(parsed?.stated?.relations).toEqual([])
    expect(parsed?.warnings).toHaveLength(2)
  })

  test('wrong types are skipped with a warning while the rest is read', () => {
    const value = [
      line,
      parabola,
      3,
      null,
      { description: 'nameless' },
      { name: 'Odd', description: 7, prerequisites: 5, formulas: { latex: 'x' }, aliases: [{}, null, 'even'] },
    ]
    const parsed = readKnowledgeJson(value, 'x.json')
    expect(names(value)).toEqual(['Line', 'Parabola', 'Odd'])
    expect(parsed?.warnings).toEqual([
      '2 entries are not objects and were left out.',
      '1 entries have no name and were left out.',
      'Odd refers to 5, which this file does not define.',
    ])
  })

  test('prototype keys are ordinary names and pollute nothing', () => {
    const value: unknown = JSON.parse(
      '[{"id": "__proto__", "name": "constructor", "description": "x", "__proto__": {"polluted": true}, "related": ["toString"]}]',
    )
    expect(edges(value)).toEqual([['constructor', 'related', 'toString']])
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  test('twelve thousand points in one chain are cut at ten thousand, and said to be', () => {
    const value = Array.from({ length: 12_000 }, (_, at) => ({
      id: `k${at}`,
      name: `Point ${at}`,
      description: 'x',
      prerequisites: at === 0 ? [] : [`k${at - 1}`],
    }))
    const parsed = readKnowledgeJson(value, 'x.json')
    expect(parsed?.stated?.entities).toHaveLength(10_000)
    expect(parsed?.warnings).toEqual(['Only the first 10000 knowledge points were read; 2000 or more were left out.'])
  })

  test('nesting without end is cut at a depth', () => {
    let value: Record<string, unknown> = { name: 'Leaf', description: 'x' }
    for (let depth = 0; depth < 3_000; depth += 1) value = { name: `Node ${depth}`, description: 'x', children: [value] }
    const parsed = readKnowledgeJson([value], 'x.json')
    expect(parsed?.stated?.entities).toHaveLength(9)
    expect(parsed?.warnings).toHaveLength(1)
  })
})
