// Does the text really say so? Finds a quoted span in a text, whatever the white space, width and case, and returns it verbatim.

/** A text prepared for searching: folded without white space, with the way back to the original. */
export type SearchableText = {
  readonly original: string
  readonly folded: string
  /** Per UTF-16 unit of `folded`, the index in `original` of the character it came from; one more entry at the end. */
  readonly origin: readonly number[]
}

/** Shown as evidence; a longer span says nothing more. */
const MAX_SPAN = 400

export function searchable(text: string): SearchableText {
  let folded = ''
  const origin: number[] = []
  let at = 0
  for (const character of text) {
    const plain = foldCharacter(character)
    folded += plain
    for (let unit = 0; unit < plain.length; unit += 1) origin.push(at)
    at += character.length
  }
  origin.push(text.length)
  return { original: text, folded, origin }
}

// Marks that models exchange for one another while copying; none of them changes what is said.
const MARKS: Record<string, string> = {
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
  '。': '.',
  '、': ',',
  '—': '-',
  '–': '-',
  '−': '-',
  '…': '...',
}

const foldCharacter = (character: string): string => (MARKS[character] ?? character.normalize('NFKC').toLowerCase()).replace(/\s+/gu, '')

const foldAll = (text: string): string => Array.from(text, foldCharacter).join('')

/** The verbatim span of the text that the quote stands for, at most 400 characters; undefined when the text has no such span. */
export function findSpan(text: SearchableText, quote: string): string | undefined {
  const folded = foldAll(quote)
  if (folded === '') return undefined
  const start = text.folded.indexOf(folded)
  return start === -1 ? undefined : original(text, start, start + folded.length)
}

export function occurs(text: SearchableText, phrase: string): boolean {
  const folded = foldAll(phrase)
  return folded !== '' && text.folded.includes(folded)
}

/** The first sentence that contains every phrase, verbatim; undefined when none does. */
export function sentenceWith(text: SearchableText, phrases: readonly string[]): string | undefined {
  const wanted = phrases.map(foldAll)
  if (wanted.some((phrase) => phrase === '')) return undefined
  for (const [sentence] of text.original.matchAll(/[^。！？!?；;\n]+(?:[。！？!?；;]+|(?=\n)|$)/gu)) {
    const folded = foldAll(sentence)
    if (wanted.every((phrase) => folded.includes(phrase))) return cutSpan(sentence.trim())
  }
  return undefined
}

function original(text: SearchableText, start: number, end: number): string {
  const from = text.origin[start] ?? 0
  // The end is where the next folded character starts, less the white space between.
  const to = text.origin[end] ?? text.original.length
  return cutSpan(text.original.slice(from, to).trim())
}

/** At most 400 UTF-16 units, never half a character. */
const cutSpan = (span: string): string => (span.length <= MAX_SPAN ? span : span.slice(0, MAX_SPAN).replace(/[\ud800-\udbff]$/, ''))
