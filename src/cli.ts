// The command line: the same use cases without HTTP. Composes like main.ts; every command lives in src/cli.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { Command, CommanderError } from 'commander'
import { createApp, createParser, PUBLIC_SEED } from './app.ts'
import { actOf, addAuditCommand } from './cli/audit.ts'
import type { CliContext } from './cli/context.ts'
import { addCompletionCommand } from './cli/completion.ts'
import { addDocumentCommands } from './cli/documents.ts'
import { addDoctorCommand } from './cli/doctor.ts'
import { addEstimateCommand } from './cli/estimate.ts'
import { addEvalCommand } from './cli/eval.ts'
import { addGraphCommands } from './cli/graph.ts'
import { addImportLightRagCommand } from './cli/import-lightrag.ts'
import { addIngestCommand } from './cli/ingest.ts'
import { addKbCommands } from './cli/kb.ts'
import { addParseCommand } from './cli/parse.ts'
import { addPortabilityCommands } from './cli/portability.ts'
import { addSearchCommands } from './cli/search.ts'
import { addWorkspaceCommands } from './cli/workspaces.ts'
import { loadConfig } from './config.ts'
import { principal } from './core/credentials.ts'
import { asAppError } from './core/errors.ts'
import { workspaceId } from './core/workspace.ts'
import { openDatabase, openPostgres } from './drivers/postgres.ts'
import { openScratchDatabase } from './drivers/scratch.ts'
import { createTools } from './http/tools.ts'
import { createLog } from './log.ts'
import { serve } from './main.ts'
import { serveStdio } from './mcp/stdio.ts'
import { createModels } from './models/create.ts'
import { readLightRagFolder } from './parsers/lightrag-folder.ts'
import { diagnose, repair } from './services/doctor.ts'
import { writtenBefore } from './services/estimate.ts'
import { reembedStatus, reembedWorkspace } from './services/reembed/reembed.ts'
import { deleteWorkspace, exportWorkspace, importWorkspace } from './services/portability.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')))

/** Back to the start of the line, and everything on it gone. */
const CLEAR_LINE = '\r\u001b[2K'
const BAR_WIDTH = 24

// Whoever reads on the other side of a pipe may have seen enough; the command still ends in order.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

let running: Command | undefined

/** A container may run under a number that has no name. */
function user(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

const context: CliContext = {
  signal: interrupt.signal,
  open: async () => {
    const app = await createApp(loadConfig('command'), createLog('error', process.stderr))
    const act = running === undefined ? undefined : actOf(running, user())
    const ended = act === undefined ? undefined : await app.engine.audit.begin(act)
    return {
      engine: app.engine,
      seed: (workspace, folder) => app.seed(workspace, folder),
      doctor: (workspace, mend, signal) => (mend ? repair(app.deps, workspace, signal) : diagnose(app.deps, workspace)),
      checkModels: (signal) => app.checkModels(signal, 'probe'),
      portability: {
        write: (workspace, line, work) => exportWorkspace(app.deps.database, workspace, line, { work }),
        read: (lines, replace) => importWorkspace(app.deps.database, lines, { replace }),
        remove: (workspace) => deleteWorkspace(app.deps.database, workspace),
      },
      reembed: {
        start: (workspace) => reembedWorkspace(app.deps, workspace),
        status: (workspace) => reembedStatus(app.deps, workspace),
      },
      startWork: () => app.startWork(),
      ended: async (outcome) => ended?.(outcome),
      close: async () => {
        await app.stopWork()
        await app.close()
      },
    }
  },
  print: (json, value, lines) => {
    process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${lines().join('\n')}\n`)
  },
  note: (line) => {
    process.stderr.write(`${process.stderr.isTTY ? CLEAR_LINE : ''}${line}\n`)
  },
  progress: (done, total, what) => {
    if (!process.stderr.isTTY) return
    const filled = Math.round((done / Math.max(total, 1)) * BAR_WIDTH)
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
    process.stderr.write(`${CLEAR_LINE}${bar} ${done}/${total} ${done === total ? '\n' : what}`)
  },
}

const program = new Command('insight-rag')
  .description('A retrieval engine with a knowledge graph for many tenants. Settings come from the environment and .env; see .env.example.')
  .version(version)
  .exitOverride()
  .addHelpText(
    'after',
    `
A first answer:
  insight-rag ingest lessons/ 教案.pdf -w teacher-001
  insight-rag query "學習二次函數之前要先學什麼？" -w teacher-001

Every command prints tables for people and, with --json, the JSON of the matching HTTP route. Exit codes: 0 done, 2 usage,
3 not allowed, 4 not found, 5 conflict, 6 the document cannot be read, 7 a model or another service is away, 8 storage.`,
  )
program
  .command('serve')
  .description('serve HTTP and work on jobs, as ROLE says')
  .action(() => serve(loadConfig()))
program
  .command('work')
  .description('work on jobs without HTTP')
  .action(() => serve({ ...loadConfig(), role: 'worker' }))
program
  .command('migrate')
  .description('bring the database schema up to date')
  .action(async () => {
    const config = loadConfig('command')
    const database = await openDatabase({ url: config.database.url, directory: `${config.dataDir}/pglite`, poolSize: 1 })
    await database.close()
    context.note('the schema is up to date')
  })
program
  .command('mcp')
  .description('speak MCP on standard input and output, for an agent on this machine')
  .option('-w, --workspace <name>', 'the workspace to act on; public is read as well', 'public')
  .action((options: { workspace: string }) => speakMcp(options.workspace))
addIngestCommand(program, context)
addDocumentCommands(program, context, PUBLIC_SEED)
addImportLightRagCommand(program, context, readLightRagFolder)
addSearchCommands(program, context)
addGraphCommands(program, context)
addPortabilityCommands(program, addWorkspaceCommands(program, context), context)
addDoctorCommand(program, context)
addKbCommands(program, context)
addParseCommand(program, context, () => createParser(loadConfig('command'), 1))
addEstimateCommand(program, context, (workspace) => {
  const config = loadConfig('command')
  const models = createModels(config.models)
  const parser = createParser(config, 1)
  const { url } = config.database
  const database = url === undefined ? undefined : openPostgres(url, { poolSize: 1 })
  const { embedding, extractor, vision } = models
  let before: ReturnType<typeof writtenBefore> | undefined
  return {
    parser,
    embedding,
    extractor,
    vision,
    price: (model, usage) => models.price(model, usage),
    chunkMaxTokens: config.models.embedding?.maxTokens ?? 512,
    // Asked once for all files, since a server that is away may be waited for.
    history: async (model) => {
      if (database === undefined) return undefined
      return (before ??= writtenBefore(database.side, workspace, model).catch(() => {
        context.note('The database cannot be asked what models wrote before, so output is assumed.')
        return undefined
      }))
    },
    close: async () => void (await Promise.all([parser.close(), models.close(), database?.close()])),
  }
})
addEvalCommand(
  program,
  async () => {
    const config = loadConfig('command')
    return {
      models: createModels(config.models),
      chunkMaxTokens: config.models.embedding?.maxTokens ?? 512,
      openScratch: () => openScratchDatabase(config.database.url),
      print: (line) => process.stdout.write(`${line}\n`),
    }
  },
  interrupt.signal,
)
addAuditCommand(program, context)
addCompletionCommand(program, context)
program.hook('preAction', (_program, command) => void (running = command))

/** Until the agent closes its end or Ctrl-C. Standard output belongs to the protocol, so nothing is logged there. */
async function speakMcp(workspace: string): Promise<void> {
  const opened = await context.open()
  try {
    const handle = serveStdio({
      tools: createTools(opened.engine, { loopback: true, development: false, uploadMaxBytes: 0 }),
      version,
      principal: principal('admin'),
      workspace: workspaceId(workspace),
      report: (error, tool) => {
        const known = asAppError(error)
        if (known.code === 'internal_error')
          context.note(`${tool} failed unexpectedly: ${error instanceof Error ? error.message : 'no reason given'}`)
        return known
      },
    })
    await Promise.race([once(process.stdin, 'close'), once(interrupt.signal, 'abort')])
    await handle.close()
  } finally {
    await opened.close()
  }
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  const known = asAppError(error)
  context.note(`${known.code}: ${known.code === 'internal_error' && error instanceof Error ? error.message : known.message}`)
  process.exitCode = known.definition.exit
}
