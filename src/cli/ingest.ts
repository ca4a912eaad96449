// `ingest`: files, folders and patterns into a workspace, a few at a time, until all are searchable.
import { glob, readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import pLimit from 'p-limit'
import { AppError } from '../core/errors.ts'
import { workspaceId, type WorkspaceId } from '../core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../ports/parser.ts'
import type { DocumentView, UploadRequest } from '../services/api.ts'
import { type CliContext, type CliEngine, documentTable, OWN_WORKSPACE, plain, withEngine } from './context.ts'

type Options = { workspace: string; collection?: string; json?: boolean }

export function addIngestCommand(program: Command, context: CliContext): void {
  program
    .command('ingest')
    .argument('<paths...>', 'files, folders, or patterns such as "lessons/**/*.pdf"')
    .description('read files into a workspace and wait until they are searchable')
    .option('-w, --workspace <name>', 'the workspace to write', OWN_WORKSPACE)
    .option('-c, --collection <name>', 'collection of the documents')
    .option('--json', 'print the documents as JSON')
    .action((paths: string[], options: Options) => ingest(context, paths, options))
}

async function ingest(context: CliContext, paths: readonly string[], options: Options): Promise<void> {
  const workspace = workspaceId(options.workspace)
  const files = [...new Set((await Promise.all(paths.map(filesAt))).flat())]
  if (files.length === 0) throw new AppError('invalid_request', 'There are no files at these paths.')
  await withEngine(context, async (opened) => {
    await opened.startWork()
    const uploads = files.map((file) => async (): Promise<UploadRequest> => ({
      fileName: basename(file),
      bytes: await readFile(file),
      options: DEFAULT_PARSE_OPTIONS,
      ...(options.collection === undefined ? {} : { collection: options.collection }),
    }))
    await ingestAll(context, opened, workspace, uploads, options.json === true)
  })
}

/** Files on their way at once: enough to keep the worker busy, few enough for memory. */
const AT_ONCE = 4

/**
 * Uploads one document after the other, follows each to its end, and prints what became of them.
 *
 * @throws AppError of the only document, or for how many failed, after all have been tried.
 */
export async function ingestAll(
  context: CliContext,
  opened: CliEngine,
  workspace: WorkspaceId,
  uploads: readonly (() => Promise<UploadRequest>)[],
  json: boolean,
): Promise<void> {
  const limit = pLimit(AT_ONCE)
  const views: (DocumentView | undefined)[] = []
  let [done, refused] = [0, 0]
  const one = async (upload: () => Promise<UploadRequest>, at: number): Promise<void> => {
    context.signal.throwIfAborted()
    const request = await upload()
    const name = plain(request.fileName, 60)
    const show = (view: DocumentView): void => context.progress(done, uploads.length, `${name} · ${view.stage}`)
    try {
      const { fileId } = await opened.engine.documents.upload(workspace, request, undefined)
      views[at] = await settled(context, opened, workspace, fileId, show)
    } catch (error) {
      if (!(error instanceof AppError) || uploads.length === 1) throw error
      refused += 1
      context.note(`${name}: ${error.code}: ${error.message}`)
    }
    done += 1
    context.progress(done, uploads.length, name)
  }
  await Promise.all(uploads.map((upload, at) => limit(() => one(upload, at))))
  const known = views.filter((view) => view !== undefined)
  context.print(json, { documents: known }, () => documentTable(known))
  const broken = known.filter((view) => view.parseStatus === 'failed')
  if (broken[0] !== undefined) {
    const sentence = `${broken.length} of ${uploads.length} files failed; the first: ${broken[0].parseError ?? ''}`
    throw new AppError('unprocessable_document', sentence)
  }
  if (refused > 0) throw new AppError('invalid_request', `${refused} of ${uploads.length} files were refused.`)
}

const POLL_MS = 100

/** The document when its present work has ended. */
export async function settled(
  context: CliContext,
  { engine }: CliEngine,
  workspace: WorkspaceId,
  fileId: string,
  watch: (view: DocumentView) => void = () => undefined,
): Promise<DocumentView> {
  for (;;) {
    const view = await engine.documents.get(workspace, fileId)
    if (view.parseStatus === 'completed' || view.parseStatus === 'failed') return view
    watch(view)
    await sleep(POLL_MS, undefined, { signal: context.signal })
  }
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile()) return [path]
  if (found?.isDirectory()) {
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()
  }
  if (!/[*?[{]/.test(path)) throw new AppError('invalid_request', `${plain(path, 200)} cannot be read.`)
  const matched: string[] = []
  for await (const entry of glob(path, { withFileTypes: true })) if (entry.isFile()) matched.push(join(entry.parentPath, entry.name))
  return matched.toSorted()
}
