// `graph`: looking at the graph of a workspace and correcting it. Corrections outlive every document; a merge can be undone.
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import { PUBLIC_WORKSPACE, workspaceId, workspaceScope, type WorkspaceScope } from '../core/workspace.ts'
import type { EntityDetail, EntityFields, EntitySummary, RelationFields } from '../services/graph/api.ts'
import { type CliContext, type CliEngine, OWN_WORKSPACE, plain, table, whole, withEngine } from './context.ts'

type Read = { workspace: string; public: boolean; json?: boolean }
type Write = { workspace: string; json?: boolean }

export function addGraphCommands(program: Command, context: CliContext): void {
  const graph = program.command('graph').description('look at the graph of a workspace and correct it')
  graph.addHelpText(
    'after',
    `
Examples:
  insight-rag graph prerequisites 頂點公式 -w teacher-001
  insight-rag graph merge 二次函數 二次函数 "quadratic function" -w public
  insight-rag graph relate 一次函數 二次函數 --keywords prerequisite -w public`,
  )
  addReading(graph, context)
  addEntityEdits(graph, context)
  addRelationEdits(graph, context)
  addMerges(graph, context)
}

const reading = (command: Command): Command =>
  command
    .option('-w, --workspace <name>', 'the workspace to read; public is read as well', OWN_WORKSPACE)
    .option('--no-public', 'leave the public workspace out')
    .option('--json', 'print the reply as JSON')

const writing = (command: Command): Command =>
  command.requiredOption('-w, --workspace <name>', 'the workspace to correct').option('--json', 'print the reply as JSON')

function addReading(graph: Command, context: CliContext): void {
  reading(
    graph.command('entities').argument('[name]', 'a name, alias, or part of one').description('find entities, the best connected first'),
  )
    .option('-n, --limit <n>', 'how many, 1 to 200', '50')
    .action((name: string | undefined, options: Read & { limit: string }) =>
      read(context, options, async ({ engine }, scope) => {
        const limit = whole('--limit', options.limit, 1, 200)
        const page = await engine.graph.entities(scope, { limit, ...(name === undefined ? {} : { q: name }) })
        context.print(options.json === true, page, () => entityTable(page.entities))
      }),
    )
  reading(
    graph.command('entity').argument('<name>').description('one entity with its relations and the words of documents about it'),
  ).action((name: string, options: Read) =>
    read(context, options, async ({ engine }, scope) => {
      const entity = await engine.graph.entity(scope, name)
      context.print(options.json === true, entity, () => entityLines(entity))
    }),
  )
  reading(graph.command('subgraph').argument('<name>').description('what stands around an entity'))
    .option('-d, --depth <n>', 'steps away from it, 1 to 3', '1')
    .option('-n, --max-nodes <n>', 'entities at most, 1 to 1000', '100')
    .action((name: string, options: Read & { depth: string; maxNodes: string }) =>
      read(context, options, async ({ engine }, scope) => {
        const limits = { depth: whole('--depth', options.depth, 1, 3), maxNodes: whole('--max-nodes', options.maxNodes, 1, 1000) }
        const found = await engine.graph.subgraph(scope, { entity: name, ...limits })
        const nameOf = new Map(found.nodes.map((node) => [node.id, node.name]))
        context.print(options.json === true, found, () => [
          ...table(
            ['source', 'target', 'keywords', 'weight'],
            found.edges.map((edge) => [
              plain(nameOf.get(edge.source) ?? '', 40),
              plain(nameOf.get(edge.target) ?? '', 40),
              plain(edge.keywords, 40),
              String(edge.weight),
            ]),
          ),
          `${found.nodes.length} entities, ${found.edges.length} relations${found.truncated ? '; there are more: raise --max-nodes' : ''}`,
        ])
      }),
    )
  reading(graph.command('prerequisites').argument('<name>').description('what must be known before an entity, nearest first'))
    .option('-d, --depth <n>', 'levels, 1 to 10', '5')
    .action((name: string, options: Read & { depth: string }) =>
      read(context, options, async ({ engine }, scope) => {
        const found = await engine.graph.prerequisites(scope, { entity: name, depth: whole('--depth', options.depth, 1, 10) })
        context.print(options.json === true, found, () => [
          ...table(
            ['level', 'before it', 'evidence'],
            found.chain.map((step) => [String(step.level), plain(step.name, 40), plain(step.evidence[0]?.quote ?? '', 80)]),
          ),
          ...found.cycles.map((cycle) => `the sources contradict each other: ${cycle.map((one) => plain(one, 40)).join(' → ')} → …`),
        ])
      }),
    )
}

function addEntityEdits(graph: Command, context: CliContext): void {
  const fields = (command: Command): Command =>
    writing(command).option('--type <type>', 'what kind of thing it is').option('--description <text>', 'what it is')
  fields(graph.command('add').argument('<name>').description('add an entity, or bring a removed one back')).action(
    (name: string, options: Write & EntityFields) =>
      withEngine(context, async ({ engine }) => {
        const made = await engine.graph.createEntity(workspaceId(options.workspace), { name, ...fieldsOf(options) }, context.signal)
        context.print(options.json === true, made, () => entityLines(made))
      }),
  )
  fields(graph.command('edit').argument('<name>').description('correct an entity; the old name stays an alias'))
    .option('--name <name>', 'its new name')
    .action((name: string, options: Write & EntityFields & { name?: string }) =>
      withEngine(context, async ({ engine }) => {
        const change = { ...fieldsOf(options), ...(options.name === undefined ? {} : { name: options.name }) }
        if (Object.keys(change).length === 0) throw new AppError('invalid_request', 'Say what to change: --name, --type or --description.')
        const changed = await engine.graph.updateEntity(workspaceId(options.workspace), name, change, context.signal)
        context.print(options.json === true, changed, () => entityLines(changed))
      }),
    )
  writing(graph.command('remove').argument('<name>').description('hide an entity, also from later documents')).action(
    (name: string, options: Write) =>
      withEngine(context, async ({ engine }) => {
        const gone = await engine.graph.deleteEntity(workspaceId(options.workspace), name)
        context.print(options.json === true, gone, () => [`${plain(gone.name)} is removed`])
      }),
  )
}

function addRelationEdits(graph: Command, context: CliContext): void {
  type Stated = Write & { keywords?: string; description?: string; weight?: string }
  writing(graph.command('relate').argument('<source>').argument('<target>').description('state a relation, or correct the one there is'))
    .option('--keywords <list>', 'comma-separated; prerequisite: the source must be known before the target')
    .option('--description <text>', 'how they are related')
    .option('--weight <n>', 'how strongly')
    .action((source: string, target: string, options: Stated) =>
      withEngine(context, async ({ engine }) => {
        const [workspace, stated] = [workspaceId(options.workspace), relationFields(options)]
        const relation = await engine.graph
          .createRelation(workspace, { source, target, ...stated }, context.signal)
          .catch((error: unknown) => {
            if (!(error instanceof AppError) || error.code !== 'conflict') throw error
            return engine.graph.updateRelation(workspace, { source, target }, stated, context.signal)
          })
        context.print(options.json === true, relation, () => [relationLine(relation)])
      }),
    )
  writing(
    graph.command('unrelate').argument('<source>').argument('<target>').description('hide a relation, also from later documents'),
  ).action((source: string, target: string, options: Write) =>
    withEngine(context, async ({ engine }) => {
      const gone = await engine.graph.deleteRelation(workspaceId(options.workspace), { source, target })
      context.print(options.json === true, gone, () => [`${plain(gone.source)} and ${plain(gone.target)} are no longer related`])
    }),
  )
}

function addMerges(graph: Command, context: CliContext): void {
  writing(
    graph.command('merge').argument('<into>').argument('<from...>').description('make several entities one, under the first name'),
  ).action((into: string, from: string[], options: Write) =>
    withEngine(context, async ({ engine }) => {
      const merged = await engine.graph.mergeEntities(workspaceId(options.workspace), { into, from })
      context.print(options.json === true, merged, () => [
        `merged; to take it back: insight-rag graph undo ${merged.mergeId} -w ${options.workspace}`,
      ])
    }),
  )
  writing(graph.command('merges').description('merges that hold, the newest first')).action((options: Write) =>
    withEngine(context, async ({ engine }) => {
      const held = await engine.graph.merges(workspaceId(options.workspace), 200)
      context.print(options.json === true, held, () =>
        table(
          ['merge', 'from', 'into', 'made by'],
          held.merges.map((one) => [one.mergeId, plain(one.from.join(', '), 60), plain(one.into, 40), one.madeBy]),
        ),
      )
    }),
  )
  writing(graph.command('resolutions').description('entities that may be one thing, the most alike first')).action((options: Write) =>
    withEngine(context, async ({ engine }) => {
      const workspace = workspaceId(options.workspace)
      let found = await engine.graph.resolutions(workspace, 200)
      for (let left = Infinity; found.uncompared > 0 && found.uncompared < left;) {
        left = found.uncompared
        found = await engine.graph.resolutions(workspace, 200)
      }
      context.print(options.json === true, found, () =>
        table(
          ['pair', 'one', 'other', 'score', 'because of'],
          found.resolutions.map(({ resolutionId, a, b, score, reason }) => [
            resolutionId,
            plain(a.name, 40),
            plain(b.name, 40),
            score.toFixed(2),
            reason,
          ]),
        ),
      )
    }),
  )
  writing(graph.command('accept').argument('<pair>').description('the two are one thing: merge them'))
    .option('--into <name>', 'the name that stays; else the better connected one')
    .action((resolutionId: string, options: Write & { into?: string }) =>
      withEngine(context, async ({ engine }) => {
        const { into } = options
        const decision = { resolutionId, ...(into === undefined ? {} : { into }) }
        const merged = await engine.graph.acceptResolution(workspaceId(options.workspace), decision)
        context.print(options.json === true, merged, () => [
          `merged into ${plain(merged.into)}; to take it back: insight-rag graph undo ${merged.mergeId} -w ${options.workspace}`,
        ])
      }),
    )
  writing(graph.command('reject').argument('<pair>').description('the two are not one thing: never propose them again')).action(
    (resolutionId: string, options: Write) =>
      withEngine(context, async ({ engine }) => {
        const said = await engine.graph.rejectResolution(workspaceId(options.workspace), resolutionId)
        context.print(options.json === true, said, () => ['the pair is not proposed again'])
      }),
  )
  writing(graph.command('undo').argument('<mergeId>').description('take a merge back')).action((mergeId: string, options: Write) =>
    withEngine(context, async ({ engine }) => {
      const undone = await engine.graph.undoMerge(workspaceId(options.workspace), mergeId)
      context.print(options.json === true, undone, () => ['the merge is undone'])
    }),
  )
}

function read(context: CliContext, options: Read, work: (opened: CliEngine, scope: WorkspaceScope) => Promise<void>): Promise<void> {
  const own = workspaceId(options.workspace)
  const scope = options.public ? workspaceScope(own, PUBLIC_WORKSPACE) : workspaceScope(own)
  return withEngine(context, (opened) => work(opened, scope))
}

function fieldsOf({ type, description }: EntityFields): EntityFields {
  return { ...(type === undefined ? {} : { type }), ...(description === undefined ? {} : { description }) }
}

function relationFields({ keywords, description, weight }: { keywords?: string; description?: string; weight?: string }): RelationFields {
  const strength = weight === undefined ? undefined : Number(weight)
  if (strength !== undefined && !(Number.isFinite(strength) && strength > 0))
    throw new AppError('invalid_request', '--weight must be a number above 0.')
  return {
    ...(keywords === undefined ? {} : { keywords: keywords.split(/[,，]/).flatMap((word) => word.trim().toLowerCase() || []) }),
    ...(description === undefined ? {} : { description }),
    ...(strength === undefined ? {} : { weight: strength }),
  }
}

const entityTable = (entities: readonly EntitySummary[]): string[] =>
  table(
    ['name', 'type', 'relations', 'workspace', 'description'],
    entities.map((one) => [plain(one.name, 40), plain(one.type, 24), String(one.degree), one.workspace, plain(one.description, 60)]),
  )

const relationLine = (one: EntityDetail['relations'][number]): string =>
  `${plain(one.source, 40)} → ${plain(one.target, 40)}  (${plain(one.keywords, 60)}; weight ${one.weight})`

function entityLines(entity: EntityDetail): string[] {
  return [
    `${plain(entity.name)}  (${plain(entity.type, 40)}, ${entity.workspace})`,
    ...(entity.aliases.length === 0 ? [] : [`also: ${entity.aliases.map((alias) => plain(alias, 40)).join(', ')}`]),
    ...entity.description.split('\n').flatMap((line) => plain(line, 400) || []),
    ...(entity.relations.length === 0 ? [] : ['', 'relations', ...entity.relations.map((one) => `  ${relationLine(one)}`)]),
    ...(entity.evidence.length === 0
      ? []
      : [
          '',
          'evidence',
          ...entity.evidence.map(
            (one) => `  ${plain(one.source, 60)}${one.page === null ? '' : `, p. ${one.page}`}: ${plain(one.quote, 120)}`,
          ),
        ]),
  ]
}
