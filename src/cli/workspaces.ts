// `workspace`: what tenants there are.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import { type WorkspaceId, workspaceId } from '../core/workspace.ts'
import { type CliContext, table, withEngine } from './context.ts'

export function addWorkspaceCommands(program: Command, context: CliContext): Command {
  const workspace = program.command('workspace').description('workspaces and their embedding spaces')
  workspace
    .command('list')
    .option('--json')
    .action((options: { json?: boolean }) =>
      withEngine(context, async ({ engine }) => {
        const workspaces = await engine.workspaces.list(undefined)
        context.print(options.json === true, { workspaces }, () =>
          table(
            ['workspace', 'documents', 'chunks', 'entities', 'relations', 'embedding'],
            workspaces.map((one) => [
              one.workspace,
              String(one.documents),
              String(one.chunks),
              String(one.entities),
              String(one.relations),
              `${one.embedding.model} (${one.embedding.dim})`,
            ]),
          ),
        )
      }),
    )
  workspace
    .command('reembed')
    .argument('<name>')
    .description('move a workspace to the configured embedding model; searches go on in the old space until the new one is complete')
    .option('--json')
    .action((name: string, options: { json?: boolean }) => reembed(context, workspaceId(name), options.json === true))
  return workspace
}

const POLL_MS = 500

async function reembed(context: CliContext, workspace: WorkspaceId, json: boolean): Promise<void> {
  await withEngine(context, async (opened) => {
    await opened.startWork()
    const { jobId } = await opened.reembed.start(workspace)
    if (jobId === undefined)
      return context.print(json, { workspace, moved: false }, () => [`${workspace} is in the configured space already`])
    for (;;) {
      const status = await opened.reembed.status(workspace)
      if (status === undefined || status.state === 'switched' || status.state === 'dropped') {
        return context.print(json, { workspace, moved: true, status }, () => [`${workspace} has moved`])
      }
      if (status.state === 'failed')
        throw new AppError('conflict', `The workspace stays in its old space: ${status.error ?? 'the job failed'}`)
      context.note(`${status.done} of ${status.total} vectors`)
      await sleep(POLL_MS, undefined, { signal: context.signal })
    }
  })
}
