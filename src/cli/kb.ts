// `kb`: knowledge releases from a folder: build, look, promote, roll back.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { releaseRequest, type ReleaseRequest } from '../core/release-request.ts'
import { workspaceId } from '../core/workspace.ts'
import type { BuildView } from '../services/releases/api.ts'
import { type CliContext, plain, table, withEngine } from './context.ts'

type Options = { kb: string; json?: boolean }

/** File of a folder → field of a build; the first two must be there. */
const FILES = {
  manifest: 'kb_release_manifest.json',
  knowledge_items: 'knowledge_items.json',
  preview_queries: 'preview_queries.json',
  role_recipes: 'role_recipes.json',
  feature_flags: 'feature_flags.json',
} as const

export function addKbCommands(program: Command, context: CliContext): void {
  const kb = program.command('kb').description('knowledge releases: build, promote, roll back')
  const of = (name: string, description: string): Command =>
    kb.command(name).description(description).option('-k, --kb <id>', 'the knowledge base', 'default').option('--json')
  of('build', 'build a version from a folder and wait for its report')
    .argument('<dir>', `folder with ${FILES.manifest} and ${FILES.knowledge_items}`)
    .option('-o, --output <file>', 'also write the report here')
    .action((folder: string, options: Options & { output?: string }) => build(context, folder, options))
  of('versions', 'list the versions that are kept').action((options: Options) =>
    withEngine(context, async ({ engine }) => {
      const versions = await engine.releases.versions(workspaceId(`kb-${options.kb}`))
      context.print(options.json === true, { versions }, () =>
        table(
          ['version', 'build', 'live', 'passed', 'embedding'],
          versions.map((one) => [
            one.kb_version_id,
            one.build_id,
            one.live ? 'live' : '',
            one.passed === null ? 'not judged' : one.passed ? 'yes' : 'no',
            one.embedding_model,
          ]),
        ),
      )
    }),
  )
  of('promote', 'make a version the one that is searched')
    .argument('<version>')
    .option('--override <reason>', 'although a gate failed')
    .action((version: string, options: Options & { override?: string }) =>
      withEngine(context, async ({ engine }) => {
        const by = { caller: 'command line', ...(options.override === undefined ? {} : { overrideReason: options.override }) }
        const moved = await engine.releases.promote(workspaceId(`kb-${options.kb}`), version, by)
        context.print(options.json === true, moved, () => [
          `${moved.kb_version_id} is live; before: ${moved.previous_version_id ?? 'nothing'}`,
        ])
      }),
    )
  of('rollback', 'go back to the version before, or to the named one')
    .argument('<version>')
    .action((version: string, options: Options) =>
      withEngine(context, async ({ engine }) => {
        const moved = await engine.releases.rollback(workspaceId(`kb-${options.kb}`), version, { caller: 'command line' })
        context.print(options.json === true, moved, () => [
          `${moved.kb_version_id} is live; before: ${moved.previous_version_id ?? 'nothing'}`,
        ])
      }),
    )
}

async function build(context: CliContext, folder: string, options: Options & { output?: string }): Promise<void> {
  const request = await readFolder(folder)
  await withEngine(context, async (opened) => {
    const { engine } = opened
    await opened.startWork()
    const workspace = workspaceId(`kb-${options.kb}`)
    const accepted = await engine.releases.build(workspace, request, { trace_id: `kb-build:${options.kb}` })
    let view: BuildView = await engine.releases.getBuild(workspace, accepted.build_id)
    for (let shown = ''; view.finished_at === null; view = await engine.releases.getBuild(workspace, accepted.build_id)) {
      context.signal.throwIfAborted()
      if (view.state !== shown) context.note(view.state)
      shown = view.state
      await sleep(100)
    }
    const report = view.kb_index_build_report
    if (options.output !== undefined) await writeFile(options.output, `${JSON.stringify(report, null, 2)}\n`)
    context.print(options.json === true, report, () => summary(view))
    if (view.state === 'FAILED') throw new AppError('internal_error', plain(view.error ?? 'The build failed.', 500))
    if (view.state === 'REVIEW_REQUIRED') throw new AppError('gate_failed', 'The version needs a review before it can be promoted.')
  })
}

function summary(view: BuildView): string[] {
  const report = view.kb_index_build_report
  if (report === null) return [view.state]
  const share = (value: number | null): string => (value === null ? 'not measured' : value.toFixed(3))
  return [
    `${report.kb_version_id} (${report.build_id}): ${view.state}, ${report.eval.recommendation}`,
    `${report.stats.items} items, ${report.stats.chunks} chunks, ${report.embedding_model}`,
    `recall@8 ${share(report.eval.recall_at_8)}, conflicts ${share(report.eval.constraint_conflict_rate)}, redundancy ${share(report.eval.redundancy_rate)}`,
    ...report.warnings.map((warning) => `warning: ${plain(warning, 200)}`),
    ...report.review_required_items.map((item) => `review: ${plain(`${item.knowledge_item_id} ${item.reason}: ${item.message}`, 200)}`),
  ]
}

async function readFolder(folder: string): Promise<ReleaseRequest> {
  const fields: Record<string, unknown> = {}
  for (const [field, name] of Object.entries(FILES)) {
    const text = await readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      // Only the manifest and the items have to be there; the check of the whole says so.
      if (error.code === 'ENOENT') return undefined
      throw new AppError('invalid_request', `${name} cannot be read.`, { cause: error })
    })
    if (text !== undefined) fields[field] = parsed(name, text)
  }
  const checked = releaseRequest.safeParse(fields)
  if (checked.success) return checked.data
  throw new AppError('invalid_request', `The folder is no release:\n${z.prettifyError(checked.error)}`)
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('invalid_request', `${name} is not valid JSON.`, { cause })
  }
}
