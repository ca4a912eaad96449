import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanText, detectLanguage, foldForSearch, isCjk, normaliseForSearch, toSimplified } from '../../src/core/text.ts'

describe('toSimplified', () => {
  it.each([
    ['二次函數的圖像', '二次函数的图像'],
    ['乾燥的乾坤', '干燥的乾坤'],
    ['衞生裏面', '卫生里面'],
    ['软件和数据', '软件和数据'],
    ['plain text', 'plain text'],
  ])('writes %j as %j', (traditional, simplified) => {
    expect(toSimplified(traditional)).toBe(simplified)
  })
})

describe('normaliseForSearch', () => {
  it.each([
    ['軟體程式設計', '软件编程'],
    ['或然率', '概率'],
    ['機率', '概率'],
    ['畢氏定理', '勾股定理'],
    ['直角座標', '直角坐标'],
    ['Ｑｕａｄｒａｔｉｃ　Ｆｕｎｃｔｉｏｎ！', 'quadratic function'],
    ['DSE-M1-3.2, “二次函數”：', 'dse-m1-3.2 二次函数'],
    ['don’t - stop.', "don't stop"],
    ['a、b；（c）', 'a b c'],
    ['⼆次⽅程', '二次方程'],
    ['…', ''],
  ])('folds %j to %j', (text, folded) => {
    expect(normaliseForSearch(text)).toBe(folded)
  })

  it('does not depend on the script a text is typed in', () => {
    const han = fc.integer({ min: 0x4e00, max: 0x9fff }).map((codePoint) => String.fromCodePoint(codePoint))
    const word = fc.constantFrom('軟體', '資料庫', '程式設計', '機率', '方程式', '乾坤', '數據', '文件', '檔案', 'SQL隱碼攻擊', ' ')
    fc.assert(
      fc.property(
        fc.array(fc.oneof(han, word), { maxLength: 12 }).map((parts) => parts.join('')),
        (text) => {
          expect(foldForSearch(toSimplified(text))).toBe(foldForSearch(text))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('is stable for school vocabulary', () => {
    for (const word of ['軟體', '資料庫', '程式設計', '機率', '方程式', '聯立方程', '檔案', '向量', '座標']) {
      expect(normaliseForSearch(normaliseForSearch(word))).toBe(normaliseForSearch(word))
    }
  })
})

describe('cleanText', () => {
  it.each([
    ['a\u0000b\u0007c', 'abc'],
    ['a\ud800b\udc00c', 'abc'],
    ['a\r\nb\rc\u2028d\fe', 'a\nb\nc\nd\ne'],
    ['\ufefftab\tkept', 'tab\tkept'],
    ['⼆⽅', '二方'],
    ['x²ﬁ①', 'x²ﬁ①'],
    ['𠮷👨‍👩‍👧', '𠮷👨‍👩‍👧'],
  ])('cleans %j to %j', (raw, clean) => {
    expect(cleanText(raw)).toBe(clean)
  })
})

describe('isCjk', () => {
  it.each([
    ['一', true],
    ['鿿', true],
    ['㐀', true],
    ['𠮷', true],
    ['〇', true],
    ['\u{30000}', true],
    ['豈', true],
    ['あ', false],
    ['한', false],
    ['。', false],
    ['A', false],
  ])('%s: %s', (character, expected) => {
    expect(isCjk(character.codePointAt(0) ?? 0)).toBe(expected)
  })
})

describe('detectLanguage', () => {
  it.each([
    ['學生應能理解二次函數', 'zh-Hant'],
    ['学生应能理解二次函数', 'zh-Hans'],
    ['二次方程', 'zh-Hans'],
    ['什麼是光合作用？', 'zh-Hant'],
    ['合作的意義', 'zh-Hant'],
    ['什么是光合作用？', 'zh-Hans'],
    ['皇后在公里之外', 'zh-Hans'],
    ['什么是 quadratic function', 'zh-Hans'],
    ['The Pythagoras theorem (勾股定理) states that', 'en'],
    ['What is a quadratic function?', 'en'],
    ['こんにちは世界', 'other'],
    ['été à côté', 'other'],
    ['123 + 4', 'other'],
    ['', 'other'],
  ])('%j is %s', (text, language) => {
    expect(detectLanguage(text)).toBe(language)
  })
})
