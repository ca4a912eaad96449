import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareCodePoints, displayName, entityId, nameKey, orderedPair, relationId, splitBracketedAlias } from '../../src/core/names.ts'

describe('displayName', () => {
  // Reference values observed from LightRAG 1.5.
  it.each([
    ['“北京 大学”', '北京大学'],
    ['Apple 公司', 'Apple公司'],
    ['iPhone 15 手机', 'iPhone 15手机'],
    ['《论语》', '论语'],
    ['"Apple"', 'Apple'],
    ['"a" and "b"', '"a" and "b"'],
    ['李 "小" 龙', '李 小 龙'],
    ['北京（Beijing）', '北京(Beijing)'],
    ['ＡＢＣ１２３', 'ABC123'],
    ['C＋＋', 'C++'],
    ['A—B', 'A-B'],
    ['<p>Foo</p>', 'Foo'],
    ["O'Brien", "O'Brien"],
    ['12', ''],
    ['123', '123'],
    ['1.2.3', ''],
    ['12.345', '12.345'],
  ])('shows %j as %j', (raw, shown) => {
    expect(displayName(raw)).toBe(shown)
  })

  it.each([
    ['勾股 定理&nbsp;', '勾股定理'],
    ['Tom &amp; Jerry', 'Tom & Jerry'],
    ['a<br/>b', 'ab'],
    ['A\u0000B\ud800', 'AB'],
    ['カ タ', 'カ タ'],
    ['𠀀 𠀁', '𠀀 𠀁'],
    ['e\u0301', 'e\u0301'],
    ['', ''],
    ['“”', ''],
  ])('cleans %j to %j', (raw, shown) => {
    expect(displayName(raw)).toBe(shown)
  })

  it('cuts at a character within 256 characters and 512 bytes', () => {
    expect(displayName('a'.repeat(300))).toHaveLength(256)
    expect(displayName('勾'.repeat(300))).toBe('勾'.repeat(170))
    expect(Buffer.byteLength(displayName('𠀀'.repeat(300)))).toBe(512)
  })
})

describe('nameKey', () => {
  it.each([
    ['Quadratic  Function', 'QUADRATIC FUNCTION'],
    ['勾股定理', '勾股定理'],
    ['二次函數', '二次函数'],
    ['ｶ', 'カ'],
    ['e\u0301cole', 'École'],
    ['Straße', 'STRASSE'],
    ['ΣΑΣ', 'σας'],
  ])('is the same for %j and %j', (a, b) => {
    expect(nameKey(a)).toBe(nameKey(b))
  })

  it('keeps apart what only regional wording joins', () => {
    expect(nameKey('資料')).not.toBe(nameKey('數據'))
  })

  it('is stable and stays within 512 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const key = nameKey(name)
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(512)
        expect(nameKey(key)).toBe(key)
      }),
    )
  })
})

describe('splitBracketedAlias', () => {
  it.each([
    ["勾股定理 (Pythagoras' theorem)", '勾股定理', "Pythagoras' theorem"],
    ["Pythagoras' theorem（勾股定理）", "Pythagoras' theorem", '勾股定理'],
    ['Diploma of Secondary Education (DSE)', 'Diploma of Secondary Education', 'DSE'],
    ['DNA (deoxyribonucleic acid)', 'DNA (deoxyribonucleic acid)', undefined],
    ['最大公因數(HCF)', '最大公因數', 'HCF'],
    ['f(x)', 'f(x)', undefined],
    ['函数f(x)', '函数f(x)', undefined],
    ['导数(dy/dx)', '导数(dy/dx)', undefined],
    ['中國(香港)', '中國(香港)', undefined],
    ['单元 (2019)', '单元 (2019)', undefined],
    ['勾股定理', '勾股定理', undefined],
    ['(abc)', '(abc)', undefined],
  ])('reads %j as %j with alias %j', (name, kept, alias) => {
    expect(splitBracketedAlias(name)).toEqual(alias === undefined ? { name: kept } : { name: kept, alias })
  })
})

describe('ids and order', () => {
  it('an entity id is e_ and twenty url-safe characters, stable across releases', () => {
    expect(entityId('二次函数')).toMatch(/^e_[A-Za-z0-9_-]{20}$/)
    expect(entityId('abc')).toBe('e_ungWv48Bz-pBQUDeXa4i')
  })

  it('a relation has one id for both orders and another for another pair', () => {
    expect(relationId('a', 'b')).toBe(relationId('b', 'a'))
    expect(relationId('a', 'b')).not.toBe(relationId('a', 'c'))
    expect(relationId('a', 'b')).toMatch(/^r_[A-Za-z0-9_-]{20}$/)
  })

  it('a pair is ordered by code point, not by UTF-16 unit', () => {
    expect(orderedPair('\u{20000}', '\uff5e')).toEqual(['\uff5e', '\u{20000}'])
    expect(orderedPair('b', 'a')).toEqual(['a', 'b'])
  })

  it('code point order is the order of UTF-8 bytes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 6 })
    fc.assert(
      fc.property(text, text, text, (shared, a, b) => {
        expect(compareCodePoints(shared + a, shared + b)).toBe(Buffer.compare(Buffer.from(shared + a), Buffer.from(shared + b)))
      }),
    )
  })
})
