// Entity names: how they are displayed, when two of them are the same, and the ids that follow from it.
// The display rules are LightRAG's, so that graphs compare; identity adds what it lacks: width, case and script do not matter.
import { createHash } from 'node:crypto'
import { isCjk, toSimplified } from './text.ts'

const MAX_NAME_CHARACTERS = 256
const MAX_NAME_BYTES = 512

// LightRAG's Chinese is this block alone: kana, hangul and the extension planes keep their spaces.
const HAN = '\\u4e00-\\u9fa5'
const BESIDE_HAN = 'a-zA-Z0-9()\\[\\]@#$%!&*\\-=+_'
const SPACE_IN_HAN = new RegExp(`(?<=[${HAN}])\\s+(?=[${HAN}])`, 'g')
const SPACE_AFTER_HAN = new RegExp(`(?<=[${HAN}])\\s+(?=[${BESIDE_HAN}])`, 'g')
const SPACE_BEFORE_HAN = new RegExp(`(?<=[${BESIDE_HAN}])\\s+(?=[${HAN}])`, 'g')
const QUOTE_BEFORE_HAN = new RegExp(`['"]+(?=[${HAN}])`, 'g')
const QUOTE_AFTER_HAN = new RegExp(`(?<=[${HAN}])['"]+`, 'g')
// oxlint-disable-next-line no-control-regex -- control characters are what this removes
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\p{Cs}/gu
const OUTER_QUOTES = [`""`, `''`, '“”', '‘’', '《》'] as const

const HTML_ENTITIES: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  ldquo: '“',
  rdquo: '”',
  lsquo: '‘',
  rsquo: '’',
  mdash: '—',
  ndash: '–',
  hellip: '…',
  middot: '·',
  times: '×',
  divide: '÷',
  plusmn: '±',
  deg: '°',
}

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return Object.hasOwn(HTML_ENTITIES, name.toLowerCase()) ? (HTML_ENTITIES[name.toLowerCase()] ?? whole) : whole
    const codePoint = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return codePoint > 0 && codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : whole
  })
}

/** Full-width ASCII (U+FF01–FF5E) to ASCII, the ideographic space and the long dash to their plain forms. */
function halfWidth(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/\u2014/g, '-')
    .replace(/\u3000/g, ' ')
}

function withoutOuterQuotes(name: string): string {
  for (const [open = '', close = ''] of OUTER_QUOTES) {
    if (name.length < 2 || !name.startsWith(open) || !name.endsWith(close)) continue
    const inner = name.slice(1, -1)
    // Quotes within belong to a pair of their own: `"a" and "b"` has no outer layer.
    if (!inner.includes(open) && !inner.includes(close)) return inner
  }
  return name
}

function cutName(name: string): string {
  let bytes = 0
  let characters = 0
  let end = 0
  for (const character of name) {
    const codePoint = character.codePointAt(0) ?? 0
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4
    characters += 1
    if (bytes > MAX_NAME_BYTES || characters > MAX_NAME_CHARACTERS) return name.slice(0, end).trim()
    end += character.length
  }
  return name
}

/**
 * A name as it is shown: HTML undone, full width to half, no spaces inside Chinese, no wrapping quotes; at most 256 characters and 512
 * bytes. '' when it is no name: nothing left, a number under three digits, or digits and dots under six characters.
 * Source: LightRAG 1.5 `normalize_extracted_info`, reproduced from its observed behaviour.
 */
export function displayName(raw: string): string {
  let name = unescapeHtml(raw)
    .replace(CONTROL, '')
    .replace(/<\/?\s*(?:p|br)\s*\/?>/gi, '')
  name = halfWidth(name).trim()
  name = name.replace(SPACE_IN_HAN, '').replace(SPACE_AFTER_HAN, '').replace(SPACE_BEFORE_HAN, '')
  name = withoutOuterQuotes(name)
    .replace(/[“”‘’]/g, '')
    .replace(QUOTE_BEFORE_HAN, '')
    .replace(QUOTE_AFTER_HAN, '')
  name = name.replace(/\u00a0|(?<=\D)\u202f/g, ' ').trim()
  if (/^\d{1,2}$/.test(name)) return ''
  if (name.length < 6 && /^[\d.]*\.[\d.]*$/.test(name)) return ''
  return cutName(name)
}

/**
 * What makes two names one entity within a workspace: NFKC, case folded, simplified characters, single spaces; at most 512 UTF-8 bytes,
 * cut at a character. Wordings are not folded here: 資料 and 數據 stay two entities until an alias says otherwise.
 */
export function nameKey(display: string): string {
  // Upper then lower case is full case folding but for the final sigma: ß and SS, ﬁ and FI meet.
  const folded = display.normalize('NFKC').toUpperCase().toLowerCase().replace(/ς/g, 'σ').normalize('NFKC')
  const key = toSimplified(folded)
    .replace(/\p{Cs}/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
  return cutName(key)
}

function isAbbreviation(short: string, long: string): boolean {
  if (!/^[A-Z][A-Z0-9&.-]{1,9}$/.test(short)) return false
  const initials = [...long.matchAll(/\p{L}+/gu)].map(([word]) => word.slice(0, 1).toUpperCase()).join('')
  const letters = short.replace(/[^A-Z]/g, '')
  // Small words may be skipped (HKDSE, "Diploma of Secondary Education" → DSE), so the letters must appear in order.
  let at = -1
  return letters[0] === initials[0] && Array.from(letters).every((letter) => (at = initials.indexOf(letter, at + 1)) >= 0)
}

export const hasHan = (text: string): boolean => Array.from(text).some((character) => isCjk(character.codePointAt(0) ?? 0))

/** Two or more Latin letters and only what a written-out term has, so `f(x)` and `(dy/dx)` are not translations. */
const isLatinTerm = (text: string): boolean =>
  /^\p{Script=Latin}[\p{Script=Latin}\p{N}\s'’.&-]*$/u.test(text) && /\p{Script=Latin}.*\p{Script=Latin}/u.test(text)

/**
 * Splits a translation or abbreviation off a display name: `勾股定理 (Pythagoras' theorem)` → name and alias.
 * A bracket in the same script that abbreviates nothing (`中國 (香港)`, `f(x)`) stays part of the name.
 */
export function splitBracketedAlias(name: string): { name: string; alias?: string } {
  const match = /^(.+?)\s*[(（[]([^()（）[\]]+)[)）\]]$/u.exec(name.trim())
  const outside = match?.[1]?.trim() ?? ''
  const inside = match?.[2]?.trim() ?? ''
  if (outside === '' || inside === '') return { name }
  const translated = hasHan(outside) ? isLatinTerm(inside) : hasHan(inside) && isLatinTerm(outside)
  if (translated || isAbbreviation(inside, outside) || isAbbreviation(outside, inside)) return { name: outside, alias: inside }
  return { name }
}

function hashedId(prefix: 'e_' | 'r_', content: string): string {
  return prefix + createHash('sha256').update(content, 'utf8').digest('base64url').slice(0, 20)
}

/** An entity's id within its workspace, 120 bits of its name key. */
export function entityId(key: string): string {
  return hashedId('e_', key)
}

/** A relation's id within its workspace; the same for both orders of its ends. */
export function relationId(keyA: string, keyB: string): string {
  // No key holds a line feed (nameKey collapses white space), so the joined pair is unambiguous.
  return hashedId('r_', orderedPair(keyA, keyB).join('\n'))
}

/** By code point, which is the order of UTF-8 bytes and of PostgreSQL's `collate "C"`; UTF-16 order would put U+1F600 before U+FF5E. */
export function compareCodePoints(a: string, b: string): -1 | 0 | 1 {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue
    // Where units differ the whole characters decide; a surrogate half stands for something above every other unit.
    const rank = (text: string): number => {
      const unit = text.charCodeAt(i)
      return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
    }
    return rank(a) < rank(b) ? -1 : 1
  }
  return a.length === b.length ? 0 : a.length < b.length ? -1 : 1
}

/** The two keys in the one order the database checks. */
export function orderedPair(a: string, b: string): [string, string] {
  return compareCodePoints(a, b) <= 0 ? [a, b] : [b, a]
}
