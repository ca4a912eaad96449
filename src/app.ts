// The composition root: the only file that names concrete drivers. Everything else is handed its parts.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from './config.ts'
import type { AppError } from './core/errors.ts'
import { PUBLIC_WORKSPACE, type WorkspaceId } from './core/workspace.ts'
import { databaseUnavailable, isConnectionError, openDatabase } from './drivers/postgres.ts'
import { createJavaBackend } from './java/backend.ts'
import { downloadFile } from './java/download.ts'
import { createVault } from './java/secrets.ts'
import { createEventWebhook } from './java/webhook.ts'
import { courseHandler } from './jobs/course-handler.ts'
import { reembedHandler } from './jobs/reembed-handler.ts'
import { releaseHandler } from './jobs/release-handler.ts'
import { ingestHandler } from './jobs/ingest-handler.ts'
import { judgingHandler } from './jobs/judging-handler.ts'
import { Ledger } from './jobs/ledger.ts'
import { Maintenance } from './jobs/maintenance.ts'
import { OutboxDelivery } from './jobs/outbox.ts'
import { summaryHandler } from './jobs/summary-handler.ts'
import { Worker } from './jobs/worker.ts'
import { createModels } from './models/create.ts'
import { ParserPool } from './parsers/pool.ts'
import type { Database } from './ports/database.ts'
import type { Engine } from './services/api.ts'
import type { EngineDeps, Log } from './services/deps.ts'
import { createEngine } from './services/engine.ts'
import { RESOLVE } from './services/judging-request.ts'
import { goneModels } from './services/gone-models.ts'
import { createRetrieval } from './services/retrieve/retrieval.ts'
import { seedFolder, type SeedReport } from './services/seed.ts'
import { SUMMARISE } from './services/summaries.ts'
import { happened } from './services/steps.ts'
import { usageContext } from './services/usage.ts'

/** Seed material that comes with the service. */
export const PUBLIC_SEED = fileURLToPath(new URL('../workspaces/public/', import.meta.url))

/** What one transaction writes at most: few enough that others of the workspace hardly notice, many enough that a usual document is one. */
const CHUNKS_AT_ONCE = 50
const DOWNLOAD_TIMEOUT_MS = 120_000

export type App = {
  engine: Engine
  deps: EngineDeps
  /** Starts claiming jobs and delivering callbacks. */
  startWork(): Promise<void>
  /** Stops working; unfinished jobs go back to the queue. */
  stopWork(): Promise<void>
  seed(workspace: WorkspaceId, folder: string): Promise<SeedReport>
  /**
   * Asks the model servers whether the settings can be right; with `probe` each model something short, where their lists leave it open.
   * What cannot be right is logged, returned, and told by readiness until a call of the model succeeds.
   */
  checkModels(signal: AbortSignal, how: 'list' | 'probe'): Promise<string[]>
  close(): Promise<void>
}

/** Failures of the database driver in the words of the error table. */
export const translate = (error: unknown): AppError | undefined => (isConnectionError(error) ? databaseUnavailable(error) : undefined)

/** @throws AppError with the sentence that says what to change. */
export async function createApp(config: Config, log: Log): Promise<App> {
  let database: Database | undefined
  const opened = (): Database => {
    if (database === undefined) throw new Error('the database is not open yet')
    return database
  }
  const ledger = new Ledger(opened, log)
  /** By model. */
  const problems = new Map<string, string>()
  const models = createModels(config.models, {
    onUsage: (record) => {
      const costCny = models.price(record.model, record.usage) ?? 0
      ledger.record(ledgerRow(record, costCny))
      const { role, model, ok, ms, usage } = record
      if (ok) problems.delete(model)
      happened({ kind: 'model', role, model, ok, ms, ...usage, costCny })
    },
    onWarning: (message) => log.warn({}, message),
    tenantOf: () => usageContext()?.workspace ?? '',
  })
  await models.ready()
  const java =
    config.java.baseUrl === undefined
      ? undefined
      : createJavaBackend({
          baseUrl: config.java.baseUrl,
          callbackMethod: config.java.callbackMethod,
          serviceToken: config.java.serviceToken,
          callbackSecret: config.java.callbackSecret,
        })
  const parser = createParser(config)
  database = await openDatabase({
    url: config.database.url,
    directory: config.database.url === undefined ? join(config.dataDir, 'pglite') : undefined,
    poolSize: config.database.poolSize,
    readUrl: config.database.readUrl,
    onReplicaFailure: (error) => log.warn({ err: error }, 'the read replica does not answer; the primary answers searches meanwhile'),
  })
  const chunkMaxTokens = config.models.embedding?.maxTokens ?? 512
  const work: { worker?: Worker; outbox?: OutboxDelivery } = {}
  const deps: EngineDeps = {
    database,
    models,
    parser,
    java,
    download: (url, signal) =>
      downloadFile(url, { ossHosts: config.java.ossHosts, maxBytes: config.uploadMaxBytes, timeoutMs: DOWNLOAD_TIMEOUT_MS }, signal),
    vault: createVault(config.secretsKey ?? keptKey(config.dataDir)),
    log,
    limits: {
      uploadMaxBytes: config.uploadMaxBytes,
      chunkMaxTokens,
      // The built-in model reads longer texts than callers of /embed are promised.
      embedMaxTokens: models.embedding.model.startsWith('builtin/') ? chunkMaxTokens : undefined,
      chunksAtOnce: CHUNKS_AT_ONCE,
      monthlyBudgetCny: config.monthlyBudgetCny,
      summaryDelayMs: config.summaryDelayMs,
    },
    courseChunksUrl: config.courseChunksUrl,
    eventsUrl: config.eventsUrl,
    seeding: { pending: false },
    price: (model, usage) => models.price(model, usage),
    modelProblems: () => [...problems.values()],
    wake: (what) => (what === 'jobs' ? work.worker?.wake() : work.outbox?.wake()),
  }
  work.worker = new Worker({
    database,
    handlers: {
      ingest: ingestHandler(deps),
      'course-embed': courseHandler(deps),
      'kb-build': releaseHandler(deps),
      reembed: reembedHandler(deps),
      [SUMMARISE]: summaryHandler(deps),
      [RESOLVE]: judgingHandler(deps),
    },
    log,
    translate,
    ...config.worker,
  })
  const events =
    config.eventsUrl === undefined ? undefined : createEventWebhook({ url: config.eventsUrl, secret: config.java.callbackSecret })
  work.outbox = new OutboxDelivery({ database, java, events, vault: deps.vault, log })
  const { worker, outbox } = work
  const maintenance = new Maintenance(database, log)
  const engine = createEngine(deps, createRetrieval(deps, config))
  return {
    engine,
    deps,
    startWork: async () => {
      await maintenance.start()
      worker.start()
      outbox.start()
    },
    stopWork: async () => {
      await Promise.all([worker.stop(), outbox.stop(), maintenance.stop()])
    },
    checkModels: async (signal, how) => {
      const found = await (how === 'probe' ? models.probe(signal) : models.check(signal))
      for (const { model, sentence } of found) problems.set(model, sentence)
      const sentences = [...new Set(found.map(({ sentence }) => sentence)), ...(await goneModels(deps))]
      for (const sentence of sentences) log.warn({}, sentence)
      return sentences
    },
    seed: (workspace, folder) => seedFolder(deps, engine.documents, workspace, folder),
    close: async () => {
      await Promise.all([parser.close(), java?.close(), models.close(), ledger.stop()])
      await opened().close()
    },
  }
}

/** The document reader with the limits of the settings; what is not set is left to its own defaults. */
export function createParser({ parsing }: Config, processes = parsing.processes): ParserPool {
  const given = <T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> }
  const {
    timeoutMs: totalMs,
    stallMs,
    memoryBytes,
    unpackedBytes: zipBytes,
    pdfPages,
    tableRows,
    imagePixels,
    ocrPages,
    ocrPageMs,
    libreOffice,
  } = parsing
  const limits = given({ zipBytes, pdfPages, tableRows, imagePixels, ocrPages, ocrPageMs })
  return new ParserPool({ ...given({ size: processes, totalMs, stallMs, memoryBytes, libreOffice }), limits })
}

type Recorded = Parameters<NonNullable<NonNullable<Parameters<typeof createModels>[1]>['onUsage']>>[0]

function ledgerRow(record: Recorded, costCny: number): Parameters<Ledger['record']>[0] {
  const context = usageContext()
  return {
    workspace_id: context?.workspace ?? PUBLIC_WORKSPACE,
    file_id: context?.fileId ?? null,
    job_id: context?.jobId ?? null,
    query_id: context?.queryId ?? null,
    role: record.role,
    model: record.model,
    input_tokens: record.usage.inputTokens,
    cached_tokens: record.usage.cachedTokens,
    output_tokens: record.usage.outputTokens,
    ms: Math.round(record.ms),
    ok: record.ok,
    cost_cny: costCny,
  }
}

/** With the embedded database the key that seals tokens is made once and kept beside the data it protects. */
function keptKey(dataDir: string): string {
  const path = join(dataDir, 'secrets.key')
  if (existsSync(path)) return readFileSync(path, 'utf8').trim()
  mkdirSync(dataDir, { recursive: true })
  const key = randomBytes(32).toString('base64')
  writeFileSync(path, `${key}\n`, { mode: 0o600, flag: 'wx' })
  return key
}
