import { describe, expect, test } from 'vitest'
import { explain } from '../../src/core/explained.ts'

const at = (content: string, ...headings: string[]): ReturnType<typeof explain> => explain(content, { headings, asides: new Set(headings) })

const table = (...rows: string[][]): string => rows.map((row) => `| ${row.join(' | ')} |`).join('\n')
const rule = (columns: number): string[] => Array.from({ length: columns }, () => '---')

const TERMS = [
  ['勾股定理', "Pythagoras' theorem", '直角三角形兩條直角邊的平方和等於斜邊的平方。'],
  ['斜邊', 'hypotenuse', '直角的對邊。'],
  ['方差 (variance)', 'Var', '各數據與平均數之差的平方的平均數。'],
]

describe('a glossary explains itself', () => {
  test('terms, translations and definitions come from the columns, each with its row as evidence', () => {
    const text = `第三章詞彙\n\n${table(['術語', 'English', '定義'], rule(3), ...TERMS)}`
    const found = explain(text, { headings: ['課本'], asides: new Set(['第三章詞彙']) })
    expect(found?.by).toBe('glossary')
    expect(found?.extraction.entities).toEqual([
      {
        name: '勾股定理',
        type: 'other',
        description: '直角三角形兩條直角邊的平方和等於斜邊的平方。',
        aliases: ["Pythagoras' theorem"],
        quote: "勾股定理 | Pythagoras' theorem | 直角三角形兩條直角邊的平方和等於斜邊的平方。",
      },
      { name: '斜邊', type: 'other', description: '直角的對邊。', aliases: ['hypotenuse'], quote: '斜邊 | hypotenuse | 直角的對邊。' },
      {
        name: '方差',
        type: 'other',
        description: '各數據與平均數之差的平方的平均數。',
        aliases: ['variance', 'Var'],
        quote: '方差 (variance) | Var | 各數據與平均數之差的平方的平均數。',
      },
    ])
    for (const { quote } of found?.extraction.entities ?? []) expect(text).toContain(quote)
  })

  test.each<[string, string, string[], [string, string[]][]]>([
    [
      'a bilingual table with numbers, without definitions',
      table(
        ['#', '中文', 'English', '詞性'],
        rule(4),
        ['1', '力', 'n. force', '名詞'],
        ['2', '功', 'work', ''],
        ['3', '功率', 'power', ''],
      ),
      [],
      [
        ['力', ['force']],
        ['功', ['work']],
        ['功率', ['power']],
      ],
    ],
    [
      'a translation of two terms names neither',
      table(['Term', '中文'], rule(2), ['power', '冪；功率'], ['exponent', '冪'], ['base', '底數']),
      [],
      [
        ['power', ['功率']],
        ['exponent', []],
        ['base', ['底數']],
      ],
    ],
    [
      'a table whose header was not recognised',
      table(['名词', '英文'], ['质量', 'mass'], ['密度', 'density'], ['浮力', 'buoyancy']),
      [],
      [
        ['质量', ['mass']],
        ['密度', ['density']],
        ['浮力', ['buoyancy']],
      ],
    ],
    [
      'both scripts in columns of their own',
      table(
        ['單元', '術語', '簡體', 'English'],
        rule(4),
        ['1', '軟體', '软件', 'software'],
        ['2', '函數', '函数', ''],
        ['3', '圖', '图', 'graph'],
      ),
      [],
      [
        ['軟體', ['软件', 'software']],
        ['函數', []],
        ['圖', ['graph']],
      ],
    ],
    [
      'lines of term and translation under a heading',
      '- 葉綠素：chlorophyll\n- 光合作用：photosynthesis\n- 氣孔：stoma; stomata',
      ['生物', '重要詞彙表'],
      [
        ['葉綠素', ['chlorophyll']],
        ['光合作用', ['photosynthesis']],
        ['氣孔', ['stoma', 'stomata']],
      ],
    ],
    [
      'lines of term and definition under a heading, with a line that leads to them',
      'Learn these:\n\n1. osmosis: the movement of water through a membrane.\n2. diffusion — the spreading of particles\n3. enzyme - a protein that speeds up a reaction',
      ['Key terms'],
      [
        ['osmosis', []],
        ['diffusion', []],
        ['enzyme', []],
      ],
    ],
    [
      'paragraphs under a heading with an addition in brackets',
      '通貨膨脹：物價水平持續上升。\n\n失業率：失業人口佔勞動人口的百分比。\n\n匯率：兩種貨幣的兌換比率。',
      ['名詞解釋（經濟）'],
      [
        ['通貨膨脹', []],
        ['失業率', []],
        ['匯率', []],
      ],
    ],
    [
      'a pipe that belongs to a cell',
      table(
        ['term', 'definition'],
        rule(2),
        ['absolute value', 'written \\|x\\|'],
        ['slope', 'rise over run'],
        ['root', 'where a curve meets the axis'],
      ),
      [],
      [
        ['absolute value', []],
        ['slope', []],
        ['root', []],
      ],
    ],
  ])('%s', (_name, text, headings, expected) => {
    const found = at(text, ...headings)
    expect(found?.by).toBe('glossary')
    expect(found?.extraction.entities.map(({ name, aliases }) => [name, aliases])).toEqual(expected)
    for (const { quote, description } of found?.extraction.entities ?? []) {
      expect(text).toContain(quote)
      expect(description).not.toBe('')
    }
  })
})

describe('lists that say nothing about the subject', () => {
  test.each([
    ['contents with leaders', '目錄\n\n第一章 二次函數 ........ 1\n第二章 三角 …… 12\n第三章 概率 ···· 30\n附錄 ........ 45', []],
    ['contents by their heading', '1 Forces 3\n2 Motion 10\n2.1 Speed 10\n3 Energy 25', ['Physics', 'Table of Contents']],
  ])('%s', (_name, text, headings) => {
    expect(at(text, ...headings)).toMatchObject({ by: 'contents', extraction: { entities: [], relations: [] } })
  })

  test.each([
    ['numbered', '[1] 王力. 漢語史稿. 北京: 中華書局, 1980.\n[2] Polya G. How to Solve It. Princeton, 1945.', ['參考文獻']],
    ['addresses', 'EDB: https://www.edb.gov.hk/\nHKEAA (2023). Report.', ['7. References']],
    ['with the heading as a line', '参考资料\n\n[1] 张三. 数学史. 2001.\n[2] 李四. 几何. 1999.', []],
  ])('references: %s', (_name, text, headings) => {
    expect(at(text, ...headings)).toMatchObject({ by: 'references', extraction: { entities: [], relations: [] } })
  })
})

const PROSE = '二次函數的圖像是拋物線，頂點公式給出頂點的坐標。'

test.each<[string, string, string[]]>([
  ['prose', PROSE.repeat(5), []],
  ['prose under the heading of a glossary', PROSE, ['詞彙表']],
  [
    'a glossary with a paragraph of prose',
    `${table(['術語', 'English'], rule(2), ...TERMS.map((row) => row.slice(0, 2)))}\n\n${PROSE}`,
    [],
  ],
  [
    'an entry that tells a story',
    `a term: short\nanother term: short too\nthird: ${'It was found by a person. It says much. '.repeat(4)}`,
    ['Glossary'],
  ],
  ['two entries', '力：force\n功：work', ['詞彙表']],
  [
    'lines with colons that no heading calls a glossary',
    '教師：Miss Chan\n科目：Mathematics\n班別：Form Three\n課題：Functions\n日期：Monday',
    [],
  ],
  ['a dialogue in a lesson on vocabulary', '甲：你好嗎\n乙：我很好\n甲：你去哪裡\n乙：我去學校', ['詞彙']],
  ['questions', '光合作用：它在哪裡進行？\n呼吸作用：它需要什麼？\n蒸騰作用：它有什麼用？', ['名詞解釋']],
  ['gaps to fill', 'apple: ____\npear: ____\nplum: ____', ['Vocabulary']],
  ['a table with a column that says more', table(['概念', '定義', '先備知識'], rule(3), ...TERMS), []],
  ['a table of marks', table(['姓名', 'English', '總分'], rule(3), ['陳大文', 'A', '80'], ['李小明', 'B', '70'], ['張三', 'C', '60']), []],
  ['grades in two languages', table(['編號', '中文', '英文'], rule(3), ['1', '優', '良'], ['2', '良', '優'], ['3', '常', '可']), []],
  [
    'a plan of lessons in two languages',
    table(['單元', '英文', '中文'], rule(3), ['1', 'Past tense', '記敘文'], ['2', 'Adjectives', '描寫文'], ['3', 'Letters', '議論文']),
    ['教學計劃'],
  ],
  [
    'a plan of terms of school',
    table(['Term', 'Description'], rule(2), ['Term 1', 'Forces'], ['Term 2', 'Energy'], ['Term 3', 'Waves']),
    [],
  ],
  ['answers', '第一題：乙\n第二題：甲\n第三題：丁', ['詞彙']],
  [
    'English sentences beside their translation',
    table(['English', '中文'], rule(2), ['I am a student.', '我是學生'], ['I live here.', '我住在這裡'], ['We like tea.', '我們喜歡茶']),
    [],
  ],
  [
    'parallel sentences',
    table(['中文', 'English'], rule(2), ['我是學生。', 'I am a student.'], ['你好嗎？', 'How are you?'], ['再見。', 'Goodbye.']),
    [],
  ],
  ['names and their explanation in a table of settings', table(['名稱', '說明'], rule(2), ['a', 'b'], ['c', 'd'], ['e', 'f']), []],
  ['a formula for a term', table(['術語', '定義'], rule(2), ['y = kx', '正比例'], ['斜率', '傾斜的程度'], ['截距', '與軸的交點']), []],
  ['numbers at the ends of lines', '長 3\n闊 4\n高 5\n體積 60', []],
  ['contents whose pages go back', '1 Forces 3\n2 Motion 10\n3 Energy 5\n4 Waves 20', ['Contents']],
  [
    'references with comments',
    `[1] Polya, 1945. ${'This book changed how problems are taught. '.repeat(8)}\n[2] Lakatos, 1976.`,
    ['References'],
  ],
  [
    'sources to study',
    '1914年6月28日，奧匈帝國皇儲在薩拉熱窩遇刺。\n1914 年 7 月 28 日，奧匈帝國向塞爾維亞宣戰。\n1918年大戰結束。',
    ['第一次世界大戰', '參考資料'],
  ],
  ['years in prose', '1945 年他寫成此書。\n1950 年再版。', ['歷史']],
  ['nothing', '', ['Glossary']],
])('left to the extractor: %s', (_name, text, headings) => {
  expect(at(text, ...headings)).toBeUndefined()
})
