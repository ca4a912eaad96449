// The extractor that asks no model: terms by cue and repetition, relations by cue words and sentence. It prefers to say too little.
import { compareCodePoints, displayName, nameKey, splitBracketedAlias } from '../../core/names.ts'
import type { ExtractedEntity, ExtractedRelation, Extraction } from '../../core/extraction.ts'
import type { Extractor } from '../../ports/models.ts'
import { NO_USAGE } from '../../ports/models.ts'
import { candidates } from './candidates.ts'
import type { Candidate } from './candidates.ts'
import { sentenceRelations } from './relations.ts'
import type { Occurrence } from './relations.ts'
import { sentenceSpans } from './sentences.ts'
import type { Span } from './sentences.ts'

const MAX_ENTITIES = 15
const MAX_RELATIONS = 20
const MIN_SCORE = 2
const MAX_DESCRIPTION = 200

type Term = {
  name: string
  key: string
  type: string
  score: number
  aliases: string[]
  defines: Span[]
  first: number
  occurrences: Span[]
}

function mentionsOf(aligned: string, name: string): Span[] {
  const spans: Span[] = []
  const haystack = aligned.toLowerCase()
  const needle = name.toLowerCase()
  const word = /^[\p{Script=Latin}\d]/u.test(needle)
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) {
    const end = at + needle.length
    // "force" is not in "enforced"; a plural s is let through.
    if (word && (/\p{L}/u.test(haystack.charAt(at - 1)) || /^(?!s?\P{L}|s?$)/u.test(haystack.slice(end, end + 2)))) continue
    spans.push({ start: at, end })
  }
  return spans
}

/** One term per key: cues of one kind count once, so that a term is not kept merely for being repeated by one pattern. */
function collectTerms(text: string, aligned: string, found: readonly Candidate[]): Term[] {
  const terms = new Map<string, Term & { cues: Set<number> }>()
  for (const candidate of found.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const split = splitBracketedAlias(displayName(text.slice(candidate.start, candidate.end)))
    const key = nameKey(split.name)
    if (key === '') continue
    const known = terms.get(key) ?? {
      name: split.name,
      key,
      type: 'concept',
      score: 0,
      aliases: [],
      defines: [],
      first: candidate.start,
      occurrences: mentionsOf(aligned, aligned.slice(candidate.start, candidate.end)),
      cues: new Set(),
    }
    if (!known.cues.has(candidate.score)) known.score += known.cues.size === 0 ? candidate.score : candidate.score / 2
    known.cues.add(candidate.score)
    if (candidate.type !== undefined) known.type = candidate.type
    if (candidate.defines === true) known.defines.push({ start: candidate.start, end: candidate.end })
    for (const alias of [candidate.alias, split.alias]) {
      const shown = alias === undefined ? '' : displayName(alias)
      if (shown !== '' && nameKey(shown) !== key && !known.aliases.includes(shown)) known.aliases.push(shown)
    }
    terms.set(key, known)
  }
  return [...terms.values()]
}

/** Drops a term that only ever stands inside better ones (角三角形 inside 直角三角形 and 锐角三角形), and those that are another's alias. */
function withoutFragments(terms: readonly Term[]): Term[] {
  const aliases = new Set(terms.flatMap((term) => term.aliases.map(nameKey)))
  const better = terms.filter(({ score }) => score >= MIN_SCORE)
  const fragment = (term: Term): boolean => {
    const longer = better.filter(({ key }) => key !== term.key && key.includes(term.key)).flatMap(({ occurrences }) => occurrences)
    return term.occurrences.every(({ start, end }) => longer.some((big) => big.start <= start && end <= big.end))
  }
  return terms.filter((term) => !aliases.has(term.key) && !fragment(term))
}

/** The shortest sentence that defines the term, else the shortest that contains it; a verbatim span of at most 200 characters. */
function describingSpan(sentences: readonly Span[], term: Term): Span {
  const holding = (spans: readonly Span[]): Span[] =>
    sentences.filter(({ start, end }) => spans.some((span) => span.start >= start && span.end <= end))
  const length = ({ start, end }: Span): number => end - start
  const pool = term.defines.length > 0 ? holding(term.defines) : holding(term.occurrences)
  // A heading or a bare list entry contains the term but says nothing about it.
  const telling = pool.filter((span) => length(span) > term.name.length + 4)
  const best = (telling.length > 0 ? telling : pool).toSorted((a, b) => length(a) - length(b) || a.start - b.start)[0]
  const own = term.occurrences[0] ?? { start: term.first, end: term.first + term.name.length }
  if (best === undefined) return own
  if (length(best) <= MAX_DESCRIPTION) return best
  const within = [...term.defines, ...term.occurrences].find(({ start, end }) => start >= best.start && end <= best.end) ?? own
  const start = Math.max(best.start, Math.min(within.start, best.end - MAX_DESCRIPTION))
  return { start, end: Math.min(best.end, start + MAX_DESCRIPTION) }
}

function occurrencesIn(terms: readonly Term[], { start, end }: Span): Occurrence[] {
  const all = terms
    .flatMap((term) => term.occurrences.map((span) => ({ ...span, name: term.name })))
    .filter((span) => span.start >= start && span.end <= end)
    .toSorted((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start)
  const kept: Occurrence[] = []
  for (const span of all) if (!kept.some((other) => span.start < other.end && other.start < span.end)) kept.push(span)
  return kept.toSorted((a, b) => a.start - b.start)
}

function relationsOf(
  text: string,
  aligned: string,
  sentences: readonly Span[],
  terms: readonly Term[],
): { relations: ExtractedRelation[]; dropped: number } {
  const byPair = new Map<string, ExtractedRelation>()
  for (const sentence of sentences) {
    for (const { source, target, keyword } of sentenceRelations(aligned, sentence, occurrencesIn(terms, sentence))) {
      const ends = [source, target].toSorted(compareCodePoints).join('\n')
      const known = byPair.get(ends)
      // A stated relation says more than having met in a sentence.
      if (known !== undefined && (keyword === 'related' || known.keywords[0] !== 'related')) continue
      const quote = wellFormed(text.slice(sentence.start, Math.min(sentence.end, sentence.start + 2 * MAX_DESCRIPTION)))
      byPair.set(ends, { source, target, keywords: [keyword], description: quote, quote, weight: 1 })
    }
  }
  const all = [...byPair.values()]
  const ordered = [...all.filter(({ keywords }) => keywords[0] !== 'related'), ...all.filter(({ keywords }) => keywords[0] === 'related')]
  return { relations: ordered.slice(0, MAX_RELATIONS), dropped: Math.max(0, ordered.length - MAX_RELATIONS) }
}

/** A cut may have halved a surrogate pair. */
function wellFormed(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '').trim()
}

function strength({ score, occurrences }: Term): number {
  return score + Math.log(Math.max(1, occurrences.length))
}

/**
 * Terms and relations of one chunk: at most 15 entities and 20 relations, each with a verbatim quote. Pure; cost about linear in the text.
 * Aliases are only those the chunk gives in brackets.
 */
export function extractTerms(text: string): Extraction {
  const { aligned, found } = candidates(text)
  const sentences = sentenceSpans(text)
  const ranked = withoutFragments(collectTerms(text, aligned, found).filter(({ score }) => score >= MIN_SCORE)).toSorted(
    (a, b) => strength(b) - strength(a) || a.first - b.first || compareCodePoints(a.key, b.key),
  )
  const terms = ranked.slice(0, MAX_ENTITIES)
  const entities = terms.map((term): ExtractedEntity => {
    const span = describingSpan(sentences, term)
    const quote = wellFormed(text.slice(span.start, span.end))
    return { name: term.name, type: term.type, description: quote, aliases: term.aliases, quote }
  })
  const { relations, dropped } = relationsOf(text, aligned, sentences, terms)
  return { entities, relations, dropped: ranked.length - terms.length + dropped, truncated: false }
}

export function createBuiltinExtractor(): Extractor {
  return {
    id: 'builtin-terms-v1',
    async extract(inputs, signal) {
      const extractions: Extraction[] = []
      for (const { text } of inputs) {
        signal.throwIfAborted()
        extractions.push(extractTerms(text))
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      return { extractions, usage: NO_USAGE, calls: 0 }
    },
  }
}
