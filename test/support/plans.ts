// The plans of the statements that something sends to PostgreSQL, explained in the transaction that runs them: with its role, scope and settings.
import pg from 'pg'

export type Explained = { text: string; plan: string }

/** Each reading statement of `work` with its plan; one piece of work at a time. */
export async function plansDuring(work: () => Promise<unknown>): Promise<Explained[]> {
  const found: Explained[] = []
  // oxlint-disable-next-line typescript/unbound-method -- called below with the client it is asked on
  const original: (...args: unknown[]) => Promise<pg.QueryResult<{ 'QUERY PLAN': string }>> = pg.Client.prototype.query
  const explaining = async function explaining(this: pg.Client, ...args: unknown[]): Promise<unknown> {
    const [first, second] = args as [string | pg.QueryConfig, unknown[]?]
    const [text, values] = typeof first === 'string' ? [first, second] : [first.text, first.values]
    if (/^\s*\(?\s*(?:select|with)/.test(text) && !/set_config/.test(text)) {
      const explained = await original.call(this, { text: `explain ${text}`, values })
      found.push({ text, plan: explained.rows.map((row) => row['QUERY PLAN']).join('\n') })
    }
    return original.apply(this, args)
  }
  Object.assign(pg.Client.prototype, { query: explaining })
  try {
    await work()
  } finally {
    Object.assign(pg.Client.prototype, { query: original })
  }
  return found
}
