// `seed` and `documents`: what is in a workspace.
import { type Command, Option } from 'commander'
import { AppError } from '../core/errors.ts'
import { workspaceId } from '../core/workspace.ts'
import type { Accepted, ParseStatus } from '../services/api.ts'
import { type CliContext, documentTable, OWN_WORKSPACE, plain, withEngine, whole } from './context.ts'
import { settled } from './ingest.ts'

type Options = { workspace: string; json?: boolean }

const STATES = ['pending', 'processing', 'completed', 'failed'] as const

type ListOptions = Options & { limit: string; status?: ParseStatus; match?: string; collection?: string; cursor?: string }

export function addDocumentCommands(program: Command, context: CliContext, publicSeed: string): void {
  program
    .command('seed')
    .argument('[dir]', 'folder of knowledge points, rubrics and documents', publicSeed)
    .description('fill the public workspace; unchanged files cost nothing')
    .option('-w, --workspace <name>', 'the workspace to fill', 'public')
    .option('--json', 'print the report as JSON')
    .action((folder: string, options: Options) => seed(context, folder, options))
  const documents = program.command('documents').description('list, show, retry and delete documents')
  const one = (name: string, description: string): Command =>
    documents
      .command(name)
      .argument('<fileId>')
      .description(description)
      .option('-w, --workspace <name>', 'the workspace of the document', OWN_WORKSPACE)
      .option('--json')
  documents
    .command('list')
    .description('the documents of a workspace, newest first')
    .option('-w, --workspace <name>', 'the workspace to read', OWN_WORKSPACE)
    .addOption(new Option('--status <status>', 'only these').choices(STATES))
    .option('-c, --collection <name>', 'only of this collection')
    .option('-q, --match <text>', 'only names that contain this')
    .option('-n, --limit <n>', 'how many, 1 to 200', '50')
    .option('--cursor <cursor>', 'go on where a page ended')
    .option('--json', 'print the page as JSON')
    .action((options: ListOptions) =>
      withEngine(context, async ({ engine }) => {
        const { status, match, collection, cursor } = options
        const page = await engine.documents.list(workspaceId(options.workspace), {
          limit: whole('--limit', options.limit, 1, 200),
          ...(status === undefined ? {} : { status }),
          ...(match === undefined ? {} : { q: match }),
          ...(collection === undefined ? {} : { collection }),
          ...(cursor === undefined ? {} : { cursor }),
        })
        context.print(options.json === true, page, () => [
          ...documentTable(page.documents),
          ...(page.nextCursor === null ? [] : [`there are more: --cursor ${page.nextCursor}`]),
        ])
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
      const view = await settled(context, opened, workspace, fileId)
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

async function seed(context: CliContext, folder: string, options: Options): Promise<void> {
  const workspace = workspaceId(options.workspace)
  await withEngine(context, async (opened) => {
    await opened.startWork()
    const report = await opened.seed(workspace, folder)
    const views = await Promise.all(report.queued.map((accepted: Accepted) => settled(context, opened, workspace, accepted.fileId)))
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
