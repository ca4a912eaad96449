// `search` and `query`: questions from the command line.
import type { Command } from 'commander'
import { type Mode, MODES } from '../core/modes.ts'
import { AppError } from '../core/errors.ts'
import { PUBLIC_WORKSPACE, workspaceId, workspaceScope, type WorkspaceScope } from '../core/workspace.ts'
import type { QueryRequest, SearchRequest } from '../services/api.ts'
import { type CliContext, OWN_WORKSPACE, plain, table, whole, withEngine } from './context.ts'

type Options = { workspace: string; mode: string; topK: string; public: boolean; json?: boolean }

export function addSearchCommands(program: Command, context: CliContext): void {
  const shared = (command: Command): Command =>
    command
      .option('-w, --workspace <name>', 'the workspace to search; public is searched as well', OWN_WORKSPACE)
      .option('-m, --mode <mode>', `one of ${MODES.join(', ')}`, 'auto')
      .option('-k, --top-k <n>', 'results, 1 to 100', '10')
      .option('--no-public', 'leave the public workspace out')
      .option('--json', 'print the reply as JSON')
  shared(program.command('search').argument('<query>').description('find evidence for a question')).action(
    (query: string, options: Options) => search(context, query, options),
  )
  shared(program.command('query').argument('<question>').description('answer a question with citations')).action(
    (question: string, options: Options) => query(context, question, options),
  )
}

function requestOf(query: string, options: Options): { scope: WorkspaceScope; request: SearchRequest } {
  if (!MODES.includes(options.mode as Mode)) throw new AppError('invalid_request', `--mode must be one of ${MODES.join(', ')}.`)
  const topK = whole('--top-k', options.topK, 1, 100)
  if (query.trim() === '') throw new AppError('invalid_request', 'The question is empty.')
  const own = workspaceId(options.workspace)
  return {
    scope: options.public ? workspaceScope(own, PUBLIC_WORKSPACE) : workspaceScope(own),
    request: {
      query,
      mode: options.mode as Mode,
      topK,
      chunkTopK: Math.max(20, topK),
      collections: [],
      filters: {},
      highLevelKeywords: [],
      lowLevelKeywords: [],
      rerank: false,
      explain: false,
    },
  }
}

async function search(context: CliContext, text: string, options: Options): Promise<void> {
  const { scope, request } = requestOf(text, options)
  await withEngine(context, async ({ engine }) => {
    const reply = await engine.retrieval.search(scope, request, context.signal)
    if (reply.degraded === true) context.note(`degraded: ${reply.degradedReason ?? 'a model was away'}`)
    context.print(options.json === true, reply, () =>
      table(
        ['score', 'source', 'page', 'text'],
        reply.results.map((result) => [
          result.score.toFixed(3),
          plain(result.source, 40),
          String(result.page ?? ''),
          plain(result.content, 80),
        ]),
      ),
    )
  })
}

async function query(context: CliContext, question: string, options: Options): Promise<void> {
  const { scope, request } = requestOf(question, options)
  const full: QueryRequest = { ...request, history: [], onlyContext: false }
  await withEngine(context, async ({ engine }) => {
    for await (const event of engine.retrieval.query(scope, full, context.signal)) {
      if (event.event !== 'done') continue
      const { event: _done, ...reply } = event
      if (reply.degraded === true) context.note(`degraded: ${reply.degradedReason ?? 'a model was away'}`)
      context.print(options.json === true, reply, () => [
        reply.answer,
        '',
        ...reply.references.map(
          (reference) => `[${reference.id}] ${plain(reference.source)}${reference.page === null ? '' : `, p. ${reference.page}`}`,
        ),
      ])
    }
  })
}
