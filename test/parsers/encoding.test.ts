// Text in the encodings that teachers' computers really write.
import { describe, expect, test } from 'vitest'
import { decodeText } from '../../src/parsers/encoding.ts'
import { sniffMediaType } from '../../src/parsers/sniff.ts'
import { encode, parseHere } from './support.ts'

const SIMPLIFIED = '二次函数的图像是一条抛物线，它的对称轴平行于纵轴。'
const TRADITIONAL = '二次函數的圖像是一條拋物線，它的對稱軸平行於縱軸。'

const CASES: [string, string, Uint8Array, string][] = [
  ['UTF-8', SIMPLIFIED, Buffer.from(SIMPLIFIED), 'utf-8'],
  ['UTF-8 with a mark', SIMPLIFIED, Buffer.from(`\ufeff${SIMPLIFIED}`), 'utf-8'],
  ['UTF-16 LE with a mark', TRADITIONAL, encode(`\ufeff${TRADITIONAL}`, 'utf-16le'), 'utf-16le'],
  ['UTF-16 BE with a mark', TRADITIONAL, encode(`\ufeff${TRADITIONAL}`, 'utf-16be'), 'utf-16be'],
  ['UTF-16 LE without a mark', 'name,score\nAnn,81\n', encode('name,score\nAnn,81\n', 'utf-16le'), 'utf-16le'],
  ['UTF-16 BE without a mark', 'name,score\nAnn,81\n', encode('name,score\nAnn,81\n', 'utf-16be'), 'utf-16be'],
  ['GBK', SIMPLIFIED, encode(SIMPLIFIED, 'gbk'), 'gb18030'],
  ['GBK with traditional characters', TRADITIONAL, encode(TRADITIONAL, 'gbk'), 'gb18030'],
  ['Big5', TRADITIONAL, encode(TRADITIONAL, 'big5'), 'big5'],
  ['four characters of GBK', '成绩名单', encode('成绩名单', 'gbk'), 'gb18030'],
  ['four characters of Big5', '成績名單', encode('成績名單', 'big5'), 'big5'],
  ['two characters of GBK', '姓名', encode('姓名', 'gbk'), 'gb18030'],
  ['two characters of Big5', '學號', encode('學號', 'big5'), 'big5'],
  [
    'a mostly ASCII table in GBK',
    'id,name,score\n1,陈大文,81\n2,Ann,90\n',
    encode('id,name,score\n1,陈大文,81\n2,Ann,90\n', 'gbk'),
    'gb18030',
  ],
  [
    'a mostly ASCII table in Big5',
    'id,name,score\n1,陳大文,81\n2,Ann,90\n',
    encode('id,name,score\n1,陳大文,81\n2,Ann,90\n', 'big5'),
    'big5',
  ],
  [
    'windows-1252',
    'The café’s naïve résumé – 20 € in Zürich',
    encode('The café’s naïve résumé – 20 € in Zürich', 'windows-1252'),
    'windows-1252',
  ],
  ['ASCII', 'plain words', Buffer.from('plain words'), 'utf-8'],
]

describe('decodeText', () => {
  test.each(CASES)('reads %s', (_name, text, bytes, encoding) => {
    expect(decodeText(bytes)).toEqual({ text, encoding })
  })

  test('a declared encoding decides where the bytes alone are ambiguous', () => {
    expect(decodeText(encode('日本語の文章です。', 'shift_jis'), 'shift_jis').text).toBe('日本語の文章です。')
  })

  test('a wrong declaration does not spoil UTF-8', () => {
    expect(decodeText(Buffer.from(SIMPLIFIED), 'iso-8859-1').text).toBe(SIMPLIFIED)
  })

  test('a few broken bytes leave the rest of a UTF-8 text readable', () => {
    const bytes = Buffer.concat([Buffer.from(SIMPLIFIED.repeat(4)), Buffer.from([0xff, 0xfe, 0x41]), Buffer.from(SIMPLIFIED)])
    expect(decodeText(bytes).text).toContain(SIMPLIFIED)
  })
})

test('a GBK table keeps its columns', async () => {
  const document = await parseHere(encode('姓名\t分数\n陈大文\t81\n', 'gbk'), 'scores.csv')
  expect(document.blocks[0]?.table?.cells.map((cell) => cell.text)).toEqual(['姓名', '分数', '陈大文', '81'])
})

/** Bytes that look random and are the same in every run. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

test.each([64, 300, 3000, 30_000, 100_000])('of 200 files of %i random bytes not one is taken for text', (length) => {
  const taken = Array.from({ length: 200 }, (_, seed) => noise(length, seed * 7919 + 1)).filter((bytes) => {
    try {
      return sniffMediaType(bytes, 'a.txt').mediaType.startsWith('text/')
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/unsupported_file_type|unprocessable_document/) })
      return false
    }
  })
  expect(taken).toHaveLength(0)
})

test.each([
  ['张伟', 'gbk'],
  ['张伟,85\n李雷,90', 'gbk'],
  ['A班', 'gbk'],
  ['饕餮 魑魅魍魉', 'gbk'],
  ['勾股定理\r\n\u001a', 'gbk'],
  ['陳大文', 'big5'],
  ['你好', 'big5'],
  ['A班', 'big5'],
  ['勾股定理\r\n\u001a', 'big5'],
  ['été à Noël', 'windows-1252'],
  ['Größe: 5 m', 'windows-1252'],
  ['é', 'windows-1252'],
] as const)('the short text %j in %s is text and is read', (text, encoding) => {
  const bytes = encode(text, encoding)
  expect([sniffMediaType(bytes, 'a.txt').mediaType, decodeText(bytes).text]).toEqual(['text/plain', text])
})

test.each(['gbk', 'big5'] as const)(
  'a long text in %s is recognised wherever its sample is cut, and one damaged byte costs one character',
  (encoding) => {
    const text = encoding === 'gbk' ? SIMPLIFIED : TRADITIONAL
    const bytes = Buffer.concat([Buffer.from('x'), encode(text.repeat(2000), encoding)])
    expect(bytes.length).toBeGreaterThan(65_536)
    for (const from of [0, 1]) expect(sniffMediaType(bytes.subarray(from), 'a.txt').mediaType).toBe('text/plain')
    const damaged = Buffer.concat([encode(text, encoding), Buffer.from([0xff]), encode(text, encoding)])
    expect(decodeText(damaged).text).toContain(text)
  },
)
