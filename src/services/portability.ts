// Workspaces that move: written as checksummed lines of JSON, read back into another engine to the same digest, or deleted
// without a trace.
import { createHash } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import { workspaceId, workspaceScope, type WorkspaceId } from '../core/workspace.ts'
import type { Database } from '../ports/database.ts'
import * as portability from '../store/portability.ts'
import type { ScopedTx } from '../store/scope.ts'
import { withScope } from '../store/scope.ts'
import * as workspaces from '../store/workspaces.ts'
import { demote } from './tiers.ts'

const FORMAT = 'insight-rag-workspace'
const VERSION = 1

/**
 * Never carried: turns of the queue mean nothing elsewhere, accounts of model calls belong to the installation, and what is staged but not
 * published is made again.
 */
const LEFT_BEHIND = ['job_turns', 'model_calls', 'month_costs', 'rate_limits', 'staged_versions']
/** Carried only with the work that waits. */
const WORK = ['jobs', 'outbox', 'uploads', 'staged_embeddings', 'staged_extractions', 'staged_descriptions', 'staged_readings']
const INTERRUPTED = 'conflict: It was being processed when the workspace was exported; send it again.'

/** A leased row is free again elsewhere; credentials of callers never leave. */
const WORK_SHAPES: Readonly<Record<string, portability.RowShape>> = {
  jobs: { without: ['id', 'secret', 'lease_until', 'lease_token'], set: { state: 'queued' }, states: ['queued', 'running'] },
  outbox: { without: ['id', 'secret', 'lease_until'], states: ['pending', 'parked'] },
}

export type Carried = { workspace: string; rows: number; sha256: string }

/**
 * Writes one workspace, as one snapshot, line by line: a header, a line per table with its columns, a line per row, and the
 * checksum of everything before it. With `work` the queue and the callbacks that wait are part of it, without the callers'
 * tokens; without it, documents that are being processed are carried as failed.
 *
 * @throws AppError `not_found` when there is no such workspace.
 */
export function exportWorkspace(
  database: Database,
  workspace: WorkspaceId,
  write: (line: string) => Promise<void>,
  options: { work?: boolean } = {},
): Promise<Carried> {
  const hash = createHash('sha256')
  const put = async (line: string): Promise<void> => {
    hash.update(line).update('\n')
    await write(line)
  }
  return withScope(
    database,
    workspaceScope(workspace),
    async (tx) => {
      if ((await workspaces.inScope(tx, [workspace])).length === 0) throw new AppError('not_found', `There is no workspace ${workspace}.`)
      const all = await portability.tenantTables(tx)
      const tables = all.filter(({ name }) => !LEFT_BEHIND.includes(name) && (options.work === true || !WORK.includes(name)))
      await put(JSON.stringify({ format: FORMAT, version: VERSION, workspace, spaces: await portability.spacesOf(tx, workspace, tables) }))
      let rows = 0
      for (const table of tables) {
        const without = WORK_SHAPES[table.name]?.without ?? []
        await put(JSON.stringify({ table: table.name, columns: table.columns.filter((column) => !without.includes(column)) }))
        for await (const row of carriedRows(tx, workspace, table, options.work === true)) {
          rows += 1
          await put(`{"row":${row}}`)
        }
      }
      const sha256 = hash.digest('hex')
      await write(JSON.stringify({ end: true, rows, sha256 }))
      return { workspace, rows, sha256 }
    },
    { snapshot: true },
  )
}

function carriedRows(tx: ScopedTx, workspace: WorkspaceId, table: portability.TenantTable, work: boolean): AsyncGenerator<string> {
  if (table.name === 'documents' && !work) return portability.documentRows(tx, workspace, table, INTERRUPTED)
  return portability.rowsOf(tx, workspace, table, WORK_SHAPES[table.name])
}

/**
 * Reads what `exportWorkspace` wrote, in one transaction: after a wrong checksum, a missing end or an unknown table nothing
 * has happened. `replace` deletes a workspace of that name first, in a transaction of its own.
 *
 * @throws AppError `unprocessable_document` when the lines are not whole; `conflict` when the workspace exists and is not empty.
 */
export async function importWorkspace(
  database: Database,
  lines: AsyncIterable<string>,
  options: { replace?: boolean } = {},
): Promise<Carried> {
  const reader = lines[Symbol.asyncIterator]()
  const first = await reader.next()
  const header = readHeader(first.done === true ? '' : first.value)
  await makeRoom(database, header.workspace, options.replace === true)
  const spaces = new Map<number, number>()
  for (const space of header.spaces) spaces.set(space.space_id, await workspaces.ensureSpace(database.db, space.model, space.dim))
  const hash = createHash('sha256').update(`${first.value}\n`)
  return withScope(database, workspaceScope(header.workspace), async (tx) => {
    const tables = new Map((await portability.tenantTables(tx)).map((table) => [table.name, table]))
    const sink = createSink(tx, header.workspace, tables, spaces)
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      const line = next.value
      const end = line.startsWith('{"end":') ? readObject(line) : undefined
      if (end !== undefined) {
        await sink.flush()
        const sha256 = hash.digest('hex')
        if (end['sha256'] !== sha256 || end['rows'] !== sink.rows()) throw damaged('its checksum is wrong')
        return { workspace: header.workspace, rows: sink.rows(), sha256 }
      }
      hash.update(line).update('\n')
      await sink.take(line)
    }
    throw damaged('its end is missing')
  })
}

const damaged = (why: string, cause?: unknown): AppError =>
  new AppError('unprocessable_document', `This is not a whole export of a workspace: ${why}.`, { cause })

function readObject(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Reported below, like every other form of damage.
  }
  throw damaged('a line is no JSON')
}

type Header = { workspace: WorkspaceId; spaces: portability.Space[] }

function readHeader(line: string): Header {
  const header = readObject(line)
  if (header['format'] !== FORMAT) throw damaged('its first line names another format')
  if (header['version'] !== VERSION)
    throw new AppError(
      'unprocessable_document',
      `This export has version ${String(header['version'])}; this service reads version ${VERSION}.`,
    )
  return { workspace: workspaceId(String(header['workspace'])), spaces: header['spaces'] as portability.Space[] }
}

/** Bytes and rows of one insert. */
const BATCH_BYTES = 4_000_000
const BATCH_ROWS = 500

type Sink = { take(line: string): Promise<void>; flush(): Promise<void>; rows(): number }

function createSink(
  tx: ScopedTx,
  workspace: WorkspaceId,
  tables: ReadonlyMap<string, portability.TenantTable>,
  spaces: ReadonlyMap<number, number>,
): Sink {
  let table: portability.TenantTable | undefined
  let named: string | undefined
  let columns: string[] = []
  let batch: string[] = []
  let bytes = 0
  let rows = 0
  const flush = async (): Promise<void> => {
    if (table) await inserted(portability.insertRows(tx, workspace, table, batch, columns, spaces))
    batch = []
    bytes = 0
  }
  return {
    flush,
    rows: () => rows,
    take: async (line) => {
      if (line.startsWith('{"row":') && line.endsWith('}')) {
        // Tables without rows may be of spaces that only the other database has.
        if (table === undefined)
          throw damaged(named === undefined ? 'a row stands before its table' : `it holds vectors of a space it does not name (${named})`)
        batch.push(line.slice('{"row":'.length, -1))
        rows += 1
        bytes += line.length
        if (bytes >= BATCH_BYTES || batch.length >= BATCH_ROWS) await flush()
        return
      }
      await flush()
      const { table: name, columns: listed } = readObject(line)
      table = tables.get(String(name))
      if (table === undefined && !/_vectors_\d+$/.test(String(name)))
        throw damaged(`it holds a table this version does not know (${String(name)})`)
      named = String(name)
      columns = Array.isArray(listed) ? listed.map(String) : []
    },
  }
}

/** Rows that the database refuses (SQLSTATE classes 22 and 23: wrong values, broken references) are damage, not a fault of ours. */
async function inserted(insert: Promise<void>): Promise<void> {
  try {
    await insert
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (typeof code === 'string' && /^2[23]/.test(code)) throw damaged('its rows do not fit together', error)
    throw error
  }
}

async function makeRoom(database: Database, workspace: WorkspaceId, replace: boolean): Promise<void> {
  const isEmpty = await withScope(database, workspaceScope(workspace), async (tx) => {
    const tables = await portability.tenantTables(tx)
    const content = tables.filter(({ name }) => name !== 'workspaces' && !LEFT_BEHIND.includes(name) && !WORK.includes(name))
    return !(await portability.holdAnything(tx, workspace, content))
  })
  if (!replace && !isEmpty)
    throw new AppError('conflict', `The workspace ${workspace} exists and is not empty; --replace deletes it first.`)
  await deleteWorkspace(database, workspace)
}

/** Deletes a tenant for good: every row of every table, its work included. False when there was no such workspace. */
export async function deleteWorkspace(database: Database, workspace: WorkspaceId): Promise<boolean> {
  const [row] = await workspaces.inScope(database.db, [workspace])
  if (row === undefined) return false
  if (row.shard !== 'small') await demote(database, row, new AbortController().signal)
  await workspaces.erase(database.db, workspace, (tx) => portability.tenantTables(tx))
  return true
}
