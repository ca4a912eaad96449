// The parser against replies as models really write them. Each case says what must be salvaged and how much is counted as dropped.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_ENTITIES, parseExtraction } from '../../src/core/extraction-parse.ts'

const TEXT =
  '勾股定理說明直角三角形兩條直角邊的平方和等於斜邊的平方。學習勾股定理之前要先掌握平方根。\n' +
  'Newton\'s law  F = ma links force and mass. 公式 $\\frac{a}{b}+\\theta$ 稱為分數和角。他说"你好"然后离开。ＡＢＣ定理也叫「三字定理」。'
const CHUNK = { id: 'c1', text: TEXT }

const E = (name: string, quote: string, more = ''): string =>
  `{"name":"${name}","type":"theorem","description":"d of ${name}","quote":"${quote}"${more}}`
const R = (source: string, target: string, quote: string): string =>
  `{"source":"${source}","target":"${target}","keywords":["prerequisite"],"description":"r","quote":"${quote}"}`
const PAIR = `${E('勾股定理', '勾股定理說明')},${E('平方根', '掌握平方根')}`
const EDGE = R('平方根', '勾股定理', '學習勾股定理之前要先掌握平方根')
const WHOLE = `{"chunks":[{"id":"c1","entities":[${PAIR}],"relations":[${EDGE}]}]}`
const BOTH = { names: ['勾股定理', '平方根'], edges: ['平方根→勾股定理'], dropped: 0 }

type Case = { name: string; reply: string; names: string[]; edges?: string[]; dropped?: number; truncated?: boolean }

const CASES: Case[] = [
  { name: 'exactly as asked', reply: WHOLE, ...BOTH },
  { name: 'a fenced block', reply: `\`\`\`json\n${WHOLE}\n\`\`\``, ...BOTH },
  { name: 'a fence that never ends', reply: `\`\`\`json\n${WHOLE}`, ...BOTH },
  { name: 'a fence without a language', reply: `\`\`\`\n${WHOLE}\n\`\`\``, ...BOTH },
  { name: 'prose before and after', reply: `Here is the graph you asked for:\n${WHOLE}\nI hope this helps!`, ...BOTH },
  { name: 'prose with braces before', reply: `Using the {schema} given: ${WHOLE}`, ...BOTH },
  { name: 'thinking before', reply: `<think>The user wants {"entities": [..]} hmm</think>\n${WHOLE}`, ...BOTH },
  { name: 'only the end of thinking', reply: `first I list things\n</think>${WHOLE}`, ...BOTH },
  { name: 'a byte order mark', reply: `\ufeff${WHOLE}`, ...BOTH },
  { name: 'entities and relations at the top', reply: `{"entities":[${PAIR}],"relations":[${EDGE}]}`, ...BOTH },
  { name: 'relationships instead of relations', reply: `{"entities":[${PAIR}],"relationships":[${EDGE}]}`, ...BOTH },
  { name: 'nodes and edges', reply: `{"nodes":[${PAIR}],"edges":[${EDGE}]}`, ...BOTH },
  { name: 'a bare list of records', reply: `[${PAIR},${EDGE}]`, ...BOTH },
  { name: 'one record a line', reply: `${E('勾股定理', '勾股定理說明')}\n${E('平方根', '掌握平方根')}\n${EDGE}`, ...BOTH },
  { name: 'keyed by chunk id', reply: `{"c1":{"entities":[${PAIR}],"relations":[${EDGE}]}}`, ...BOTH },
  { name: 'a list of chunk objects', reply: `[{"chunk_id":"c1","entities":[${PAIR}],"relations":[${EDGE}]}]`, ...BOTH },
  { name: 'a chunk object instead of a list', reply: `{"chunks":{"id":"c1","entities":[${PAIR}],"relations":[${EDGE}]}}`, ...BOTH },
  { name: 'a chunk id as a number', reply: `{"chunks":[{"id":1,"entities":[${PAIR}],"relations":[${EDGE}]}]}`, ...BOTH },
  { name: 'trailing commas', reply: `{"entities":[${PAIR},],"relations":[${EDGE},],}`, ...BOTH },
  { name: 'missing commas between records', reply: `{"entities":[${PAIR.replace('},{', '} {')}] "relations":[${EDGE}]}`, ...BOTH },
  { name: 'a missing comma between members', reply: WHOLE.replace('"theorem",', '"theorem"\n'), ...BOTH },
  { name: 'doubled commas', reply: WHOLE.replace('},{', '},,{'), ...BOTH },
  { name: 'single quotes', reply: WHOLE.replaceAll('"', "'"), ...BOTH },
  { name: 'curly quotes', reply: WHOLE.replaceAll(/"([^"]*)"/g, '“$1”'), ...BOTH },
  { name: 'unquoted keys', reply: WHOLE.replaceAll(/"(\w+)":/g, '$1:'), ...BOTH },
  { name: 'full-width commas and colons', reply: WHOLE.replaceAll('",', '"，').replaceAll('":', '"：'), ...BOTH },
  {
    name: 'full-width brackets inside',
    reply: `{"entities"：［${PAIR.replaceAll('{', '｛').replaceAll('}', '｝')}］，"relations"：［${EDGE}］}`,
    ...BOTH,
  },
  { name: 'comments', reply: `{// the entities\n"entities":[${PAIR}], /* and */ "relations":[${EDGE}]}`, ...BOTH },
  {
    name: 'a key that comes twice with lists',
    reply: `{"entities":[${E('勾股定理', '勾股定理說明')}],"entities":[${E('平方根', '掌握平方根')}],"relations":[${EDGE}]}`,
    ...BOTH,
  },
  { name: 'a key that comes twice with text', reply: `{"entities":[{"name":"x","name":"平方根","quote":"平方根"}]}`, names: ['平方根'] },
  { name: 'a missing last bracket', reply: WHOLE.slice(0, -1), ...BOTH, truncated: true },
  { name: 'no closing brackets at all', reply: WHOLE.slice(0, -4), ...BOTH, truncated: true },
  {
    name: 'cut inside the relation',
    reply: WHOLE.slice(0, WHOLE.indexOf('"description":"r"')),
    names: ['勾股定理', '平方根'],
    edges: [],
    truncated: true,
  },
  { name: 'cut inside the second entity', reply: WHOLE.slice(0, WHOLE.indexOf('d of 平方根')), names: ['勾股定理'], truncated: true },
  {
    name: 'cut inside an alias list',
    reply: `{"entities":[${E('勾股定理', '勾股定理說明')},{"name":"平方根","aliases":["根`,
    names: ['勾股定理'],
    truncated: true,
  },
  { name: 'cut after a key', reply: `{"entities":[${E('勾股定理', '勾股定理說明')}],"relations":`, names: ['勾股定理'], truncated: true },
  { name: 'the wrong bracket closes', reply: `{"entities":[${PAIR}},"relations":[${EDGE}]}`, ...BOTH },
  {
    name: 'LaTeX with single backslashes',
    reply: String.raw`{"entities":[{"name":"分數","type":"formula","description":"寫成 $\frac{a}{b}$ 與 $\theta$","quote":"公式 $\frac{a}{b}+\theta$"}]}`,
    names: ['分數'],
  },
  {
    name: 'LaTeX with doubled backslashes',
    reply: String.raw`{"entities":[{"name":"分數","description":"$\\frac{a}{b}$","quote":"公式 $\\frac{a}{b}+\\theta$"}]}`,
    names: ['分數'],
  },
  {
    name: 'an escape JSON does not know',
    reply: String.raw`{"entities":[{"name":"平方根","description":"\alpha \( x \)","quote":"平方根"}]}`,
    names: ['平方根'],
  },
  {
    name: 'a broken unicode escape',
    reply: String.raw`{"entities":[{"name":"平方根","description":"\u12 and \underline{x}","quote":"平方根"}]}`,
    names: ['平方根'],
  },
  { name: 'unicode escapes', reply: String.raw`{"entities":[{"name":"\u5e73\u65b9\u6839","quote":"平方根"}]}`, names: ['平方根'] },
  {
    name: 'raw newlines in strings',
    reply: '{"entities":[{"name":"平方根","description":"one\ntwo","quote":"平方根"}]}',
    names: ['平方根'],
  },
  {
    name: 'unescaped quotes in a string',
    reply: '{"entities":[{"name":"你好","description":"他说"你好"然后离开","quote":"他说"你好"然后"}]}',
    names: ['你好'],
  },
  {
    name: 'NUL and half surrogates',
    reply: `{"entities":[{"name":"平方\u0000根","description":"a\ud800b\u0000","quote":"平方根"}]}`,
    names: ['平方根'],
  },
  {
    name: 'entities keyed by name',
    reply: '{"entities":{"平方根":{"type":"concept","quote":"平方根"},"勾股定理":"a theorem"}}',
    names: ['平方根', '勾股定理'],
  },
  { name: 'entities as bare names', reply: '{"entities":["平方根","勾股定理"]}', names: ['平方根', '勾股定理'] },
  { name: 'a single entity object', reply: `{"entities":${E('平方根', '平方根')}}`, names: ['平方根'] },
  {
    name: 'entities as tuples',
    reply: '{"entities":[["平方根","concept","a root"]],"relations":[["平方根","勾股定理","prerequisite","r"]]}',
    names: ['平方根'],
    dropped: 1,
  },
  { name: 'null lists', reply: '{"entities":null,"relations":null}', names: [] },
  { name: 'Python literals', reply: `{"entities":[{"name":"平方根","aliases":None,"quote":"平方根","sure":True}]}`, names: ['平方根'] },
  {
    name: 'other names of the fields',
    reply:
      '{"entities":[{"entity_name":"平方根","entity_type":"Concept","desc":"x","evidence":"平方根"},{"entity":"勾股定理","quote":"勾股定理"}],"relationships":[{"src":"平方根","tgt":"勾股定理","predicate":"prerequisite","evidence":"先掌握平方根"}]}',
    names: ['平方根', '勾股定理'],
    edges: ['平方根→勾股定理'],
  },
  { name: 'Chinese keys', reply: '{"实体":[{"名称":"平方根","类型":"概念","描述":"根","原文":"平方根"}]}', names: ['平方根'] },
  {
    name: 'keywords as one string',
    reply: `{"entities":[${PAIR}],"relations":[{"source":"平方根","target":"勾股定理","keywords":"Prerequisite，基礎、before","quote":"先掌握平方根"}]}`,
    ...BOTH,
  },
  {
    name: 'numbers and records that are none',
    reply: `{"entities":[7,null,{"type":"x"},${E('平方根', '平方根')}]}`,
    names: ['平方根'],
    dropped: 2,
  },
  {
    name: 'an entity without a name',
    reply: '{"entities":[{"name":"","quote":"平方根"},{"name":"12","quote":"平方根"}]}',
    names: [],
    dropped: 2,
  },
  { name: 'a quote that is not in the text', reply: `{"entities":[${E('平方根', '立方根')}]}`, names: [], dropped: 1 },
  { name: 'a quote with other spacing and width', reply: `{"entities":[${E('Newton', 'Newton＇s law F=ma')}]}`, names: ['Newton'] },
  {
    name: 'a relation with an end that was not listed',
    reply: `{"entities":[${E('平方根', '平方根')}],"relations":[${EDGE}]}`,
    names: ['平方根'],
    dropped: 1,
  },
  {
    name: 'a relation with itself',
    reply: `{"entities":[${E('平方根', '平方根')}],"relations":[${R('平方根', '平方根', '平方根')}]}`,
    names: ['平方根'],
    dropped: 1,
  },
  { name: 'the same entity twice', reply: `{"entities":[${E('平方根', '平方根')},${E('平方根', '掌握平方根')}]}`, names: ['平方根'] },
  {
    name: 'a relation by alias',
    reply: `{"entities":[${E('ABC定理', 'ABC定理', ',"aliases":["三字定理"]')},${E('平方根', '平方根')}],"relations":[${R('三字定理', '平方根', 'ＡＢＣ定理')}]}`,
    names: ['ABC定理', '平方根'],
    edges: ['ABC定理→平方根'],
  },
  {
    name: 'rows as LightRAG asks for them',
    reply:
      'entity<|#|>勾股定理<|#|>theorem<|#|>says so\nentity<|#|>平方根<|#|>concept<|#|>a root\nrelation<|#|>平方根<|#|>勾股定理<|#|>prerequisite<|#|>before\n<|COMPLETE|>',
    ...BOTH,
  },
  {
    name: 'rows with damaged delimiters',
    reply:
      'entity<|##|>勾股定理<#>theorem<|#>says so\nentity<#|>平方根<|\\#|>concept<X#|>a root\nrelation<|#|>平方根<|>勾股定理<||prerequisite|#|>before\n<|COMPLETE|>',
    ...BOTH,
  },
  {
    name: 'rows glued into one line',
    reply:
      '("entity"<|#|>"勾股定理"<|#|>"theorem"<|#|>"says so")##("entity"<|#|>"平方根"<|#|>"concept"<|#|>"a root")##("relationship"<|#|>"平方根"<|#|>"勾股定理"<|#|>"prerequisite"<|#|>"before")<|COMPLETE|>',
    ...BOTH,
  },
  {
    name: 'a relation row under the word entity',
    reply:
      'entity<|#|>勾股定理<|#|>theorem<|#|>x\nentity<|#|>平方根<|#|>concept<|#|>y\nentity<|#|>平方根<|#|>勾股定理<|#|>prerequisite<|#|>before\n<|COMPLETE|>',
    ...BOTH,
  },
  {
    name: 'rows by vertical bars',
    reply: 'entity|勾股定理|theorem|says so\nentity|平方根|concept|a root\nrelation|平方根|勾股定理|prerequisite|before\n<|COMPLETE|>',
    ...BOTH,
  },
  {
    name: 'rows by full-width commas',
    reply: 'entity，勾股定理，theorem，says so\nentity，平方根，concept，a root\n<|COMPLETE|>',
    names: ['勾股定理', '平方根'],
  },
  {
    name: 'a row that is too short',
    reply: 'entity<|#|>勾股定理<|#|>theorem<|#|>says so\nrelation<|#|>平方根\n<|COMPLETE|>',
    names: ['勾股定理'],
    dropped: 1,
  },
  {
    name: 'rows that were cut',
    reply: 'entity<|#|>勾股定理<|#|>theorem<|#|>says so。\nentity<|#|>平方',
    names: ['勾股定理'],
    dropped: 1,
    truncated: true,
  },
  { name: 'a refusal', reply: 'I am sorry, but I cannot help with that.', names: [] },
  { name: 'nothing', reply: '', names: [] },
  { name: 'white space', reply: ' \n\t ', names: [] },
  { name: 'HTML', reply: '<html><body>502 Bad Gateway</body></html>', names: [] },
  { name: 'only brackets', reply: '[[[[{{{{]]]]}}}}', names: [] },
  { name: 'an opening bracket', reply: '{', names: [] },
  { name: 'a lone quote', reply: '"', names: [] },
  { name: 'prototype keys', reply: `{"__proto__":{"x":1},"constructor":{"y":2},"entities":[${E('平方根', '平方根')}]}`, names: ['平方根'] },
]

describe('parseExtraction salvages', () => {
  test.each(CASES)('$name', ({ reply, names, edges = [], dropped = 0, truncated = false }) => {
    const [extraction] = parseExtraction(reply, [CHUNK])
    expect(extraction?.entities.map(({ name }) => name)).toEqual(names)
    expect(extraction?.relations.map(({ source, target }) => `${source}→${target}`)).toEqual(edges)
    expect(extraction?.dropped).toBe(dropped)
    expect(extraction?.truncated).toBe(truncated)
    for (const { quote } of [...(extraction?.entities ?? []), ...(extraction?.relations ?? [])]) expect(TEXT).toContain(quote)
  })

  test('at least 60 kinds of reply', () => expect(CASES.length).toBeGreaterThanOrEqual(60))
})

test('LaTeX survives whichever way its backslashes were written', () => {
  const one = CASES.find(({ name }) => name === 'LaTeX with single backslashes')
  const [extraction] = parseExtraction(one?.reply ?? '', [CHUNK])
  expect(extraction?.entities[0]).toMatchObject({
    description: String.raw`寫成 $\frac{a}{b}$ 與 $\theta$`,
    quote: String.raw`公式 $\frac{a}{b}+\theta$`,
  })
})

test('a quote is returned as the chunk writes it, not as the model does', () => {
  const [extraction] = parseExtraction(`{"entities":[${E('Newton', 'newton’s law f=MA')}]}`, [CHUNK])
  expect(extraction?.entities[0]?.quote).toBe("Newton's law  F = ma")
})

test('a bracketed translation becomes an alias, and an alias the chunk does not know is left out', () => {
  const text = '勾股定理（Pythagoras theorem）很有用。'
  const [extraction] = parseExtraction('{"entities":[{"name":"勾股定理(Pythagoras theorem)","aliases":["毕氏定理"],"quote":"勾股定理"}]}', [
    { id: 'c1', text },
  ])
  expect(extraction?.entities[0]).toMatchObject({ name: '勾股定理', aliases: ['Pythagoras theorem'] })
})

test('a record claimed for one chunk is not held up by the text of another', () => {
  const chunks = [
    { id: 'c1', text: '平方根在此。' },
    { id: 'c2', text: '立方根在此。' },
  ]
  const reply = `{"chunks":[{"id":"c1","entities":[${E('立方根', '立方根')}]},{"id":"c2","entities":[${E('立方根', '立方根')}]}]}`
  const [first, second] = parseExtraction(reply, chunks)
  expect(first).toMatchObject({ entities: [], dropped: 1 })
  expect(second?.entities.map(({ name }) => name)).toEqual(['立方根'])
})

test('records without a chunk go to every chunk that shows them, and to no other', () => {
  const chunks = [
    { id: 'c1', text: '平方根在此。' },
    { id: 'c2', text: '立方根在此。' },
  ]
  const parsed = parseExtraction(`{"entities":[${E('立方根', '立方根')},${E('平方根', '平方根')},${E('四次根', '四次根')}]}`, chunks)
  expect(parsed.map(({ entities }) => entities.map(({ name }) => name))).toEqual([['平方根'], ['立方根']])
  expect(parsed[0]?.dropped).toBe(1)
})

test('the limit per chunk holds and what is beyond it is counted', () => {
  const names = Array.from({ length: MAX_ENTITIES + 5 }, (_unused, index) => `根号${index}号`)
  const reply = `{"entities":[${names.map((name) => E(name, name)).join(',')}]}`
  const [extraction] = parseExtraction(reply, [{ id: 'c1', text: names.join('。') }])
  expect(extraction).toMatchObject({ dropped: 5 })
  expect(extraction?.entities).toHaveLength(MAX_ENTITIES)
})

test('a type becomes one snake_case word', () => {
  const typed = (type: string): string | undefined =>
    parseExtraction(`{"entities":[{"name":"平方根","type":"${type}","quote":"平方根"}]}`, [CHUNK])[0]?.entities[0]?.type
  expect(['Knowledge Point', 'questionType', 'Person, Place', "a'(b)", '', '知识点'].map(typed)).toEqual([
    'knowledge_point',
    'question_type',
    'person',
    'concept',
    'concept',
    '知识点',
  ])
})

test('nothing makes it throw, hang or invent a quote', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    ',',
    '，',
    ':',
    '：',
    '\\',
    '<|#|>',
    'entity',
    'relation',
    '"name"',
    '"entities"',
    '平方根',
    '\n',
    '<think>',
    '</think>',
    '```',
    '1',
    'null',
    '//',
    '/*',
    '“',
    '”',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
      const [extraction] = parseExtraction(parts.join(''), [CHUNK])
      for (const { quote } of extraction?.entities ?? []) expect(TEXT).toContain(quote)
    }),
    { numRuns: 500 },
  )
})

test('cutting a good reply anywhere keeps only whole records', () => {
  for (let end = 0; end <= WHOLE.length; end += 1) {
    const [extraction] = parseExtraction(WHOLE.slice(0, end), [CHUNK])
    for (const entity of extraction?.entities ?? []) expect(entity.description).toBe(`d of ${entity.name}`)
    for (const relation of extraction?.relations ?? [])
      expect(relation).toMatchObject({ source: '平方根', target: '勾股定理', description: 'r' })
  }
})

test('a very long hostile reply takes linear work', () => {
  expect(parseExtraction('{"a":['.repeat(50_000), [CHUNK])).toHaveLength(1)
  expect(parseExtraction('{'.repeat(200_000), [CHUNK])).toHaveLength(1)
  expect(parseExtraction('"a" "b" '.repeat(50_000), [CHUNK])).toHaveLength(1)
  expect(parseExtraction('\n'.repeat(200_000), [CHUNK])).toHaveLength(1)
  expect(parseExtraction('<think>'.repeat(50_000), [CHUNK])).toHaveLength(1)
  expect(parseExtraction('entity'.repeat(50_000), [CHUNK])).toHaveLength(1)
  expect(parseExtraction('entity<|#|>a<|#|>b\n'.repeat(5_000), [CHUNK])).toHaveLength(1)
  expect(parseExtraction('('.repeat(200_000), [CHUNK])).toHaveLength(1)
})
