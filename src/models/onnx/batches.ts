// Which texts run together: of similar length, because every row is padded to the longest, and as many as the token budget allows.

/**
 * @param lengths tokens per row.
 * @param budget  rows × longest row at most; a row that is longer alone runs alone.
 * @returns       groups of row indexes, longest first, so that running out of memory shows at once; every index once.
 */
export function lengthBuckets(lengths: readonly number[], budget: number): number[][] {
  const order = lengths.map((_length, index) => index).toSorted((one, other) => (lengths[other] ?? 0) - (lengths[one] ?? 0) || one - other)
  const groups: number[][] = []
  for (const index of order) {
    const group = groups.at(-1)
    const longest = group ? (lengths[group[0] ?? 0] ?? 0) : 0
    if (group && (group.length + 1) * longest <= budget) group.push(index)
    else groups.push([index])
  }
  return groups
}

/** The model ran out of memory; fewer rows may fit. */
export class OutOfMemory extends Error {
  override readonly name = 'OutOfMemory'
}

/**
 * Runs rows together; when memory runs out, in halves, down to single rows. Results in the order of the rows.
 * @param onHalved told the number of rows that fitted no more, so that later batches start smaller.
 */
export async function runHalving<Row, Result>(
  rows: readonly Row[],
  run: (rows: readonly Row[]) => Promise<Result[]>,
  onHalved: (rows: number) => void,
): Promise<Result[]> {
  try {
    return await run(rows)
  } catch (error) {
    if (!(error instanceof OutOfMemory) || rows.length < 2) throw error
    onHalved(rows.length)
    const middle = Math.ceil(rows.length / 2)
    const first = await runHalving(rows.slice(0, middle), run, onHalved)
    return [...first, ...(await runHalving(rows.slice(middle), run, onHalved))]
  }
}
