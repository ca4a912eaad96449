// Chunks that explain themselves: glossaries, whose rows are entities already, and lists of contents and of references, which say nothing
// about the subject. They need no model. Only the shape decides, and every line must have it: what might be prose is left to the extractor.
import type { ExtractedEntity, Extraction } from './extraction.ts'
import { EMPTY_EXTRACTION } from './extraction.ts'
import { displayName, nameKey, splitBracketedAlias } from './names.ts'
import { type Entry, listEntries, tableEntries } from './glossary.ts'
import { toSimplified } from './text.ts'

export type Explanation = { by: 'glossary' | 'contents' | 'references'; extraction: Extraction }

export type Surroundings = {
  /** Title and headings that all of the text stands under, outermost first. */
  headings: readonly string[]
  /** Lines of the text that are headings and captions. */
  asides: ReadonlySet<string>
}

/** Fewer entries are not worth a rule. */
const MIN_ENTRIES = 3
const MIN_CONTENTS = 4
const MIN_REFERENCES = 2
/** Characters of a line that leads to what follows it. */
const MAX_LEAD = 40
/** Characters of one reference; what is longer comments on it. */
const MAX_REFERENCE = 300

const GLOSSARY =
  /(?:术语|词汇|词语|生词|单词|名词)(?:中英)?(?:对照|解释|释义|索引|列)?表?$|(?:^|\W)glossary(?:\W|$)|(?:^|\W)(?:vocabulary|terminology|key terms|word list|list of terms)$/
const CONTENTS = /^(?:目录|目次|(?:table of )?contents)$/
const REFERENCES = /^(?:\d+\W*)?(?:参考文献|参考资料|参考书目|引用文献|references|bibliography|works cited)$/

/** `1.2 Title ........ 7`; the number is the page. */
const LEADERS = /^.{1,120}?\s*(?:\.{3,}|(?:\.\s){3,}|…{2,}|·{3,}|⋯{2,})\s*(\d{1,4})$/u
const NUMBERED = /^.{1,120}?\s+(\d{1,4})$/u
/** A year that is read on (1945 年) stands in prose: sources to study have such headings too. */
const SOURCE = /(?<!\d)(?:1[89]|20)\d\d(?!\d|\s*年)|https?:\/\/|doi|isbn/i

/** Without what is added in brackets at its end, and in simplified characters. */
const plain = (heading: string): string =>
  toSimplified(heading.normalize('NFKC'))
    .toLowerCase()
    .replace(/\s*\([^()]*\)$/, '')
    .replace(/\s+/g, ' ')
    .trim()

/** What the text says by its structure alone; undefined where anything in it has to be read. Pure; linear in the text. */
export function explain(content: string, { headings, asides }: Surroundings): Explanation | undefined {
  const parts = content
    .split(/\n{2,}/)
    .map((part) =>
      part
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '' && !asides.has(line)),
    )
    .filter((lines) => lines.length > 0)
  const under = headings.map(plain)
  const lines = parts.flat()
  if (isContents(lines, under)) return { by: 'contents', extraction: EMPTY_EXTRACTION }
  if (isReferences(lines, under)) return { by: 'references', extraction: EMPTY_EXTRACTION }
  const entries = glossaryEntries(
    parts,
    under.some((heading) => GLOSSARY.test(heading)),
  )
  return entries === undefined ? undefined : { by: 'glossary', extraction: extractionOf(entries) }
}

function isContents(lines: readonly string[], under: readonly string[]): boolean {
  const [first = ''] = lines
  const titled = CONTENTS.test(plain(first))
  const body = titled ? lines.slice(1) : lines
  const named = titled || CONTENTS.test(under.at(-1) ?? '')
  const pages = body.map((line) => Number((LEADERS.exec(line) ?? (named ? NUMBERED.exec(line) : null))?.[1] ?? Number.NaN))
  return pages.length >= MIN_CONTENTS && pages.every((page, at) => page >= (pages[at - 1] ?? 0))
}

function isReferences(lines: readonly string[], under: readonly string[]): boolean {
  const [first = ''] = lines
  const titled = REFERENCES.test(plain(first))
  if (!titled && !REFERENCES.test(under.at(-1) ?? '')) return false
  const body = titled ? lines.slice(1) : lines
  return body.length >= MIN_REFERENCES && body.every((line) => line.length <= MAX_REFERENCE && SOURCE.test(line))
}

function glossaryEntries(parts: readonly (readonly string[])[], named: boolean): Entry[] | undefined {
  const entries: Entry[] = []
  for (const [at, part] of parts.entries()) {
    const [only = ''] = part
    const leads = part.length === 1 && at < parts.length - 1 && only.length <= MAX_LEAD && /[:：]$/.test(only)
    if (leads) continue
    const found = only.startsWith('|') ? tableEntries(part, named) : listEntries(part, named)
    if (found === undefined) return undefined
    entries.push(...found)
  }
  const distinct = new Set(entries.map(({ term }) => nameKey(displayName(term)))).size
  // Speakers of a dialogue and fields of forms come again and again; entries hardly ever.
  return entries.length >= MIN_ENTRIES && distinct >= entries.length * 0.9 ? entries : undefined
}

/** Types are left open, so that whoever reads of the thing elsewhere decides. A translation of several entries names none of them. */
function extractionOf(entries: readonly Entry[]): Extraction {
  const read = entries.map((entry) => {
    const { name, alias } = splitBracketedAlias(displayName(entry.term))
    const names = [...(alias === undefined ? [] : [alias]), ...entry.aliases].map(displayName)
    return { ...entry, name, names: names.filter((one) => one !== '') }
  })
  const meant = new Map<string, Set<string>>()
  for (const { name, names } of read)
    for (const one of [name, ...names]) meant.set(nameKey(one), (meant.get(nameKey(one)) ?? new Set()).add(nameKey(name)))
  const entities = read.map(({ name, names, definition, quote }): ExtractedEntity => {
    const aliases = names.filter((one) => nameKey(one) !== nameKey(name) && meant.get(nameKey(one))?.size === 1)
    return { name, type: 'other', description: definition === '' ? names.join('; ') : definition, aliases: [...new Set(aliases)], quote }
  })
  return { ...EMPTY_EXTRACTION, entities }
}
