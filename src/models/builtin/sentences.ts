// Sentences as spans of their text, so that what is quoted can be verbatim.

/** Half-open, in UTF-16 units; trimmed, never empty. */
export type Span = { start: number; end: number }

// A full stop ends a sentence only before white space or the end: 3.2 and e.g.x stay whole.
const END = /[。！？!?；;]+[”’」』）)"']*|\.[”’)"']*(?=\s|$)|\n+/gu

/** The sentences of a text in order. Line breaks end a sentence; so do ；and ;. */
export function sentenceSpans(text: string): Span[] {
  const spans: Span[] = []
  let start = 0
  const push = (end: number): void => {
    const raw = text.slice(start, end)
    const lead = raw.length - raw.trimStart().length
    const trimmed = raw.trim()
    if (trimmed !== '') spans.push({ start: start + lead, end: start + lead + trimmed.length })
    start = end
  }
  for (const { 0: mark, index } of text.matchAll(END)) push(index + mark.length)
  push(text.length)
  return spans
}
