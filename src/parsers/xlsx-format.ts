// Cell values as a person sees them in Excel: dates, percentages, thousands, currency, decimals. ECMA-376 part 1, 18.8.30.

/** Built-in number formats by id; the East Asian ones are dates too. */
const BUILT_IN: Readonly<Record<number, string>> = {
  0: 'General',
  1: '0',
  2: '0.00',
  3: '#,##0',
  4: '#,##0.00',
  9: '0%',
  10: '0.00%',
  11: '0.00E+00',
  12: '# ?/?',
  13: '# ??/??',
  14: 'yyyy-mm-dd',
  15: 'd-mmm-yy',
  16: 'd-mmm',
  17: 'mmm-yy',
  18: 'h:mm AM/PM',
  19: 'h:mm:ss AM/PM',
  20: 'h:mm',
  21: 'h:mm:ss',
  22: 'yyyy-mm-dd h:mm',
  27: 'yyyy-mm-dd',
  28: 'yyyy-mm-dd',
  29: 'yyyy-mm-dd',
  30: 'yyyy-mm-dd',
  31: 'yyyy"年"m"月"d"日"',
  32: 'h"时"mm"分"',
  33: 'h"时"mm"分"ss"秒"',
  34: 'yyyy-mm-dd',
  35: 'yyyy-mm-dd',
  36: 'yyyy-mm-dd',
  37: '#,##0',
  38: '#,##0',
  39: '#,##0.00',
  40: '#,##0.00',
  45: 'mm:ss',
  46: '[h]:mm:ss',
  47: 'mm:ss.0',
  48: '0.0E+0',
  49: '@',
  50: 'yyyy-mm-dd',
  57: 'yyyy"年"m"月"',
  58: 'm"月"d"日"',
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const DAY_MS = 86_400_000

export function formatCode(id: number, custom: ReadonlyMap<number, string>): string {
  return custom.get(id) ?? BUILT_IN[id] ?? 'General'
}

/** Letters of dates outside quotes, escapes and brackets. */
const bare = (code: string): string => code.replace(/"[^"]*"|\\.|\[[^\]]*\]|_./g, '')
export const isDateFormat = (code: string): boolean =>
  code !== 'General' && /[ymdhs]/i.test(bare(code).replace(/General/gi, '')) && !/[#0?]/.test(bare(code).replace(/\.0+/g, ''))

const pad = (number: number, width: number): string => String(number).padStart(width, '0')

/** Excel counts days from 1899-12-30 (and pretends that 1900 was a leap year) or from 1904-01-01. */
function dateOf(serial: number, from1904: boolean): Date {
  const epoch = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, serial < 60 ? 31 : 30)
  return new Date(epoch + Math.round(serial * DAY_MS))
}

const DATE_TOKENS = /"([^"]*)"|\\(.)|\[(h+|m+|s+)\]|\[[^\]]*\]|_.|\*.|(AM\/PM|A\/P|上午\/下午)|(y+|m+|d+|h+|s+)|(\.0+)|([\s\S])/gi

function formatDate(serial: number, code: string, from1904: boolean): string {
  const date = dateOf(serial, from1904)
  const twelve = /AM\/PM|A\/P|上午\/下午/i.test(code)
  let last = ''
  const tokens = [...code.matchAll(DATE_TOKENS)]
  return tokens
    .map((token, index) => {
      const [, quoted, escaped, elapsed, meridiem, letters, fraction, other] = token
      if (quoted !== undefined || escaped !== undefined) return quoted ?? escaped ?? ''
      if (elapsed !== undefined) {
        last = elapsed.slice(0, 1).toLowerCase()
        return String(Math.floor(serial * (last === 'h' ? 24 : last === 'm' ? 1440 : 86_400) + 1e-6))
      }
      if (meridiem !== undefined) return date.getUTCHours() < 12 ? 'AM' : 'PM'
      if (fraction !== undefined) return `.${pad(date.getUTCMilliseconds(), 3).slice(0, fraction.length - 1)}`
      if (letters === undefined) return other ?? ''
      const kind = (letters[0] ?? '').toLowerCase()
      const follows =
        tokens
          .slice(index + 1)
          .find((next) => next[5] !== undefined)?.[5]
          ?.toLowerCase() ?? ''
      const isMinute = kind === 'm' && letters.length <= 2 && (last === 'h' || follows.startsWith('s'))
      last = kind
      return datePart(date, isMinute ? 'n' : kind, letters.length, twelve)
    })
    .join('')
    .replace(/@$/, '')
    .trim()
}

/** Three letters are the short name, four the whole one, five the first letter. */
const named = (name: string | undefined, width: number): string => (name ?? '').slice(0, width === 3 ? 3 : width === 5 ? 1 : undefined)

function datePart(date: Date, kind: string, width: number, twelve: boolean): string {
  const hours = date.getUTCHours()
  if (kind === 'y') return width <= 2 ? pad(date.getUTCFullYear() % 100, 2) : String(date.getUTCFullYear())
  if (kind === 'm') return width >= 3 ? named(MONTHS[date.getUTCMonth()], width) : pad(date.getUTCMonth() + 1, width)
  if (kind === 'd') return width >= 3 ? named(WEEKDAYS[date.getUTCDay()], width) : pad(date.getUTCDate(), width)
  if (kind === 'h') return pad(twelve ? hours % 12 || 12 : hours, width)
  return pad(kind === 'n' ? date.getUTCMinutes() : date.getUTCSeconds(), width)
}

/** General: up to eleven significant digits, without the noise of binary fractions. */
function general(value: number): string {
  return String(Number.parseFloat(value.toPrecision(Math.abs(value) >= 1e11 ? 15 : 11)))
}

/** The section of a format for this sign: positive;negative;zero. */
function section(code: string, value: number): { code: string; isNegative: boolean } {
  const sections = code.split(/;(?=(?:[^"]*"[^"]*")*[^"]*$)/)
  if (value < 0 && sections[1] !== undefined) return { code: sections[1], isNegative: false }
  if (value === 0 && sections[2] !== undefined) return { code: sections[2], isNegative: false }
  return { code: sections[0] ?? 'General', isNegative: value < 0 }
}

/** `# ?/?`, `# ??/??`, `?/8`: a whole number where there is room for one, and the nearest fraction. */
const FRACTION = /([0#]+\s+)?[?#0]+\s*\/\s*([?#]+|\d+)/

function fraction(value: number, shape: string): string {
  const [, whole, below = '?'] = FRACTION.exec(shape) ?? []
  const integer = whole === undefined ? 0 : Math.floor(value)
  const [top, bottom] = /^\d+$/.test(below)
    ? fixedFraction(value - integer, Number(below))
    : nearest(value - integer, 10 ** below.length - 1)
  if (top === 0) return String(integer)
  if (top === bottom && whole !== undefined) return String(integer + 1)
  return integer === 0 ? `${top}/${bottom}` : `${integer} ${top}/${bottom}`
}

const fixedFraction = (value: number, bottom: number): [number, number] => [Math.round(value * bottom), bottom]

/** The fraction with the smallest denominator of those nearest to `value`. Cost: O(most), which is 9, 99 or 999. */
function nearest(value: number, most: number): [number, number] {
  let best: [number, number] = [Math.round(value), 1]
  for (let bottom = 2; bottom <= Math.min(most, 999); bottom += 1) {
    const top = Math.round(value * bottom)
    if (Math.abs(value - top / bottom) < Math.abs(value - best[0] / best[1]) - 1e-12) best = [top, bottom]
  }
  return best
}

function formatNumeric(value: number, whole: string): string {
  const { code, isNegative } = section(whole, value)
  const currency = /\[\$([^\]-]*)/.exec(code)?.[1] ?? ''
  const clean = code.replace(/\[[^\]]*\]/g, (bracket) => (bracket.startsWith('[$') ? `"${currency}"` : '')).replace(/_.|\*./g, '')
  const shape = clean.replace(/"[^"]*"|\\./g, '')
  if (/General|@/i.test(shape) || !/[0#?]/.test(shape)) {
    const literal = clean.replace(/"([^"]*)"/g, '$1').replace(/\\(.)/g, '$1')
    return /General|@/i.test(shape) ? literal.replace(/General|@/i, general(value)) : literal
  }
  if (FRACTION.test(shape)) return `${isNegative ? '-' : ''}${fraction(Math.abs(value), shape)}`
  const decimals = (/\.([0#?]+)/.exec(shape)?.[1] ?? '').length
  const optional = (/\.[0]*([#?]+)/.exec(shape)?.[1] ?? '').length
  // Commas after the last digit place divide by a thousand each.
  const thousands = /[0#?](,+)(?=[^0#?,]*$)/.exec(shape)?.[1]?.length ?? 0
  const scaled = (Math.abs(value) * (shape.includes('%') ? 100 : 1)) / 1000 ** thousands
  let digits = /E[+-]/i.test(shape) ? exponent(scaled, decimals) : scaled.toFixed(decimals)
  if (optional > 0) digits = digits.replace(new RegExp(`0{0,${optional}}$`), '').replace(/\.$/, '')
  if (/[0#],[0#]/.test(shape)) digits = digits.replace(/^\d+/, (integer) => integer.replace(/\B(?=(\d{3})+$)/g, ','))
  const zeros = (/^[#,]*(0+)/.exec(shape.replace(/[^0#,.]/g, ''))?.[1] ?? '').length
  digits = digits.replace(/^\d+/, (integer) => integer.padStart(zeros, '0'))
  const body = clean.replace(/(?:"[^"]*"|\\.|[^0#?"\\])*/y, (prefix) => prefix)
  const at = body.search(/[0#?](?=(?:[^"]*"[^"]*")*[^"]*$)/)
  const tail = body.slice(at).replace(/^[0#?,.]+(?:E[+-][0#]+)?/i, '')
  const show = (literal: string): string => literal.replace(/"([^"]*)"/g, '$1').replace(/\\(.)/g, '$1')
  return `${isNegative ? '-' : ''}${show(body.slice(0, at))}${digits}${show(tail)}`.trim()
}

const exponent = (value: number, decimals: number): string =>
  value
    .toExponential(decimals)
    .replace(/e([+-])(\d)$/, 'E$10$2')
    .replace('e', 'E')

/** @param code a number format code; @param from1904 the workbook counts days from 1904. */
export function formatValue(value: number, code: string, from1904: boolean): string {
  if (code === 'General' || code === '@') return general(value)
  if (isDateFormat(section(code, value).code))
    return value < 0 || value > 2_958_466 ? general(value) : formatDate(value, section(code, value).code, from1904)
  return formatNumeric(value, code)
}
