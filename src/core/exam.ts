// How exam papers and exercises are numbered, as far as it tells which lines belong together.

/** A–H before an option of a multiple-choice question, and marks given at the end of a part. */
const OPTION = /^(?:[(（]?[A-H][.)、．）]|[①-⑧])\s*\S|^[(（[【]\s*\d{1,2}\s*(?:marks?|分)\s*[)）\]】]$/
/** (a), b), (ii) before a part of a question. */
const PART = /^(?:[(（](?:[a-z]|[ivx]{1,4}|\d{1,2})[)）]|[a-z][.)]|[ivx]{1,4}[.)])\s*\S/

/**
 * How firmly a line holds on to what stands before it: 2 for an option or its marks, which say nothing without their question,
 * 1 for a part of a question, 0 for anything else.
 */
export function hold(text: string): 0 | 1 | 2 {
  const start = text.trimStart().replace(/^[-•]\s+/, '')
  return OPTION.test(start) ? 2 : PART.test(start) ? 1 : 0
}
