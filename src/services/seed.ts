// Fills a workspace from a folder of declared material: each file is an ordinary document, ingested by an ordinary job,
// so unchanged files cost nothing and everything a document can do, seed material can.
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { AppError } from '../core/errors.ts'
import { workspaceScope, type WorkspaceId } from '../core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../ports/parser.ts'
import * as documentStore from '../store/documents.ts'
import * as jobs from '../store/jobs.ts'
import { withScope } from '../store/scope.ts'
import * as workspaces from '../store/workspaces.ts'
import type { Accepted, Documents } from './api.ts'
import type { EngineDeps } from './deps.ts'
import { INGEST } from './ingest/job.ts'

const PREFIX = 'seed:'
/** Describes the workspace itself and is no document. */
const DECLARATION = 'workspace.json'

export type SeedReport = { queued: Accepted[]; unchanged: number; skipped: { file: string; reason: string }[] }

/**
 * Queues every new or changed file below `folder` into `workspace`; the collection is the file's first folder.
 *
 * @throws AppError `invalid_request` when the folder cannot be read.
 */
export async function seedFolder(deps: EngineDeps, documents: Documents, workspace: WorkspaceId, folder: string): Promise<SeedReport> {
  const report: SeedReport = { queued: [], unchanged: 0, skipped: [] }
  for (const path of await filesBelow(folder)) {
    const name = relative(folder, path).split(sep).join('/')
    const bytes = await readFile(path)
    const fileId = seedFileId(name)
    if (await isPublished(deps, workspace, fileId, bytes)) {
      report.unchanged += 1
      continue
    }
    const folders = name.split('/').slice(0, -1)
    try {
      const request = { fileName: name.split('/').at(-1) ?? name, bytes, fileId, options: DEFAULT_PARSE_OPTIONS, metadata: { seed: name } }
      report.queued.push(await documents.upload(workspace, { ...request, collection: folders[0] ?? 'default' }, undefined))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      report.skipped.push({ file: name, reason: `${error.code}: ${error.message}` })
    }
  }
  return report
}

/** Seed jobs are still queued or running. */
export async function isSeeding(deps: Pick<EngineDeps, 'database' | 'seeding'>): Promise<boolean> {
  return deps.seeding.pending || jobs.anyActive(deps.database.side, INGEST, PREFIX)
}

async function isPublished(deps: EngineDeps, workspace: WorkspaceId, fileId: string, bytes: Uint8Array): Promise<boolean> {
  const [home] = await workspaces.inScope(deps.database.db, [workspace])
  if (home === undefined) return false
  const row = await withScope(deps.database, workspaceScope(workspace), (tx) => documentStore.get(tx, workspace, fileId))
  return row?.parse_status === 'completed' && row.content_sha256 === createHash('sha256').update(bytes).digest('hex')
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new AppError('invalid_request', 'The seed folder is not a folder.')
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && entry.name !== DECLARATION)
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('invalid_request', 'The seed folder cannot be read.', { cause })
  }
}

/** The path where it fits the rules of a fileId, else its hash: two files never share one id. */
function seedFileId(name: string): string {
  const plain = `${PREFIX}${name.replaceAll('/', ':')}`
  return /^[A-Za-z0-9._:-]{1,128}$/.test(plain) && !name.includes(':')
    ? plain
    : `${PREFIX}${createHash('sha256').update(name).digest('hex')}`
}
