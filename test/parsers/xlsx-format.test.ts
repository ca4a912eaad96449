// Numbers as Excel shows them.
import { expect, test } from 'vitest'
import { formatValue } from '../../src/parsers/xlsx-format.ts'

test.each([
  [45_292, 'yyyy-mm-dd', '2024-01-01'],
  [45_292.75, 'yyyy-mm-dd h:mm', '2024-01-01 18:00'],
  [45_292.75, 'h:mm AM/PM', '6:00 PM'],
  [45_292, 'yyyy"年"m"月"d"日"', '2024年1月1日'],
  [45_292, '[$-804]yyyy/m/d;@', '2024/1/1'],
  [45_292, 'd-mmm-yy', '1-Jan-24'],
  [0.5, 'h:mm:ss', '12:00:00'],
  [1.5, '[h]:mm', '36:00'],
  [59, 'yyyy-mm-dd', '1900-02-28'],
  [61, 'yyyy-mm-dd', '1900-03-01'],
  [0.1234, '0.00%', '12.34%'],
  [0.5, '0%', '50%'],
  [1_234_567.891, '#,##0.00', '1,234,567.89'],
  [-1234.5, '#,##0.00', '-1,234.50'],
  [-5, '0;(0)', '(5)'],
  [7, '000', '007'],
  [2.71, '0.###', '2.71'],
  [3, '0.##', '3'],
  [0.1 + 0.2, 'General', '0.3'],
  [88, '0"分"', '88分'],
  [12.5, '"¥"#,##0.00', '¥12.50'],
  [12.5, '[$HK$-C04]#,##0.00', 'HK$12.50'],
  [1500, '0.0,"k"', '1.5k'],
  [12_345, '0.00E+00', '1.23E+04'],
  [5, '[Red]0.0_ ', '5.0'],
  [5, '@', '5'],
])('%d as %s is %s', (value, code, shown) => {
  expect(formatValue(value, code, false)).toBe(shown)
})

test('the 1904 calendar starts four years later', () => {
  expect(formatValue(0, 'yyyy-mm-dd', true)).toBe('1904-01-01')
})
