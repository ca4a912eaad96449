// Reads JSON as language models write it: fenced, wrapped in prose, cut off, with stray commas, full-width punctuation,
// single or missing quotes, LaTeX backslashes. Never throws; says whether everything was closed.

export type JsonObject = { [key: string]: JsonValue }
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject

export type TolerantReading = {
  /** Every top-level object or array in the text, in order. */
  values: JsonValue[]
  /** The text ended inside a value. Records that were cut are left out. */
  truncated: boolean
}

/** Deeper nesting than any reply needs; beyond it the rest is skipped rather than the stack overflowed. */
const MAX_DEPTH = 40

// Backslash commands whose first letter is also a JSON escape (\b \f \n \r \t \u): as whole words they are LaTeX, not control characters.
const LATEX =
  /(?:b(?:ar|ecause|egin|eta|ig[lr]?|igcap|igcup|inom|mod|ot|oxed|oldsymbol|ullet)|f(?:rac|orall|lat)|n(?:abla|e|eg|eq|exists|i|ot|otin|u|ewline|leq|geq|mid|parallel|rightarrow)|r(?:angle|ceil|floor|ho|ight|ightarrow|m)|t(?:an|anh|au|ext|extbf|extit|frac|heta|herefore|ilde|imes|o|op|riangle)|u(?:nderbrace|nderline|nion|p|parrow|psilon|uparrow))(?![A-Za-z])/y

const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const WORDS: Record<string, boolean | null> = { true: true, false: false, null: null, none: null, undefined: null, nan: null }
const CLOSERS: Record<string, string> = { '"': '"', "'": "'", '“': '”', '‘': '’', '„': '“', '＂': '＂' }
const OPEN_OBJECT = '{｛'
const CLOSE_OBJECT = '}｝'
const OPEN_ARRAY = '[［【'
const CLOSE_ARRAY = ']］】'
const SEPARATORS = ',，、;；'
const COLONS = ':：='

/** A reading position; the functions below advance `at` and may set `truncated`. */
type Reader = { readonly text: string; at: number; truncated: boolean }

const char = (reader: Reader): string => reader.text.charAt(reader.at)
const isIn = (set: string, character: string): boolean => character !== '' && set.includes(character)

export function readTolerantJson(text: string): TolerantReading {
  const reader: Reader = { text, at: 0, truncated: false }
  const values: JsonValue[] = []
  while (reader.at < text.length) {
    const character = char(reader)
    // A full-width bracket in prose is punctuation, so only the plain ones start a value.
    if (character === '{' || character === '[') values.push(readValue(reader, 0))
    else reader.at += 1
  }
  return { values, truncated: reader.truncated }
}

function readValue(reader: Reader, depth: number): JsonValue {
  const character = char(reader)
  if (isIn(OPEN_OBJECT, character)) return depth > MAX_DEPTH ? skipRest(reader) : readObject(reader, depth)
  if (isIn(OPEN_ARRAY, character)) return depth > MAX_DEPTH ? skipRest(reader) : readArray(reader, depth)
  if (character in CLOSERS) return readString(reader)
  return readWord(reader)
}

function skipRest(reader: Reader): null {
  reader.at = reader.text.length
  reader.truncated = true
  return null
}

function readObject(reader: Reader, depth: number): JsonObject {
  const object = Object.create(null) as JsonObject
  reader.at += 1
  for (;;) {
    skipBlank(reader)
    const character = char(reader)
    if (character === '') return cutOff(reader, object)
    if (isIn(CLOSE_OBJECT, character)) {
      reader.at += 1
      return object
    }
    // The other bracket: this object was never closed; whoever encloses it takes over.
    if (isIn(CLOSE_ARRAY, character)) return object
    if (isIn(SEPARATORS, character) || isIn(COLONS, character)) {
      reader.at += 1
      continue
    }
    readMember(reader, object, depth)
  }
}

function readMember(reader: Reader, object: JsonObject, depth: number): void {
  const before = reader.at
  const key = isIn(OPEN_OBJECT + OPEN_ARRAY, char(reader)) ? '' : readKey(reader)
  skipBlank(reader)
  if (isIn(COLONS, char(reader))) reader.at += 1
  else if (key !== '') return
  skipBlank(reader)
  const character = char(reader)
  if (character === '' || isIn(SEPARATORS + CLOSE_OBJECT + CLOSE_ARRAY, character)) {
    if (reader.at === before) reader.at += 1
    return
  }
  const value = readValue(reader, depth + 1)
  const known = object[key]
  // A key that comes twice with lists means both lists.
  object[key] = Array.isArray(known) && Array.isArray(value) ? [...known, ...value] : value
}

function readKey(reader: Reader): string {
  if (char(reader) in CLOSERS) return readString(reader)
  const word = readWord(reader)
  return typeof word === 'object' ? 'null' : String(word)
}

function readArray(reader: Reader, depth: number): JsonValue[] {
  const array: JsonValue[] = []
  reader.at += 1
  for (;;) {
    skipBlank(reader)
    const character = char(reader)
    if (character === '') return cutOff(reader, array)
    if (isIn(CLOSE_ARRAY, character)) {
      reader.at += 1
      return array
    }
    if (isIn(CLOSE_OBJECT, character)) return array
    if (isIn(SEPARATORS, character) || isIn(COLONS, character)) {
      reader.at += 1
      continue
    }
    const value = readValue(reader, depth + 1)
    const cut = reader.truncated && reader.at >= reader.text.length
    if (!cut || holdsRecords(value)) array.push(value)
  }
}

function cutOff<T>(reader: Reader, value: T): T {
  reader.truncated = true
  return value
}

/** A cut container is kept when it holds objects (a list of records); a cut record is not: its last field may be half. */
function holdsRecords(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.some((element) => typeof element === 'object' && element !== null)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((member) =>
    Array.isArray(member) ? holdsRecords(member) : typeof member === 'object' && member !== null,
  )
}

function readString(reader: Reader): string {
  const open = char(reader)
  const close = CLOSERS[open] ?? open
  let out = ''
  reader.at += 1
  for (;;) {
    const character = char(reader)
    if (character === '') {
      reader.truncated = true
      return out
    }
    if (character === '\\') out += readEscape(reader)
    else if (isClose(reader, open, close)) {
      reader.at += 1
      return out
    } else {
      out += character
      reader.at += 1
    }
  }
}

/** A quote closes when what follows looks like JSON; otherwise it belongs to the text, as in "他说"好"". */
function isClose(reader: Reader, open: string, close: string): boolean {
  const character = char(reader)
  // A string opened with a plain quote may be closed by a curly one, when nothing else could be meant.
  const closes = character === close || (open === '"' && (character === '”' || character === '＂'))
  if (!closes) return false
  const next = afterBlank(reader.text, reader.at + 1)
  const following = reader.text.charAt(next)
  if (following === '' || isIn(COLONS + CLOSE_OBJECT + CLOSE_ARRAY, following)) return true
  if (isIn(SEPARATORS, following)) return startsValue(reader.text, afterBlank(reader.text, next + 1))
  // A forgotten comma: the next line begins with a key or a value.
  return reader.text.slice(reader.at + 1, next).includes('\n') && startsValue(reader.text, next)
}

const VALUE_START = /["'“‘„＂{｛[［}｝\]］\d-]|(?:true|false|null|None|True|False)\b|\/[/*]|[A-Za-z_]\w*\s*[:：]/y

function startsValue(text: string, at: number): boolean {
  VALUE_START.lastIndex = at
  return at >= text.length || VALUE_START.test(text)
}

function readEscape(reader: Reader): string {
  const { text, at } = reader
  const next = text.charAt(at + 1)
  LATEX.lastIndex = at + 1
  if (LATEX.test(text)) {
    reader.at += 1
    return '\\'
  }
  if (next === 'u' && /^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6))) {
    reader.at += 6
    return String.fromCharCode(Number.parseInt(text.slice(at + 2, at + 6), 16))
  }
  const control = ESCAPES[next]
  if (control !== undefined) {
    reader.at += 2
    return control
  }
  if (next !== '' && '"\'\\/“”'.includes(next)) {
    reader.at += 2
    return next
  }
  // Not an escape of JSON: \alpha, \(, \sqrt. The backslash is meant.
  reader.at += 1
  return '\\'
}

function readWord(reader: Reader): string | number | boolean | null {
  const start = reader.at
  while (reader.at < reader.text.length && !isIn(',，{}[]｛｝［］:：\n', char(reader))) reader.at += 1
  // Whatever stopped at once must not stop forever.
  if (reader.at === start) reader.at += 1
  if (reader.at >= reader.text.length) reader.truncated = true
  const word = reader.text
    .slice(start, reader.at)
    .trim()
    .replace(/["'”]$/, '')
  if (word !== '' && Number.isFinite(Number(word))) return Number(word)
  const known = Object.hasOwn(WORDS, word.toLowerCase()) ? WORDS[word.toLowerCase()] : undefined
  return known === undefined ? word : known
}

/** Skips white space, and comments some models add. */
function skipBlank(reader: Reader): void {
  for (;;) {
    reader.at = afterBlank(reader.text, reader.at)
    const two = reader.text.slice(reader.at, reader.at + 2)
    if (two !== '//' && two !== '/*') return
    const end = reader.text.indexOf(two === '//' ? '\n' : '*/', reader.at)
    reader.at = end === -1 ? reader.text.length : end + (two === '//' ? 1 : 2)
  }
}

function afterBlank(text: string, from: number): number {
  let at = from
  while (at < text.length && /[\s\u00a0\u3000\ufeff]/.test(text.charAt(at))) at += 1
  return at
}
