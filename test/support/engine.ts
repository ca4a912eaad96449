// The whole engine without HTTP over a test database: real parser processes, a real worker, a real outbox.
import { createHash } from 'node:crypto'
import { createVault } from '../../src/java/secrets.ts'
import { courseHandler } from '../../src/jobs/course-handler.ts'
import { reembedHandler } from '../../src/jobs/reembed-handler.ts'
import { releaseHandler } from '../../src/jobs/release-handler.ts'
import { ingestHandler } from '../../src/jobs/ingest-handler.ts'
import { judgingHandler } from '../../src/jobs/judging-handler.ts'
import { OutboxDelivery } from '../../src/jobs/outbox.ts'
import { summaryHandler } from '../../src/jobs/summary-handler.ts'
import { Worker } from '../../src/jobs/worker.ts'
import { createBuiltinEmbedding } from '../../src/models/builtin/embedding.ts'
import { ParserPool } from '../../src/parsers/pool.ts'
import type { Extraction } from '../../src/core/extraction.ts'
import { workspaceScope, type WorkspaceId } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import type { FileDownload, JavaBackend } from '../../src/ports/java.ts'
import { type Extractor, type Models, NO_USAGE } from '../../src/ports/models.ts'
import { DEFAULT_PARSE_OPTIONS, type DocumentParser } from '../../src/ports/parser.ts'
import type { DocumentView, Documents } from '../../src/services/api.ts'
import type { EngineDeps, Log } from '../../src/services/deps.ts'
import { createDocuments } from '../../src/services/documents.ts'
import { workspaceDigest } from '../../src/store/digest.ts'
import { withScope } from '../../src/store/scope.ts'
import * as workspaces from '../../src/store/workspaces.ts'

/** Keeps log lines for tests that ask what was logged. */
export function memoryLog(): Log & { lines: string[] } {
  const lines: string[] = []
  const write = (level: string) => (fields: Record<string, unknown>, message: string) => {
    lines.push(
      `${level} ${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? (value.stack ?? value.message) : value))}`,
    )
  }
  return { lines, info: write('info'), warn: write('warn'), error: write('error') }
}

/**
 * An extractor of a language that only tests speak: `[Name|type|description]` states an entity, `[A -keyword-> B]` a
 * relation, `[A = B]` an alias. Deterministic, so that properties about the graph can be stated exactly.
 */
export function bracketExtractor(id = 'bracket-v1'): Extractor & { calls: number; texts: string[] } {
  const extractor = {
    id,
    calls: 0,
    texts: [] as string[],
    extract: async (inputs: readonly { text: string }[]) => {
      extractor.calls += 1
      extractor.texts.push(...inputs.map((input) => input.text))
      return { extractions: inputs.map((input) => readBrackets(input.text)), usage: NO_USAGE, calls: 1 }
    },
  }
  return extractor
}

function readBrackets(text: string): Extraction {
  const extraction: Extraction = { entities: [], relations: [], dropped: 0, truncated: false }
  for (const [quote, inner] of text.matchAll(/\[([^\]]+)\]/g)) {
    const relation = /^(.+?) -(.+?)-> (.+)$/.exec(inner ?? '')
    const alias = /^(.+?) = (.+)$/.exec(inner ?? '')
    const [name = '', type = 'other', description = ''] = (inner ?? '').split('|')
    if (relation) {
      const [, source = '', keyword = '', target = ''] = relation
      extraction.relations.push({ source, target, keywords: [keyword], description: text.slice(0, 60), quote, weight: 1 })
    } else if (alias) {
      extraction.entities.push({ name: alias[1] ?? '', type: 'other', description: '', aliases: [alias[2] ?? ''], quote })
    } else {
      extraction.entities.push({ name, type, description, aliases: [], quote })
    }
  }
  return extraction
}

export function testModels(extractor: Extractor | undefined = bracketExtractor()): Models {
  const embedding = createBuiltinEmbedding()
  return {
    embedding,
    embeddingFor: (model, dim) => (model === embedding.model && dim === embedding.dim ? embedding : undefined),
    extractor,
    // Of whatever object this becomes a part of.
    extractorFor(this: Models) {
      return this.extractor
    },
    keywords: undefined,
    rewriter: undefined,
    answerer: {
      id: 'none',
      model: 'none',
      // eslint-disable-next-line require-yield
      async *answer() {
        return { text: '', usage: NO_USAGE }
      },
    },
    hasLanguageModel: false,
    chat: undefined,
    reranker: undefined,
    summariserFor: () => undefined,
    judge: undefined,
    vision: undefined,
    describe: () => 'test models',
  }
}

export type TestEngine = {
  deps: EngineDeps
  documents: Documents
  worker: Worker
  outbox: OutboxDelivery
  log: ReturnType<typeof memoryLog>
  /** Ingests text and waits until it is completed; a failure is thrown with what was logged. */
  ingest(workspace: WorkspaceId, fileId: string, text: string, fileName?: string): Promise<DocumentView>
  settled(workspace: WorkspaceId, fileId: string): Promise<DocumentView>
  digest(workspace: WorkspaceId): Promise<Record<string, string>>
  close(): Promise<void>
}

export type TestEngineOptions = {
  models?: Models
  parser?: DocumentParser
  java?: JavaBackend
  download?: FileDownload
  concurrency?: number
  perWorkspace?: number
  backoffMs?: number
  scheduleMs?: readonly number[]
  courseChunksUrl?: string
  chunksAtOnce?: number
}

/** One pool of parser processes for a test file; forking one per test would dominate. */
const sharedParser = new ParserPool({ size: 2 })

export function startTestEngine(database: Database, options: TestEngineOptions = {}): TestEngine {
  const log = memoryLog()
  let worker: Worker | undefined
  let outbox: OutboxDelivery | undefined
  const deps: EngineDeps = {
    database,
    models: options.models ?? testModels(),
    parser: options.parser ?? sharedParser,
    java: options.java,
    download: options.download ?? (() => Promise.reject(new Error('this test downloads nothing'))),
    vault: createVault(createHash('sha256').update('test').digest('hex')),
    log,
    limits: { uploadMaxBytes: 50 * 1024 * 1024, chunkMaxTokens: 512, chunksAtOnce: options.chunksAtOnce ?? 50 },
    courseChunksUrl: options.courseChunksUrl,
    seeding: { pending: false },
    wake: (what) => (what === 'jobs' ? worker?.wake() : outbox?.wake()),
  }
  worker = new Worker({
    database,
    handlers: {
      ingest: ingestHandler(deps),
      'course-embed': courseHandler(deps),
      'kb-build': releaseHandler(deps),
      reembed: reembedHandler(deps),
      summarise: summaryHandler(deps),
      resolve: judgingHandler(deps),
    },
    log,
    concurrency: options.concurrency ?? 4,
    perWorkspace: options.perWorkspace ?? 4,
    backoffMs: options.backoffMs ?? 20,
  })
  const schedule = options.scheduleMs === undefined ? {} : { scheduleMs: options.scheduleMs }
  outbox = new OutboxDelivery({ database, java: options.java, vault: deps.vault, log, ...schedule })
  worker.start()
  outbox.start()
  const documents = createDocuments(deps)
  const running = { worker, outbox }
  const settled = async (workspace: WorkspaceId, fileId: string): Promise<DocumentView> => {
    for (;;) {
      const view = await documents.get(workspace, fileId)
      if (view.parseStatus === 'completed' || view.parseStatus === 'failed') return view
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  return {
    deps,
    documents,
    ...running,
    log,
    settled,
    ingest: async (workspace, fileId, text, fileName = `${fileId}.txt`) => {
      await documents.upload(workspace, { fileName, bytes: Buffer.from(text), fileId, options: DEFAULT_PARSE_OPTIONS }, undefined)
      const view = await settled(workspace, fileId)
      if (view.parseStatus !== 'completed')
        throw new Error(`${fileId} ended as ${view.parseStatus}: ${view.parseError}\n${log.lines.join('\n')}`)
      return view
    },
    digest: (workspace) =>
      withScope(database, workspaceScope(workspace), async (tx) => {
        const [home] = await workspaces.inScope(tx, [workspace])
        if (home === undefined) throw new Error('the workspace does not exist')
        return workspaceDigest(tx, workspace, home)
      }),
    close: async () => {
      await Promise.all([running.worker.stop(), running.outbox.stop()])
    },
  }
}
