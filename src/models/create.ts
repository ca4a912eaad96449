// From settings to every model the engine may use: the built-in ones, those behind the network, and the local one.
import path from 'node:path'
import { AppError } from '../core/errors.ts'
import { renderPrompt } from '../core/prompts.ts'
import type { Answerer, ChatModel, EmbeddingModel, ExtractionProfile, Extractor, Models, Summariser, Usage } from '../ports/models.ts'
import { createAnswerer } from './answerer.ts'
import { createBuiltinAnswerer } from './builtin/answerer.ts'
import { createBuiltinEmbedding } from './builtin/embedding.ts'
import { createBuiltinExtractor } from './builtin/extractor.ts'
import { checkEndpoints, probeEndpoints, type Problem } from './check.ts'
import { loadCatalogue } from './catalogue.ts'
import type { Catalogue, CatalogueEntry } from './catalogue.ts'
import { createExtractor } from './extractor.ts'
import { createFlows, flowingChat, flowingReranker, flowingVision, recordingEmbedding, recordingReranker } from './flow.ts'
import type { Flow, UsageRecord } from './flow.ts'
import type { Priority } from './gate.ts'
import { createJudge } from './judge.ts'
import { createKeywordModel } from './keywords.ts'
import { createLocalEmbedding } from './onnx/embedding.ts'
import { createLocalReranker } from './onnx/reranker.ts'
import { createChatModel } from './openai/chat.ts'
import { createEmbeddingModel } from './openai/embedding.ts'
import { createReranker } from './openai/rerank.ts'
import { createVisionModel } from './openai/vision.ts'
import { DEFAULT_PROFILE } from './profile.ts'
import { loadPrompt } from './prompts.ts'
import { createRewriter } from './rewriter.ts'
import { endpointFor } from './roles.ts'
import type { Endpoint } from './roles.ts'
import type { EmbeddingSettings, ModelSettings, RoleName } from './settings.ts'
import { createSummariser } from './summariser.ts'

const DEFAULT_MODEL_PATH = './models/qwen3-embedding-0.6b'

export type CreateOptions = {
  /** Told of every model call, in the async context of whoever caused it; must not throw. */
  onUsage?: (record: UsageRecord) => void
  /** On whose behalf the present call is made, e.g. a workspace; calls of one priority are shared fairly between these. */
  tenantOf?: (() => string) | undefined
  /** Told in a sentence what works less well than it could, e.g. a local model without a GPU. */
  onWarning?: (sentence: string) => void
}

/** Models plus what only the composition root needs. */
export type CreatedModels = Models & {
  /** Cost of calls in CNY by the catalogue, undefined where it has no price. */
  price(model: string, usage: Usage): number | undefined
  /** Loads local models, so that a broken one is reported at start. @throws AppError `embedding_service_unavailable` */
  ready(): Promise<void>
  /** What is plainly wrong with the configured servers, in sentences that name the setting to change. Costs nothing. */
  check(signal: AbortSignal): Promise<Problem[]>
  /** The same, with a request of a few tokens to each model of whom that does not tell enough. */
  probe(signal: AbortSignal): Promise<Problem[]>
  /** Ends the workers of local models. */
  close(): Promise<void>
}

/** What a local model needs beyond its port: loading and ending. */
type Local = { ready(): Promise<void>; close(): Promise<void> }

type Parts = {
  settings: ModelSettings
  catalogue: Catalogue
  flowOf: (endpoint: Endpoint) => Flow
  onUsage: (record: UsageRecord) => void
  onWarning: (sentence: string) => void
  locals: Local[]
}

/** The model of new workspaces, and the same model at other dimensions where it has them. */
type ChosenEmbedding = { model: EmbeddingModel; atDim(dim: number): EmbeddingModel | undefined }

/** Hashing has no limit of its own; this one only bounds the work. */
const BUILTIN_READS = 8_192

/** @throws AppError `invalid_request` with the setting to change, when the settings contradict themselves. */
export function createModels(settings: ModelSettings, options: CreateOptions = {}): CreatedModels {
  const onUsage = options.onUsage ?? (() => undefined)
  const onWarning = options.onWarning ?? (() => undefined)
  const flows = createFlows(onUsage, { tenantOf: options.tenantOf })
  const endpoints: Endpoint[] = []
  const parts: Parts = {
    settings,
    catalogue: loadCatalogue(),
    flowOf(endpoint) {
      endpoints.push(endpoint)
      return flows(endpoint)
    },
    onUsage,
    onWarning,
    locals: [],
  }
  const chosen = chosenEmbedding(parts)
  const embedding = chosen.model
  const builtinEmbedding = createBuiltinEmbedding(settings.embedding?.maxTokens ?? BUILTIN_READS)
  const extractorFor = extractors(parts)
  const keywordChat = chatFor(parts, 'keyword', 'live')
  const answerChat = chatFor(parts, 'answer', 'live')
  const answerer: Answerer = answerChat ? createAnswerer(answerChat, loadPrompt('answer')) : createBuiltinAnswerer()
  const models: Omit<CreatedModels, 'describe'> = {
    embedding,
    embeddingFor: (model, dim) => spaceOf(chosen, builtinEmbedding, model, dim),
    extractor: extractorFor({}),
    extractorFor,
    keywords: keywordChat && createKeywordModel(keywordChat, loadPrompt('keywords')),
    rewriter: keywordChat && createRewriter(keywordChat, loadPrompt('rewrite')),
    answerer,
    hasLanguageModel: answerChat !== undefined,
    chat: answerChat,
    reranker: rerankerFor(parts),
    summariserFor: summarisers(parts, extractorFor({})),
    judge: judgeFor(parts),
    vision: visionFor(parts),
    price: (model, usage) => parts.catalogue.price(model, usage),
    check: (signal) => checkEndpoints([...endpoints], signal),
    probe: (signal) =>
      probeEndpoints(
        [...endpoints],
        (endpoint, until) => ask(flows(endpoint), endpoint, { entry: parts.catalogue.find(endpoint.model), dim: embedding.dim }, until),
        signal,
      ),
    async ready() {
      await Promise.all(parts.locals.map((local) => local.ready()))
    },
    async close() {
      await Promise.all(parts.locals.map((local) => local.close()))
    },
  }
  return { ...models, describe: () => describe(models) }
}

/** The shortest request of its kind, past retries but through the gate and into the ledger. */
function ask(
  flow: Flow,
  endpoint: Endpoint,
  { entry, dim }: { entry: CatalogueEntry | undefined; dim: number },
  signal: AbortSignal,
): Promise<unknown> {
  const around = <T extends { usage: Usage }>(call: () => Promise<T>): Promise<T> => flow.call('live', signal, call)
  if (endpoint.role === 'embed') {
    const model = createEmbeddingModel(endpoint, entry, { dim, around: (_kind, _signal, call) => around(call) })
    return model.embed(['?'], 'document', signal)
  }
  if (endpoint.role === 'rerank') return around(() => createReranker(endpoint).rerank('?', ['?'], signal))
  const messages = [{ role: 'user' as const, content: '?' }]
  return around(() => createChatModel(endpoint, entry).complete({ messages, maxOutputTokens: 1 }, signal))
}

function chatFor({ settings, catalogue, flowOf }: Parts, role: RoleName, priority: Priority): ChatModel | undefined {
  const endpoint = endpointFor(role, settings)
  if (!endpoint) return undefined
  return flowingChat(createChatModel(endpoint, catalogue.find(endpoint.model)), flowOf(endpoint), priority)
}

/** @throws AppError `invalid_request` when the settings give the decision to a model that is not configured. */
function judgeFor(parts: Parts): Models['judge'] {
  if (parts.settings.entityResolution !== 'llm') return undefined
  const chat = chatFor(parts, 'summarise', 'summary')
  if (chat) return createJudge(chat, loadPrompt('same-thing'))
  throw new AppError(
    'invalid_request',
    'ENTITY_RESOLUTION is llm but no language model is configured: set DASHSCOPE_API_KEY, or LLM_BASE_URL and LLM_MODEL.',
  )
}

type ByProfile<T> = (profile: Partial<ExtractionProfile>) => T | undefined

/** Summaries are of what a language model extracted. */
function summarisers(parts: Parts, extractor: Extractor | undefined): ByProfile<Summariser> {
  const { settings } = parts
  const isPaid = extractor !== undefined && !extractor.id.startsWith('builtin')
  const chat = isPaid && settings.summaries !== 'none' ? chatFor(parts, 'summarise', 'summary') : undefined
  const prompt = loadPrompt('summarise')
  return ({ language = settings.language ?? 'the language of the passages' }) => chat && createSummariser(chat, prompt, language)
}

function extractors(parts: Parts): ByProfile<Extractor> {
  const { settings } = parts
  if (settings.extraction === 'none') return () => undefined
  const chat = settings.extraction === 'builtin' ? undefined : chatFor(parts, 'extract', 'ingest')
  if (!chat && settings.extraction === 'llm') {
    throw new AppError(
      'invalid_request',
      'EXTRACTION is llm but no language model is configured: set DASHSCOPE_API_KEY, or LLM_BASE_URL and LLM_MODEL.',
    )
  }
  if (!chat) {
    const builtin = createBuiltinExtractor()
    return () => builtin
  }
  const prompts = {
    prompt: loadPrompt('extract-graph'),
    gleaningPrompt: loadPrompt('extract-graph-gleaning'),
    outputShare: parts.catalogue.extractOutputShare(chat.model),
  }
  const made = new Map<string, Extractor>()
  return ({
    entityTypes = settings.entityTypes ?? DEFAULT_PROFILE.entityTypes,
    language = settings.language ?? DEFAULT_PROFILE.language,
  }) => {
    const key = JSON.stringify([entityTypes, language])
    // What one learns of its model stands for all calls, so there is one for each profile.
    const extractor =
      made.get(key) ?? createExtractor(chat, { ...prompts, profile: { entityTypes, language }, gleaning: settings.gleaning })
    made.set(key, extractor)
    return extractor
  }
}

function rerankerFor({ settings, flowOf, onUsage, onWarning, locals }: Parts): Models['reranker'] {
  const { modelPath, device } = settings.rerank ?? {}
  if (modelPath !== undefined) {
    const local = createLocalReranker({ modelPath, device, onWarning })
    locals.push(local)
    return recordingReranker(local, onUsage)
  }
  const endpoint = endpointFor('rerank', settings)
  return endpoint && flowingReranker(createReranker(endpoint), flowOf(endpoint))
}

function visionFor({ settings, catalogue, flowOf }: Parts): Models['vision'] {
  const endpoint = endpointFor('vision', settings)
  const system = renderPrompt(loadPrompt('describe-image').system, { language: settings.language ?? 'the language of the image' })
  return endpoint && flowingVision(createVisionModel(endpoint, catalogue.find(endpoint.model), system), flowOf(endpoint))
}

function chosenEmbedding(parts: Parts): ChosenEmbedding {
  const chosen = parts.settings.embedding ?? {}
  const endpoint = chosen.provider === 'builtin' || chosen.provider === 'onnx' ? undefined : endpointFor('embed', parts.settings)
  const provider = chosen.provider ?? (endpoint ? 'openai' : 'builtin')
  if (provider === 'builtin') return { model: createBuiltinEmbedding(chosen.maxTokens ?? BUILTIN_READS), atDim: () => undefined }
  if (provider === 'onnx') return localEmbedding(parts, chosen)
  if (!endpoint) {
    const message =
      'EMBEDDING_PROVIDER is openai but no server is configured: set EMBEDDING_BASE_URL and EMBEDDING_MODEL_NAME, or DASHSCOPE_API_KEY.'
    throw new AppError('invalid_request', message)
  }
  const entry = parts.catalogue.find(endpoint.model)
  return {
    model: networkEmbedding(parts, endpoint, chosen.dim),
    atDim: (dim) => (entry?.sendDimensions && entry.dims?.includes(dim) ? networkEmbedding(parts, endpoint, dim) : undefined),
  }
}

function localEmbedding({ catalogue, onUsage, onWarning, locals }: Parts, settings: EmbeddingSettings): ChosenEmbedding {
  const { modelPath = DEFAULT_MODEL_PATH, device, dim, maxTokens } = settings
  const queryPrefix = catalogue.find(path.basename(path.resolve(modelPath)))?.queryPrefix
  const local = createLocalEmbedding({ modelPath, device, dim, maxTokens, queryPrefix, onWarning })
  locals.push(local)
  return {
    model: recordingEmbedding(local, onUsage),
    atDim(other) {
      const cut = local.atDim(other)
      return cut && recordingEmbedding(cut, onUsage)
    },
  }
}

function networkEmbedding({ settings, catalogue, flowOf }: Parts, endpoint: Endpoint, wantedDim: number | undefined): EmbeddingModel {
  const entry = catalogue.find(endpoint.model)
  const dim = wantedDim ?? entry?.dim
  if (dim === undefined) {
    throw new AppError(
      'invalid_request',
      `The dimension of the embedding model is not in the catalogue: set EMBEDDING_DIM to the length of its vectors.`,
    )
  }
  if (entry?.dims && !entry.dims.includes(dim)) {
    throw new AppError(
      'invalid_request',
      `EMBEDDING_DIM=${dim} is not a dimension of this embedding model; it has ${entry.dims.join(', ')}.`,
    )
  }
  const flow = flowOf(endpoint)
  return createEmbeddingModel(endpoint, entry, {
    dim,
    maxTokens: settings.embedding?.maxTokens,
    around: (kind, signal, call) => flow.call(kind === 'query' ? 'live' : 'ingest', signal, call),
  })
}

/**
 * A space built with the configured model at another of its dimensions is still searchable, and so is the built-in one;
 * any other model is gone until it is configured again. Never another model's vectors.
 */
function spaceOf(chosen: ChosenEmbedding, builtin: EmbeddingModel, model: string, dim: number): EmbeddingModel | undefined {
  const same = [chosen.model, builtin].find((one) => one.model === model && one.dim === dim)
  return same ?? (chosen.model.model === model ? chosen.atDim(dim) : undefined)
}

function describe(models: Omit<CreatedModels, 'describe'>): string {
  const { embedding, extractor, answerer, keywords, reranker, vision } = models
  const semantic = embedding.model.startsWith('builtin/') ? 'lexical hashing, no semantic model' : 'semantic'
  return [
    `embedding ${embedding.model} (${embedding.dim} numbers, ${semantic})`,
    `extraction ${extractor?.id ?? 'none'}`,
    `answers ${models.hasLanguageModel ? `by ${answerer.model}` : 'are quotations, no language model'}`,
    `keywords ${keywords ? 'by language model' : 'from the question itself'}`,
    `reranking ${reranker?.model ?? 'none'}`,
    `vision ${vision?.model ?? 'none'}`,
  ].join('; ')
}
