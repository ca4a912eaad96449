// Pages of a list that is read by cursors: back over the ones seen, on to the next; only one page is ever on the screen.
import { useState } from 'preact/hooks'
import { useWords } from '../words/words.ts'

export type Pages = { cursor: string | undefined; number: number; back: () => void; on: (next: string) => void; restart: () => void }

export function usePages(): Pages {
  const [cursors, setCursors] = useState<readonly string[]>([])
  return {
    cursor: cursors.at(-1),
    number: cursors.length + 1,
    back: () => setCursors(cursors.slice(0, -1)),
    on: (next) => setCursors([...cursors, next]),
    restart: () => setCursors([]),
  }
}

/** Nothing where there is one page alone. */
export function Pager({ pages, next, back, on }: { pages: Pages; next: string | null; back: string; on: string }) {
  const words = useWords()
  if (pages.number === 1 && next === null) return null
  return (
    <nav class="pager" aria-label={words.pages}>
      <button type="button" class="button" disabled={pages.number === 1} onClick={pages.back}>
        {back}
      </button>
      <span class="quiet">{words.page(pages.number)}</span>
      <button type="button" class="button" disabled={next === null} onClick={() => next !== null && pages.on(next)}>
        {on}
      </button>
    </nav>
  )
}
