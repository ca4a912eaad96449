// `insight-rag eval`: measures the modes on a labelled set in a scratch database, prints a table and writes the report as JSON.
import { open, readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { readCorpus, readGraph, readQrels, readQuestions } from '../core/beir.ts'
import { AppError } from '../core/errors.ts'
import type { Interval } from '../core/evaluation.ts'
import { type Mode, MODES } from '../core/modes.ts'
import type { Database } from '../ports/database.ts'
import type { Models } from '../ports/models.ts'
import { evaluate, type EvaluationReport } from '../services/evaluate/evaluate.ts'

export type EvalDeps = {
  models: Models
  chunkMaxTokens: number
  /** An empty database that its `close` removes. */
  openScratch(): Promise<Database>
  print(line: string): void
}

export type EvalOptions = { corpus: string; queries: string; qrels: string; graph?: string; modes: string; k: string; json?: string }

const DEFAULT_MODES = 'auto,naive,lexical,local,global,hybrid,mix'

/** Adds the command; `openDeps` is called when it runs, so that `--help` starts nothing. */
export function addEvalCommand(program: Command, openDeps: () => Promise<EvalDeps>, signal: AbortSignal): void {
  program
    .command('eval')
    .description('measure the search modes on a labelled set in BEIR format')
    .requiredOption('--corpus <file>', 'corpus.jsonl: {"_id","title","text"} a line')
    .requiredOption('--queries <file>', 'queries.jsonl: {"_id","text"} a line')
    .requiredOption('--qrels <file>', 'qrels.tsv: query-id, corpus-id, score, tab-separated, with a header line')
    .option('--graph <file>', 'graph.jsonl: ready-made entities and relations a line, used in place of an extractor')
    .option('--modes <list>', 'modes, comma-separated; differences are from the first', DEFAULT_MODES)
    .option('--k <list>', 'cut-offs of recall, comma-separated', '5,10')
    .option('--json <file>', 'also write the report as JSON')
    .action(async (options: EvalOptions) => void (await runEval(options, await openDeps(), signal)))
}

/** @throws AppError `invalid_request` for an option or a line that cannot be read. */
export async function runEval(options: EvalOptions, deps: EvalDeps, signal: AbortSignal): Promise<EvaluationReport> {
  const modes = modesOf(options.modes)
  const k = cutOffsOf(options.k)
  const [corpus, questions, qrels] = await Promise.all([read(options.corpus), read(options.queries), read(options.qrels)])
  const set = {
    corpus: readCorpus(corpus, basename(options.corpus)),
    questions: readQuestions(questions, basename(options.queries)),
    qrels: readQrels(qrels, basename(options.qrels)),
    graph: options.graph === undefined ? undefined : readGraph(await read(options.graph), basename(options.graph)),
  }
  if (options.json !== undefined) await checkWritable(options.json)
  const database = await deps.openScratch()
  try {
    const report = await evaluate(database, deps.models, set, { modes, k, chunkMaxTokens: deps.chunkMaxTokens }, signal)
    for (const line of tableOf(report)) deps.print(line)
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`)
    return report
  } finally {
    await database.close()
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new AppError('invalid_request', `The file ${basename(path)} cannot be read.`, { cause })
  }
}

/** Said before the work rather than after it. */
async function checkWritable(path: string): Promise<void> {
  try {
    await (await open(path, 'a')).close()
  } catch (cause) {
    throw new AppError('invalid_request', `The file ${basename(path)} cannot be written.`, { cause })
  }
}

function modesOf(list: string): Mode[] {
  const names = [
    ...new Set(
      list
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ),
  ]
  const measurable = MODES.filter((mode) => mode !== 'bypass')
  const modes = names.flatMap((name) => measurable.find((mode) => mode === name) ?? [])
  if (modes.length === 0 || modes.length < names.length)
    throw new AppError('invalid_request', `--modes is a list of ${measurable.join(', ')}.`)
  return modes
}

function cutOffsOf(list: string): number[] {
  const cutOffs = [...new Set(list.split(',').map(Number))]
  if (cutOffs.some((k) => !Number.isInteger(k) || k < 1 || k > 100))
    throw new AppError('invalid_request', '--k is a list of whole numbers from 1 to 100.')
  return cutOffs
}

const percent = (share: number): string => (share * 100).toFixed(1)
const isInterval = (value: Interval | number): value is Interval => typeof value === 'object'

function tableOf({ corpus, modes, paired }: EvaluationReport): string[] {
  const lines = [
    `${corpus.documents} documents, ${corpus.chunks} chunks, ${corpus.entities} entities, ${corpus.relations} relations; loaded in ${corpus.ingestSeconds} s`,
  ]
  for (const [mode, report] of Object.entries(modes)) {
    const metrics = Object.entries(report).flatMap(([metric, value]) =>
      isInterval(value) ? [`${metric} ${percent(value.mean)} [${percent(value.low)}, ${percent(value.high)}]`] : [],
    )
    lines.push(`${mode.padEnd(8)} ${metrics.join('  ')}  ${report.queriesPerSecond}/s  p50 ${report.p50Ms} ms  p95 ${report.p95Ms} ms`)
  }
  const [first] = Object.keys(modes)
  for (const [mode, metrics] of Object.entries(paired)) {
    const differences = Object.entries(metrics).map(
      ([metric, value]) => `${metric} ${percent(value.mean)} [${percent(value.low)}, ${percent(value.high)}]`,
    )
    lines.push(`${mode} − ${first}: ${differences.join('  ')}`)
  }
  return lines
}
