// `ingest`, `seed`, `documents`, `workspace list`: what is in a workspace and how it gets there.
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import { workspaceId, type WorkspaceId } from '../core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../ports/parser.ts'
import type { Accepted, DocumentView, Engine } from '../services/api.ts'
import { type CliContext, plain, table, withEngine } from './context.ts'

type Options = { workspace: string; json?: boolean }

const ROWS = 50

export function addDocumentCommands(program: Command, context: CliContext, publicSeed: string): void {
  program
    .command('ingest')
    .argument('<paths...>', 'files or folders')
    .description('read files into a workspace and wait until they are searchable')
    .requiredOption('-w, --workspace <name>', 'the workspace to write')
    .option('-c, --collection <name>', 'collection of the documents')
    .option('--json', 'print the documents as JSON')
    .action((paths: string[], options: Options & { collection?: string }) => ingest(context, paths, options))
  program
    .command('seed')
    .argument('[dir]', 'folder of knowledge points, rubrics and documents', publicSeed)
    .description('fill the public workspace; unchanged files cost nothing')
    .option('-w, --workspace <name>', 'the workspace to fill', 'public')
    .option('--json', 'print the report as JSON')
    .action((folder: string, options: Options) => seed(context, folder, options))
  const documents = program.command('documents').description('list, show, retry and delete documents')
  const one = (name: string, description: string): Command =>
    documents.command(name).argument('<fileId>').description(description).requiredOption('-w, --workspace <name>').option('--json')
  documents
    .command('list')
    .requiredOption('-w, --workspace <name>')
    .option('--json')
    .action((options: Options) =>
      withEngine(context, async ({ engine }) => {
        const page = await engine.documents.list(workspaceId(options.workspace), { limit: ROWS })
        context.print(options.json === true, page, () => documentTable(page.documents))
      }),
    )
  one('show', 'everything known of one document').action((fileId: string, options: Options) =>
    withEngine(context, async ({ engine }) => {
      const view = await engine.documents.get(workspaceId(options.workspace), fileId)
      context.print(options.json === true, view, () =>
        Object.entries(view).map(([name, value]) => `${name}: ${plain(typeof value === 'string' ? value : JSON.stringify(value), 200)}`),
      )
    }),
  )
  one('retry', 'process a failed document again').action((fileId: string, options: Options) =>
    withEngine(context, async (opened) => {
      const workspace = workspaceId(options.workspace)
      await opened.startWork()
      await opened.engine.documents.retry(workspace, fileId, undefined)
      const view = await settled(context, opened.engine, workspace, fileId)
      context.print(options.json === true, view, () => documentTable([view]))
    }),
  )
  one('delete', 'remove a document and everything only it supported').action((fileId: string, options: Options) =>
    withEngine(context, async ({ engine }) => {
      const gone = await engine.documents.remove(workspaceId(options.workspace), fileId)
      context.print(options.json === true, gone, () => [`${fileId} is deleted`])
    }),
  )
}

async function ingest(context: CliContext, paths: readonly string[], options: Options & { collection?: string }): Promise<void> {
  const workspace = workspaceId(options.workspace)
  const files = (await Promise.all(paths.map(filesAt))).flat()
  if (files.length === 0) throw new AppError('invalid_request', 'There are no files at these paths.')
  await withEngine(context, async (opened) => {
    await opened.startWork()
    const views: DocumentView[] = []
    let failed = 0
    for (const [at, file] of files.entries()) {
      const bytes = await readFile(file)
      const request = {
        fileName: basename(file),
        bytes,
        options: DEFAULT_PARSE_OPTIONS,
        ...(options.collection === undefined ? {} : { collection: options.collection }),
      }
      try {
        const accepted = await opened.engine.documents.upload(workspace, request, undefined)
        views.push(await settled(context, opened.engine, workspace, accepted.fileId))
      } catch (error) {
        if (!(error instanceof AppError) || files.length === 1) throw error
        failed += 1
        context.note(`${plain(file)}: ${error.code}: ${error.message}`)
      }
      context.note(`${at + 1}/${files.length} ${plain(basename(file), 60)}`)
    }
    context.print(options.json === true, { documents: views }, () => documentTable(views))
    const broken = views.find((view) => view.parseStatus === 'failed')
    if (broken)
      throw new AppError(
        'unprocessable_document',
        `${views.filter((view) => view.parseStatus === 'failed').length} of ${files.length} files failed; the first: ${broken.parseError ?? ''}`,
      )
    if (failed > 0) throw new AppError('invalid_request', `${failed} of ${files.length} files were refused.`)
  })
}

async function seed(context: CliContext, folder: string, options: Options): Promise<void> {
  const workspace = workspaceId(options.workspace)
  await withEngine(context, async (opened) => {
    await opened.startWork()
    const report = await opened.seed(workspace, folder)
    const views = await Promise.all(report.queued.map((accepted: Accepted) => settled(context, opened.engine, workspace, accepted.fileId)))
    const summary = { seeded: views.length, unchanged: report.unchanged, skipped: report.skipped, documents: views }
    context.print(options.json === true, summary, () => [
      `${views.length} files seeded, ${report.unchanged} unchanged, ${report.skipped.length} skipped`,
      ...views.flatMap((view) => view.warnings.map((warning) => `warning: ${plain(view.fileName, 60)}: ${plain(warning, 200)}`)),
      ...report.skipped.map((entry) => `skipped: ${plain(entry.file)}: ${entry.reason}`),
      ...views.filter((view) => view.parseStatus === 'failed').map((view) => `failed: ${plain(view.fileName)}: ${view.parseError ?? ''}`),
    ])
    if (views.some((view) => view.parseStatus === 'failed')) throw new AppError('unprocessable_document', 'Some seed files failed.')
  })
}

const POLL_MS = 100

async function settled(context: CliContext, engine: Engine, workspace: WorkspaceId, fileId: string): Promise<DocumentView> {
  for (;;) {
    const view = await engine.documents.get(workspace, fileId)
    if (view.parseStatus === 'completed' || view.parseStatus === 'failed') return view
    await sleep(POLL_MS, undefined, { signal: context.signal })
  }
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new AppError('invalid_request', `${plain(path, 200)} cannot be read.`, { cause })
  })
  if (found.isFile()) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

function documentTable(views: readonly DocumentView[]): string[] {
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
