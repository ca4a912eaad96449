// One line of a text in pieces: formulas, code, emphasis, citations. Pieces are data; nothing here ever becomes HTML text.

export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'strong' | 'emphasis'; pieces: Piece[] }
  | { kind: 'code'; text: string }
  | { kind: 'formula'; tex: string; display: boolean }
  | { kind: 'citation'; id: number }

/**
 * In order of preference at one place: code, display formulas, inline formulas, citations, strong, emphasis.
 * A dollar sign opens a formula only when no space or digit follows the closing one, so that prices stay prices.
 */
const MARK =
  /`([^`\n]+)`|\$\$([^$]+?)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|\$(?![\s$])([^$\n]*?[^\s$\\])\$(?!\d)|\[(\d{1,3})\]|\*\*(?!\s)([^*\n]+?)\*\*|\*(?![\s*])([^*\n]+?)\*/g

/** The pieces of a text, together exactly what the text says. Without `cites` a number in brackets is plain text. */
export function inline(text: string, cites: ReadonlySet<number> = new Set()): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  for (const match of text.matchAll(MARK)) {
    const piece = pieceOf(match, cites)
    if (piece === undefined) continue
    if (match.index > from) pieces.push({ kind: 'text', text: text.slice(from, match.index) })
    pieces.push(piece)
    from = match.index + match[0].length
  }
  if (from < text.length) pieces.push({ kind: 'text', text: text.slice(from) })
  return pieces
}

function pieceOf(match: RegExpMatchArray, cites: ReadonlySet<number>): Piece | undefined {
  const [, code, display, bracketed, parenthesised, dollars, citation, strong, emphasis] = match
  if (code !== undefined) return { kind: 'code', text: code }
  const shown = display ?? bracketed
  if (shown !== undefined) return { kind: 'formula', tex: shown.trim(), display: true }
  const within = parenthesised ?? dollars
  if (within !== undefined) return { kind: 'formula', tex: within.trim(), display: false }
  if (citation !== undefined) return cites.has(Number(citation)) ? { kind: 'citation', id: Number(citation) } : undefined
  if (strong !== undefined) return { kind: 'strong', pieces: inline(strong, cites) }
  return emphasis === undefined ? undefined : { kind: 'emphasis', pieces: inline(emphasis, cites) }
}
