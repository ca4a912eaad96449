// Citations are verified, not believed: `[n]` stays only when evidence n was given, while the text streams in and at the end.

/** One or more numbers in square or lenticular brackets. */
const CITATION = /^[[【]\s*(\d{1,4}(?:\s*[,，、;]\s*\d{1,4}){0,15})\s*[\]】]$/
/** What may still become a citation or a formula is held back, but never more than this. */
const LONGEST_HELD = 400
/** Before a list of numbers these make it an interval (x ∈ [1, 3]), not a list of citations. */
const BEFORE_INTERVAL = /(?:[∈=]|intervals?|区间|區間|範圍|范围)\s*$/iu
/** Directly before one bracketed number these make it an index (a[1]); after a whole word it is a citation (theorem[1]). */
const BEFORE_INDEX = /(?:(?<!\p{L})[A-Za-z]|[_^\\{∈])$/u

/** A piece of the text and whether it is settled: `next` is the rest, undefined when more text must come first. */
type Step = { text: string; next: string } | undefined

export type CitationFilter = {
  /** The verified text that can be shown now; a bracket or formula that is still open is held back. */
  push(piece: string): string
  /** What was held back at the end. */
  flush(): string
  /** Numbers cited so far, ascending. */
  cited(): number[]
}

/**
 * Filters a text piece by piece. Numbers outside 1..evidence are removed, with the space before a citation that vanishes altogether.
 * Formulas ($…$) and bracketed numbers that cannot be citations ([0, 1], a[1]) stay as they are.
 */
export function citationFilter(evidence: number): CitationFilter {
  let held = ''
  /** The end of what was shown: the context that tells a citation from mathematics. */
  let shown = ''
  const cited = new Set<number>()

  const verified = (bracket: string, spaced: boolean): string | undefined => {
    const numbers = CITATION.exec(bracket)?.[1]?.split(/\D+/).map(Number)
    if (!numbers) return undefined
    if (numbers.length > 1 ? numbers.includes(0) || BEFORE_INTERVAL.test(shown) : !spaced && BEFORE_INDEX.test(shown)) return undefined
    const kept = numbers.filter((number) => number >= 1 && number <= evidence)
    for (const number of kept) cited.add(number)
    return kept.length === 0 ? '' : `[${[...new Set(kept)].join(', ')}]`
  }
  const citation = (final: boolean): Step => {
    const space = / */.exec(held)?.[0] ?? ''
    const end = held.search(/[\]】]/)
    if (end === -1 && !final && held.length < LONGEST_HELD) return undefined
    const replacement = end === -1 ? undefined : verified(held.slice(space.length, end + 1), space !== '')
    if (replacement === undefined) return { text: held.slice(0, space.length + 1), next: held.slice(space.length + 1) }
    return { text: replacement === '' ? '' : space + replacement, next: held.slice(end + 1) }
  }
  const take = (final: boolean): string => {
    let out = ''
    while (held !== '') {
      const step = plainText(held, final) ?? (held.startsWith('$') ? formula(held, final) : citation(final))
      if (!step) break
      out += step.text
      shown = (shown + step.text).slice(-32)
      held = step.next
    }
    return out
  }

  return {
    push(piece) {
      held += piece
      return take(false)
    },
    flush: () => take(true),
    cited: () => [...cited].toSorted((a, b) => a - b),
  }
}

/** Everything before the next bracket or dollar sign; undefined when the text begins with one, or with spaces that may precede one. */
function plainText(text: string, final: boolean): Step {
  const next = text.search(/ *[[【]|\$/)
  if (next > 0) return { text: text.slice(0, next), next: text.slice(next) }
  if (next === 0) return undefined
  const spaces = final ? 0 : (/ *$/.exec(text)?.[0].length ?? 0)
  if (spaces === text.length) return undefined
  return { text: text.slice(0, text.length - spaces), next: text.slice(text.length - spaces) }
}

/** A formula whole, or a dollar sign alone where none closes it on its line (a price). */
function formula(text: string, final: boolean): Step {
  const whole = /^(?:\$\$[^$]*\$\$|\$[^$\n]+\$)/.exec(text)?.[0]
  if (whole !== undefined) return { text: whole, next: text.slice(whole.length) }
  const canStillClose = text.startsWith('$$') || !text.includes('\n')
  if (!final && canStillClose && text.length < LONGEST_HELD) return undefined
  return { text: '$', next: text.slice(1) }
}

/** The whole text verified at once. */
export function verifyCitations(answer: string, evidence: number): { answer: string; cited: number[] } {
  const filter = citationFilter(evidence)
  const text = filter.push(answer) + filter.flush()
  return { answer: text, cited: filter.cited() }
}
