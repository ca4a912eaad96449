// Some models think aloud inside <think>…</think> before they answer; nobody downstream wants to read that.

const OPEN = '<think>'
const CLOSE = '</think>'

/** The text without its thinking. A reply that was cut while still thinking has no answer: ''. */
export function withoutThinking(text: string): string {
  const stripper = thinkingStripper()
  return (stripper.push(text) + stripper.end()).trimStart()
}

/**
 * Strips thinking from a text that arrives in pieces; tags may be split anywhere.
 * A lone closing tag (the opening one was part of the server's template) drops what stands before it, as far as it has not been passed on.
 */
export function thinkingStripper(): { push(piece: string): string; end(): string } {
  let held = ''
  let inside = false
  const push = (piece: string): string => {
    held += piece
    let out = ''
    for (;;) {
      const tag = inside ? CLOSE : OPEN
      const at = held.indexOf(tag)
      if (!inside && isBefore(held.indexOf(CLOSE), at)) {
        held = held.slice(held.indexOf(CLOSE) + CLOSE.length)
        out = ''
        continue
      }
      if (at === -1) {
        const keep = partialTagLength(held, inside ? [CLOSE] : [OPEN, CLOSE])
        if (!inside) out += held.slice(0, held.length - keep)
        held = held.slice(held.length - keep)
        return out
      }
      if (!inside) out += held.slice(0, at)
      held = held.slice(at + tag.length)
      inside = !inside
    }
  }
  const end = (): string => {
    const rest = inside ? '' : held
    held = ''
    return rest
  }
  return { push, end }
}

const isBefore = (position: number, other: number): boolean => position !== -1 && (other === -1 || position < other)

/** Length of the longest end of `text` that could still become one of the tags. */
function partialTagLength(text: string, tags: string[]): number {
  for (let length = Math.min(text.length, CLOSE.length - 1); length > 0; length -= 1) {
    const end = text.slice(text.length - length)
    if (tags.some((tag) => tag.startsWith(end))) return length
  }
  return 0
}
