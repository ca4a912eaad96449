// Tolerant reading of hand-made JSON records: every team names its fields differently, in two languages and three habits of casing.
// Values come from outside, so nothing here throws, recurses without a limit, or touches a prototype.

/** Field names compared without case, spaces, `_` and `-`, so that `name_zh`, `nameZh` and `name-zh` are one field. */
export type Fields = ReadonlyMap<string, unknown>

/** One text in the languages the record gives it in; absent ones are empty. */
export type Localised = { plain: string; hant: string; hans: string; en: string }

/** Longer texts are cut: one field is at most a long section, never a book. Characters. */
const MAX_TEXT = 20_000
/** Longer lists are cut; no knowledge point has this many prerequisites or formulas. */
export const MAX_LIST = 500

const SUFFIXES: Readonly<Record<Exclude<keyof Localised, 'plain'>, readonly string[]>> = {
  hant: ['zhhant', 'zhhk', 'zhtw', 'hant', 'cht', 'tc', 'hk', 'tw', 'zh', '中文', '繁體', '繁体'],
  hans: ['zhhans', 'zhcn', 'hans', 'chs', 'sc', 'cn', '简体', '簡體'],
  en: ['en', 'engb', 'enus', 'eng', 'english', '英文', '英語', '英语'],
}

const PLAIN_KEYS = ['text', 'value', 'content', 'name', 'title', 'latex', 'formula', 'description']

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Normalised field names, given as words between blanks. */
export const fieldNames = (words: string): readonly string[] => words.split(' ')

function normaliseKey(key: string): string {
  return key
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_-]+/g, '')
}

/** A `Map` of own fields, so that a key such as `__proto__` or `constructor` is only ever a string. The first of two equal names wins. */
export function fieldsOf(record: Record<string, unknown>): Fields {
  const fields = new Map<string, unknown>()
  for (const [key, value] of Object.entries(record)) {
    const name = normaliseKey(key)
    if (!fields.has(name)) fields.set(name, value)
  }
  return fields
}

/** The first of the named fields that holds something; `names` are already normalised. */
export function pick(fields: Fields, names: readonly string[]): unknown {
  for (const name of names) {
    const value = fields.get(name)
    if (value === undefined || value === null) continue
    if (typeof value === 'string' && value.trim() === '') continue
    if (Array.isArray(value) && value.length === 0) continue
    return value
  }
  return undefined
}

/** A string or finite number as trimmed text, anything else as ''. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, MAX_TEXT).trim()
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  return ''
}

/** `name`, `name_zh`, `name_en` … or `name: {zh, en}`, for any of the base names. */
export function localisedOf(fields: Fields, bases: readonly string[]): Localised {
  const read = (suffixes: readonly string[]) =>
    textOf(
      pick(
        fields,
        bases.flatMap((base) => suffixes.map((suffix) => base + suffix)),
      ),
    )
  const plain = pick(fields, bases)
  const inner = isRecord(plain) ? localisedRecord(plain) : undefined
  return {
    plain: inner?.plain ?? paragraphText(plain),
    hant: read(SUFFIXES.hant) || (inner?.hant ?? ''),
    hans: read(SUFFIXES.hans) || (inner?.hans ?? ''),
    en: read(SUFFIXES.en) || (inner?.en ?? ''),
  }
}

function localisedRecord(record: Record<string, unknown>): Localised {
  const fields = fieldsOf(record)
  const read = (names: readonly string[]) => textOf(pick(fields, names))
  return { plain: read(PLAIN_KEYS), hant: read(SUFFIXES.hant), hans: read(SUFFIXES.hans), en: read(SUFFIXES.en) }
}

/** A text, or a list of texts as lines. */
function paragraphText(value: unknown): string {
  return Array.isArray(value) ? value.slice(0, MAX_LIST).map(textOf).filter(Boolean).join('\n') : textOf(value)
}

/** Different texts in reading order: as given, Chinese (one script is enough), English. */
export function versionsOf(text: Localised): string[] {
  return [...new Set([text.plain, text.hant || text.hans, text.en])].filter(Boolean)
}

/**
 * A list field as texts: an array of texts or of records holding one, or a single text.
 *
 * @param separator splits a single text, e.g. `a、b`; leave out where commas belong to the value, as in formulas.
 */
export function listOf(value: unknown, separator?: RegExp): string[] {
  const items = Array.isArray(value) ? value.slice(0, MAX_LIST) : [value]
  const texts = items.flatMap((item) => {
    if (isRecord(item)) return versionsOf(localisedRecord(item)).slice(0, 2)
    const text = textOf(item)
    return separator === undefined || Array.isArray(value) ? [text] : text.split(separator).map((part) => part.trim())
  })
  return [...new Set(texts)].filter(Boolean)
}

/** Between names in running text; never inside one. */
export const NAME_SEPARATOR = /[,，、;；|\n]+/

/** Records of a list, or of an object keyed by id (the key becomes `id` where the record has none); other members are counted in `rejected`. */
export function recordsOf(value: unknown): { records: Record<string, unknown>[]; rejected: number } {
  if (Array.isArray(value)) {
    const records = value.filter(isRecord)
    return { records, rejected: value.length - records.length }
  }
  if (!isRecord(value)) return { records: [], rejected: 0 }
  const entries = Object.entries(value)
  const records = entries.flatMap(([id, member]) => (isRecord(member) ? [{ id, ...member }] : []))
  return { records, rejected: entries.length - records.length }
}
