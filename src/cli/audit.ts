// `audit`: what administrators did, over HTTP and by commands; and which commands are written down.
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import type { Act } from '../services/audit.ts'
import { type CliContext, plain, table, whole, withEngine } from './context.ts'

/** Commands that change nothing and carry nothing away. What is not named here is written down. */
const LOOKING = new Set([
  'mcp', 'search', 'query', 'estimate', 'documents list', 'documents show', 'graph entities', 'graph entity', 'graph subgraph', 'graph prerequisites',
  'graph merges', 'graph resolutions', 'workspace list', 'kb versions', 'audit',
]) // prettier-ignore

/** Undefined for a command that only looks. Names in the graph are content, so the words after `graph …` are left out. */
export function actOf(command: Command, user: string): Act | undefined {
  const path: string[] = []
  for (let at = command; at.parent !== null; at = at.parent) path.unshift(at.name())
  const name = path.join(' ')
  const { workspace, kb, repair } = command.opts<{ workspace?: string; kb?: string; repair?: boolean }>()
  if (LOOKING.has(name) || (name === 'doctor' && repair !== true)) return undefined
  return {
    actor: `cli:${user}`,
    action: `insight-rag ${name}`,
    workspace: workspace ?? (kb === undefined ? undefined : `kb-${kb}`),
    subject: path[0] === 'graph' || command.args.length === 0 ? {} : { arguments: command.args.join(' ') },
    requestId: undefined,
  }
}

export function addAuditCommand(program: Command, context: CliContext): void {
  program
    .command('audit')
    .description('what administrators changed, the newest first, and whether the trail is as it was written')
    .option('-n, --limit <n>', 'how many, 1 to 200', '50')
    .option('--before <entry>', 'only entries before this one')
    .option('--json', 'print the trail as JSON')
    .action((options: { limit: string; before?: string; json?: boolean }) =>
      withEngine(context, async ({ engine }) => {
        const before = options.before === undefined ? undefined : whole('--before', options.before, 1, Number.MAX_SAFE_INTEGER)
        const entries = await engine.audit.trail(whole('--limit', options.limit, 1, 200), before)
        const brokenAt = await engine.audit.verify()
        context.print(options.json === true, { entries, brokenAt }, () =>
          table(
            ['entry', 'at', 'who', 'what', 'workspace', 'about', 'ended'],
            entries.map((one) => [
              String(one.entry),
              one.at,
              one.actor,
              one.action,
              plain(one.workspace ?? ''),
              plain(Object.values(one.subject).join(' ')),
              one.outcome ?? 'unknown',
            ]),
          ),
        )
        if (brokenAt !== null)
          throw new AppError('conflict', `The trail is not as it was written: look at entry ${brokenAt} and at what followed it.`)
      }),
    )
}
