// Counts what a measured process does: SQL statements with their time, processor time of itself and of others, rows and bytes written.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { sql, type Kysely } from 'kysely'
import pg from 'pg'

export type StatementCount = { text: string; calls: number; ms: number }

export type Watched = {
  statements: Map<string, StatementCount>
  /** One entry per publish that was committed, in ms. */
  publishMs: number[]
  /** Called after each of them. */
  onPublish: () => void
  /** While true nothing is counted: the measurement's own statements. */
  paused: boolean
}

/**
 * Counts every statement that goes through node-postgres from now on, `begin` and `commit` included. A publish is timed from the
 * statement after its lock to the end of its commit.
 */
export function watchStatements(): Watched {
  const watched: Watched = { statements: new Map(), publishMs: [], onPublish: () => undefined, paused: false }
  const client = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown }
  const original = client.query
  const publishing = new WeakMap<pg.Client, number>()
  client.query = function query(this: pg.Client, ...args: unknown[]) {
    if (watched.paused) return original.apply(this, args)
    const first = args[0] as string | { text?: string }
    const text = (typeof first === 'string' ? first : (first.text ?? '')).replace(/\s+/g, ' ').trim()
    const started = performance.now()
    const answer = original.apply(this, args)
    const count = watched.statements.get(text) ?? { text, calls: 0, ms: 0 }
    watched.statements.set(text, count)
    count.calls += 1
    if (!(answer instanceof Promise)) return answer
    const ended = (): void => {
      const now = performance.now()
      count.ms += now - started
      if (text.startsWith('select pg_advisory_xact_lock(hashtextextended(')) publishing.set(this, now)
      const since = publishing.get(this)
      if (text === 'commit' || text === 'rollback') publishing.delete(this)
      if (since === undefined || text !== 'commit') return
      watched.publishMs.push(now - since)
      watched.onPublish()
    }
    answer.then(ended, ended)
    return answer
  }
  return watched
}

const totalCalls = (watched: Watched): number => [...watched.statements.values()].reduce((sum, { calls }) => sum + calls, 0)

/** Kernel clock ticks in a second; fixed on every Linux that Node runs on. */
const TICKS = 100

/** User and system time of a process in seconds, and that of its ended children; undefined where there is no /proc or no such process. */
function processSeconds(pid: number | 'self'): { own: number; ended: number; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const ticks = (at: number): number => (fields[at] ?? 0) + (fields[at + 1] ?? 0)
    return { own: ticks(11) / TICKS, ended: ticks(13) / TICKS, parent: fields[1] ?? 0 }
  } catch {
    // Not Linux, or it ended meanwhile.
    return undefined
  }
}

/** Processes whose parent is this one; none where there is no /proc. */
export function childrenOf(parent: number): number[] {
  const pids = existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []
  return pids.map(Number).filter((pid) => processSeconds(pid)?.parent === parent)
}

/** Seconds that this process's children used so far, the ended ones included. */
function childSeconds(): number {
  const living = childrenOf(process.pid).map((pid) => processSeconds(pid))
  return living.reduce((sum, one) => sum + (one?.own ?? 0) + (one?.ended ?? 0), processSeconds('self')?.ended ?? 0)
}

/** The last reading of every server process of this database; one that ended keeps what it had used. */
const serverProcesses = new Map<number, number>()

/** Seconds that the server's processes for this database used so far; 0 when the server is on another machine. */
export async function serverSeconds(db: Kysely<unknown>): Promise<number> {
  const found = await sql<{ pid: number }>`select pid from pg_stat_activity where datname = current_database()`.execute(db)
  for (const { pid } of found.rows) serverProcesses.set(pid, processSeconds(pid)?.own ?? 0)
  return [...serverProcesses.values()].reduce((sum, seconds) => sum + seconds, 0)
}

export type Reading = {
  wall: number
  /** This process, all threads; its main thread alone; its children; the database server's processes. */
  process: number
  main: number
  children: number
  server: number
  statements: number
  rowsWritten: number
  bytes: number
}

export async function read(db: Kysely<unknown>, watched: Watched, onServer: boolean): Promise<Reading> {
  const usage = process.cpuUsage()
  const thread = process.threadCpuUsage()
  const wall = performance.now() / 1000
  const children = childSeconds()
  watched.paused = true
  const [rowsWritten, bytes] = await written(db, onServer)
  const server = onServer ? await serverSeconds(db) : 0
  watched.paused = false
  return {
    wall,
    process: (usage.user + usage.system) / 1e6,
    main: (thread.user + thread.system) / 1e6,
    children,
    server,
    statements: totalCalls(watched),
    rowsWritten,
    bytes,
  }
}

async function written(db: Kysely<unknown>, onServer: boolean): Promise<[number, number]> {
  // Sessions report their counts at most once a second.
  if (onServer) await new Promise((resolve) => setTimeout(resolve, 1_500))
  const found = await sql<{ rows: number; bytes: number }>`
    select pg_database_size(current_database())::float8 as bytes,
      (select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::float8 from pg_stat_user_tables) as rows`.execute(db)
  return [found.rows[0]?.rows ?? 0, found.rows[0]?.bytes ?? 0]
}

export const difference = (after: Reading, before: Reading): Reading =>
  Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Reading]])) as Reading

/** Resident memory of a process in MB, from /proc. */
export function residentMegabytes(pid: number | 'self'): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}
