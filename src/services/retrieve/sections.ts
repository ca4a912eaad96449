// The section around a result: a chunk is cut for finding, and often too short for understanding.
import { fullName, type Located } from '../../core/fusion.ts'
import { type Neighbour, neighbours } from '../../store/search-chunks.ts'
import type { ScopedTx } from '../../store/scope.ts'

export type SectionText = { content: string; chunkIds: string[] }

/** Chunks looked at on either side. */
const REACH = 8
/** Longer sections are shown around the result only. */
const MAX_TOKENS = 2_000

/** By full name of the chunk in its middle. */
export async function sectionsAround(tx: ScopedTx, located: readonly Located[]): Promise<Map<string, SectionText>> {
  const rows = Map.groupBy(await neighbours(tx, located, REACH), (row) => fullName({ workspaceId: row.workspace_id, id: row.hit }))
  return new Map([...rows].map(([name, group]) => [name, textOf(around(group))]))
}

/** Whole neighbours without a gap, nearest first, the one before ahead of the one after, while they fit. */
function around(rows: readonly Neighbour[]): Neighbour[] {
  const byOrdinal = new Map(rows.map((row) => [row.ordinal, row]))
  const middle = rows.find((row) => row.chunk_id === row.hit)
  if (!middle) return []
  const taken = [middle]
  let tokens = middle.tokens
  const ends = { before: middle.ordinal - 1, after: middle.ordinal + 1 }
  for (let open: ('before' | 'after')[] = ['before', 'after']; open.length > 0;) {
    open = open.filter((side) => {
      const next = byOrdinal.get(ends[side])
      if (!next || tokens + next.tokens > MAX_TOKENS) return false
      tokens += next.tokens
      taken.push(next)
      ends[side] += side === 'before' ? -1 : 1
      return true
    })
  }
  return taken.toSorted((a, b) => a.ordinal - b.ordinal)
}

const textOf = (rows: readonly Neighbour[]): SectionText => ({
  content: rows.map((row) => row.content).join('\n\n'),
  chunkIds: rows.map((row) => row.chunk_id),
})
