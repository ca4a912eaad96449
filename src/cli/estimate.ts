// `estimate`: what ingesting files would cost. Reads and cuts them as ingest does; calls no model, and needs no database, although a server that
// is there tells what models wrote before.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import { type WorkspaceId, workspaceId } from '../core/workspace.ts'
import { type Estimate, type EstimateDeps, estimateFile, total } from '../services/estimate.ts'
import { type CliContext, OWN_WORKSPACE, plain, table } from './context.ts'

export type EstimateOpened = EstimateDeps & { close(): Promise<void> }

export function addEstimateCommand(program: Command, context: CliContext, open: (workspace: WorkspaceId) => EstimateOpened): void {
  program
    .command('estimate')
    .argument('<files...>')
    .description('what ingesting these files would cost: chunks, model calls, tokens, and CNY by the catalogue')
    .option('-w, --workspace <name>', 'whose earlier calls tell how much models write', OWN_WORKSPACE)
    .option('--json')
    .action(async (files: string[], options: { workspace: string; json?: boolean }) => {
      const opened = open(workspaceId(options.workspace))
      try {
        const estimates: Estimate[] = []
        for (const file of files) estimates.push(await estimateFile(opened, await contentOf(file), context.signal))
        const costCny = total(estimates.map((estimate) => estimate.costCny))
        context.print(options.json === true, { files: estimates, costCny }, () => linesOf(estimates, costCny))
      } finally {
        await opened.close()
      }
    })
}

async function contentOf(file: string): Promise<{ name: string; bytes: Uint8Array }> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new AppError('invalid_request', `The file ${plain(file)} cannot be read.`, { cause })
  })
  if (bytes.length === 0) throw new AppError('unprocessable_document', `The file ${plain(file)} is empty.`)
  return { name: basename(file), bytes }
}

const cny = (cost: number | null): string => (cost === null ? 'no price' : cost.toFixed(4))

function linesOf(estimates: readonly Estimate[], costCny: number | null): string[] {
  const rows = estimates.flatMap(({ file, chunks, characters, roles, costCny: whole }) => [
    [plain(file, 40), String(chunks), String(characters), '', '', '', '', cny(whole)],
    ...roles.map((role) => [
      '',
      '',
      '',
      `${role.role} ${role.model}`,
      String(role.calls),
      String(role.inputTokens),
      String(role.outputTokens),
      cny(role.costCny),
    ]),
  ])
  return [
    ...table(['file', 'chunks', 'characters', 'model', 'calls', 'tokens in', 'tokens out', 'CNY'], rows),
    ...(estimates.length > 1 ? [`all together: ${cny(costCny)} CNY`] : []),
    'Output is a guess, and models differ by a factor; what the workspace knows already, or the provider caches, is not paid for again.',
  ]
}
