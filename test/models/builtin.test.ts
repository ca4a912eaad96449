import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { truncateTokens } from '../../src/core/tokens.ts'
import { createBuiltinAnswerer, extractAnswer, hasEvidence } from '../../src/models/builtin/answerer.ts'
import { createBuiltinEmbedding, embedText } from '../../src/models/builtin/embedding.ts'
import { createBuiltinExtractor, extractTerms } from '../../src/models/builtin/extractor.ts'
import { sentenceSpans } from '../../src/models/builtin/sentences.ts'
import { NO_USAGE } from '../../src/ports/models.ts'
import type { Evidence } from '../../src/ports/models.ts'

const cosine = (a: string, b: string): number => {
  const [x, y] = [embedText(a), embedText(b)]
  return x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0)
}

describe('the built-in embedding', () => {
  it('gives every text a unit vector of 1024 finite numbers, the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const vector = embedText(text)
        expect(vector).toHaveLength(1024)
        expect(Math.hypot(...vector)).toBeCloseTo(1, 4)
        expect(embedText(text)).toEqual(vector)
      }),
    )
  })

  it('gives text without any feature the first basis vector', () => {
    expect(embedText('')[0]).toBe(1)
    expect(embedText('！？')).toEqual(embedText(''))
  })

  it('does not depend on script, width, case or spacing', () => {
    expect(cosine('二次函數的圖像', '二次函数的图像')).toBeCloseTo(1, 5)
    expect(cosine('ＱＵＡＤＲＡＴＩＣ　Function', 'quadratic function')).toBeCloseTo(1, 5)
  })

  it('puts shared subjects far above shared small words', () => {
    expect(cosine('二次函数的顶点怎么求', '二次函数的顶点坐标可由配方法求得')).toBeGreaterThan(0.4)
    expect(Math.abs(cosine('这是一个什么样的问题', '二次函数的顶点坐标可由配方法求得'))).toBeLessThan(0.15)
    expect(cosine('solving equations', 'how to solve an equation')).toBeGreaterThan(0.6)
  })

  it('embeds question and document alike, in order, without usage, and stops when asked', async () => {
    const model = createBuiltinEmbedding()
    const texts = Array.from({ length: 40 }, (_, i) => `text number ${i}`)
    const document = await model.embed(texts, 'document', new AbortController().signal)
    const query = await model.embed(texts, 'query', new AbortController().signal)
    expect(document).toEqual(query)
    expect(document.vectors[39]).toEqual(embedText('text number 39'))
    expect([model.model, model.dim, document.truncated, document.usage]).toEqual(['builtin/hashed-lexical-v1', 1024, 0, NO_USAGE])
    await expect(model.embed(texts, 'document', AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })
})

test('the built-in embedding cuts at its limit, counts what it cut and stays of unit length', async () => {
  const [long, short] = ['抛物线'.repeat(2000), '抛物线'] as const
  const { vectors, truncated } = await createBuiltinEmbedding().embed([long, short], 'document', new AbortController().signal)
  expect(truncated).toBe(1)
  expect(vectors[0]).toEqual(embedText(truncateTokens(long, 512)))
  expect(Math.hypot(...(vectors[0] ?? []))).toBeCloseTo(1, 5)
  expect(
    (await createBuiltinEmbedding(8).embed(['one two three four five six seven eight nine ten'], 'query', new AbortController().signal))
      .truncated,
  ).toBe(1)
})

describe('sentenceSpans', () => {
  it('ends sentences at Chinese and English marks and lines, not inside numbers', () => {
    const text = 'Pi is 3.14. 圆很圆。\n「好！」他说；走了 '
    expect(sentenceSpans(text).map(({ start, end }) => text.slice(start, end))).toEqual([
      'Pi is 3.14.',
      '圆很圆。',
      '「好！」',
      '他说；',
      '走了',
    ])
  })
})

const MATHS =
  '# 二次函數\n二次函數（quadratic function）是指形如 y=ax²+bx+c 的函數。二次函數的圖像是一條拋物線，其頂點座標可由配方法求得。學習二次函數之前，必須掌握一次函數。我們知道這是一個問題。'

describe('the built-in extractor', () => {
  const names = (text: string): string[] => extractTerms(text).entities.map(({ name }) => name)
  const relations = (text: string): string[] =>
    extractTerms(text).relations.map(({ source, target, keywords }) => `${source} ${keywords.join()} ${target}`)

  it('finds terms with type, alias and the sentence that defines them', () => {
    const { entities } = extractTerms(MATHS)
    expect(entities[0]).toEqual({
      name: '二次函數',
      type: 'knowledge_point',
      description: '二次函數（quadratic function）是指形如 y=ax²+bx+c 的函數。',
      aliases: ['quadratic function'],
      quote: '二次函數（quadratic function）是指形如 y=ax²+bx+c 的函數。',
    })
    expect(entities.map(({ name, type }) => `${name}:${type}`)).toEqual(
      expect.arrayContaining(['拋物線:knowledge_point', '配方法:method', '一次函數:knowledge_point']),
    )
  })

  it.each([
    ['根据勾股定理，我们可以求出斜边。', ['勾股定理']],
    ['《红楼梦》是曹雪芹所著。', ['红楼梦']],
    ['我们把这样的方程叫做一元二次方程。', ['一元二次方程']],
    ['光合作用是指绿色植物利用光能的过程。', ['光合作用']],
    ['The Pythagorean Theorem relates the sides of a right triangle.', ['Pythagorean Theorem', 'right triangle']],
    ['Its graph is called a parabola.', ['parabola']],
    [
      'Photosynthesis is the process by which plants convert light energy into chemical energy.',
      ['light energy', 'chemical energy', 'Photosynthesis'],
    ],
  ])('%s names %j', (text, expected) => {
    expect(names(text).toSorted()).toEqual(expected.toSorted())
  })

  it.each([
    ['因为所以我们可以知道一个问题的答案。同学们请注意，这道题目很重要，大家一起讨论一下。'],
    ['Please read the following section. This is a good example, and we will see what happens next.'],
    ['计算 12 + 34 = 46，再计算 56 - 7 = 49。'],
    [''],
  ])('finds nothing in %j', (text) => {
    expect(extractTerms(text)).toEqual({ entities: [], relations: [], dropped: 0, truncated: false })
  })

  it.each([
    ['學習二次函數之前，必須掌握一次函數。', '一次函數 prerequisite 二次函數'],
    ['一次函数是学习二次函数的基础。', '一次函数 prerequisite 二次函数'],
    ['定积分以导数为基础。', '导数 prerequisite 定积分'],
    ['The quadratic formula requires the discriminant.', 'discriminant prerequisite quadratic formula'],
    ['A linear function is a prerequisite for a quadratic function.', 'linear function prerequisite quadratic function'],
    ['直角三角形属于三角形。', '直角三角形 part_of 三角形'],
    ['勾股定理是余弦定理的特例。', '勾股定理 part_of 余弦定理'],
    ['A quadratic equation is a type of polynomial equation.', 'quadratic equation part_of polynomial equation'],
    ['勾股定理又称毕达哥拉斯定理。', '勾股定理 alias 毕达哥拉斯定理'],
    ['抛物线与双曲线相交。', '抛物线 related 双曲线'],
  ])('%s states: %s', (text, relation) => {
    expect(relations(text)).toEqual([relation])
  })

  it('reads a list after a cue as one statement for each of its terms', () => {
    expect(relations('三角形包括锐角三角形、直角三角形和钝角三角形。')).toEqual([
      '锐角三角形 part_of 三角形',
      '直角三角形 part_of 三角形',
      '钝角三角形 part_of 三角形',
    ])
  })

  it('states nothing where the sentence denies it', () => {
    expect(relations('抛物线不属于双曲线。')).toEqual([])
  })

  it('quotes verbatim, links only what it lists, and keeps its limits on any text', () => {
    const word = fc.constantFrom(
      '二次函數',
      '勾股定理',
      '是',
      '的',
      '（vertex）',
      '。',
      '《',
      '》',
      'Quadratic ',
      'the law of ',
      '\n# ',
      '包括',
      '**',
      '𠮷',
      'y=x²',
      '光合作用',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 120 }).map((words) => words.join('')),
        (text) => {
          const { entities, relations: found } = extractTerms(text)
          expect(entities.length).toBeLessThanOrEqual(15)
          expect(found.length).toBeLessThanOrEqual(20)
          const listed = new Set(entities.map(({ name }) => name))
          for (const { quote, description, name } of entities) {
            expect(text).toContain(quote)
            expect(description.length).toBeLessThanOrEqual(200)
            expect(name).not.toBe('')
          }
          for (const { source, target, quote } of found) {
            expect(listed.has(source) && listed.has(target) && source !== target).toBe(true)
            expect(text).toContain(quote)
          }
        },
      ),
    )
  })

  it('gives one extraction per input and no usage; the header is no source of entities', async () => {
    const { extractions, usage, calls } = await createBuiltinExtractor().extract(
      [
        { text: '今天很好。', header: '勾股定理' },
        { text: MATHS, header: '' },
      ],
      new AbortController().signal,
    )
    expect(extractions.map(({ entities }) => entities.length > 0)).toEqual([false, true])
    expect([usage, calls]).toEqual([NO_USAGE, 0])
  })
})

const EVIDENCE: Evidence[] = [
  { id: 1, source: 'user/a.pdf', headings: ['二次函數'], content: '二次函數的圖像是一條拋物線。其頂點座標可由配方法求得。今天天氣很好。' },
  {
    id: 2,
    source: 'user/b.pdf',
    headings: [],
    content: 'The vertex of a parabola is found by completing the square. See [3] for more on the vertex form.',
  },
]

describe('the built-in answerer', () => {
  it('quotes the sentence that covers the question, with its citation, across scripts', () => {
    expect(extractAnswer({ question: '二次函数的顶点怎么求？', evidence: EVIDENCE })).toEqual([
      '资料中与问题有关的内容：',
      '\n- 其頂點座標可由配方法求得。 [1]',
    ])
    expect(extractAnswer({ question: 'How do I complete the square?', evidence: EVIDENCE }).join('')).toBe(
      'From the material:\n- The vertex of a parabola is found by completing the square. [2]',
    )
  })

  it('says in the language and script of the question that nothing was found, and cites nothing', () => {
    for (const question of ['什么是光合作用？', '什麼是光合作用？', 'What is photosynthesis?']) {
      const answer = extractAnswer({ question, evidence: EVIDENCE })
      expect(answer).toHaveLength(1)
      expect(answer[0]).not.toMatch(/\[\d+\]/)
    }
    expect(extractAnswer({ question: 'What is it?', evidence: [] })[0]).toMatch(/^The available material/)
    expect(extractAnswer({ question: '什麼是光合作用？', evidence: [] })[0]).toMatch(/資料/)
  })

  it('a number in brackets of the source does not pass for a citation', () => {
    expect(extractAnswer({ question: 'What is the vertex form?', evidence: EVIDENCE }).join('')).not.toContain('[3]')
  })

  it('quotes at most four sentences and each only once', () => {
    const content = Array.from(
      { length: 9 },
      (_, i) => `函数${'甲乙丙丁戊己庚辛壬'.charAt(i)}${'子丑寅卯辰巳午未申'.charAt(i)}的性质是这一章的第一条。`,
    ).join('')
    const question = '甲子 乙丑 丙寅 丁卯 戊辰 己巳 庚午'
    const pieces = extractAnswer({
      question,
      evidence: [
        { id: 1, source: 's', headings: [], content },
        { id: 2, source: 's', headings: [], content },
      ],
    })
    expect(pieces).toHaveLength(5)
    expect(new Set(pieces).size).toBe(5)
  })

  it('knows whether there is evidence', () => {
    expect(hasEvidence('抛物线是什么', EVIDENCE)).toBe(true)
    expect(hasEvidence('圆', EVIDENCE)).toBe(false)
    expect(hasEvidence('线', EVIDENCE)).toBe(true)
    expect(hasEvidence('的是什么', EVIDENCE)).toBe(false)
  })

  it('streams the pieces and returns the whole', async () => {
    const stream = createBuiltinAnswerer().answer(
      { question: '二次函数的顶点', facts: '', evidence: EVIDENCE, history: [] },
      new AbortController().signal,
    )
    let streamed = ''
    for (let step = await stream.next(); ; step = await stream.next()) {
      if (step.done === true) {
        expect(step.value).toEqual({ text: streamed, usage: NO_USAGE })
        break
      }
      streamed += step.value
    }
    expect(streamed).toContain('[1]')
  })
})
