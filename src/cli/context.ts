// What every command is given: the engine when it asks for it, and one way to print.
import { AppError, asAppError } from '../core/errors.ts'
import type { DocumentView, Engine } from '../services/api.ts'
import type { Diagnosis } from '../services/doctor.ts'
import type { Carried } from '../services/portability.ts'
import type { ReembedStatus } from '../services/reembed/reembed.ts'
import type { SeedReport } from '../services/seed.ts'
import type { WorkspaceId } from '../core/workspace.ts'

/** Where a command acts that names no workspace: the caller's own of development mode, as over HTTP. */
export const OWN_WORKSPACE = 'teacher-dev'

/** The running engine behind a command; `close` lets work that runs finish its steps and frees the database. */
export type CliEngine = {
  engine: Engine
  seed(workspace: WorkspaceId, folder: string): Promise<SeedReport>
  checkModels: (signal: AbortSignal) => Promise<string[]>
  doctor: (workspace: WorkspaceId, repair: boolean, signal: AbortSignal) => Promise<Diagnosis>
  /** Workspaces as lines, and their end; see services/portability.ts. */
  portability: {
    write(workspace: WorkspaceId, line: (text: string) => Promise<void>, work: boolean): Promise<Carried>
    read(lines: AsyncIterable<string>, replace: boolean): Promise<Carried>
    remove(workspace: WorkspaceId): Promise<boolean>
  }
  /** Moves a workspace to the configured embedding model; see services/reembed. */
  reembed: {
    start(workspace: WorkspaceId): Promise<{ jobId: string | undefined }>
    status(workspace: WorkspaceId): Promise<ReembedStatus | undefined>
  }
  startWork(): Promise<void>
  /** Writes down how the command ended: `done`, or the code of an error. */
  ended(outcome: string): Promise<void>
  close(): Promise<void>
}

export type CliContext = {
  /** Opens the engine; called when a command runs, so that `--help` starts nothing. */
  open(): Promise<CliEngine>
  /** Aborted by Ctrl-C. */
  signal: AbortSignal
  /** One value for machines (`--json`), lines for people. */
  print(json: boolean, value: unknown, lines: () => string[]): void
  /** Warnings and results of steps; never on standard output. */
  note(line: string): void
  /** How far a long command is: one line that is rewritten on a terminal, nothing elsewhere. */
  progress(done: number, total: number, what: string): void
}

/** Opens, works, and closes whatever happens. */
export async function withEngine<T>(context: CliContext, work: (opened: CliEngine) => Promise<T>): Promise<T> {
  const opened = await context.open()
  try {
    const result = await work(opened)
    await opened.ended('done')
    return result
  } catch (error) {
    await opened.ended(asAppError(error).code)
    throw error
  } finally {
    await opened.close()
  }
}

/** Columns as wide as their widest cell, counting Chinese characters as two. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const width = (text: string): number => [...text].reduce((sum, character) => sum + ((character.codePointAt(0) ?? 0) > 0x2e7f ? 2 : 1), 0)
  const widths = header.map((name, column) => Math.max(width(name), ...rows.map((row) => width(row[column] ?? ''))))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd()
  return [line(header), widths.map((size) => '─'.repeat(size)).join('  '), ...rows.map(line)]
}

/** Text of documents on a terminal: one line, no control characters that could move the cursor. */
export function plain(text: string, max = 100): string {
  const safe = text.replaceAll(/\p{Cc}+/gu, ' ').trim()
  return [...safe].length > max ? `${[...safe].slice(0, max - 1).join('')}…` : safe
}

/** @throws AppError `invalid_request` naming the option. */
export function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw new AppError('invalid_request', `${option} must be a whole number from ${least} to ${most}.`)
}

export function documentTable(views: readonly DocumentView[]): string[] {
  return table(
    ['fileId', 'name', 'status', 'chunks', 'entities', 'error'],
    views.map((view) => [
      view.fileId,
      plain(view.fileName, 40),
      view.parseStatus,
      String(view.chunkCount),
      String(view.entityCount),
      plain(view.parseError ?? '', 80),
    ]),
  )
}
