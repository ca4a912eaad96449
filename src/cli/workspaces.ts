// `workspace`: what tenants there are.
import type { Command } from 'commander'
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
  return workspace
}
