// The environment as one checked, typed value. Nothing else in the service reads environment variables.
import { isIPv4 } from 'node:net'
import { z } from 'zod'
import { AppError } from './core/errors.ts'
import type { EmbeddingSettings, EndpointSettings, ModelSettings } from './models/settings.ts'
import type { RateLimits } from './services/rate-limit.ts'
import type { IdentitySettings } from './services/identity/settings.ts'
import { SETTINGS, SETTING_NAMES } from './settings.ts'

export type Config = {
  host: string
  port: number
  /** `host` cannot be reached from another machine. */
  loopback: boolean
  /** No auth setting at all: a call without credentials is an administrator. */
  development: boolean
  dataDir: string
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  role: 'all' | 'api' | 'worker'
  database: { url: string | undefined; readUrl: string | undefined; poolSize: number }
  worker: { concurrency: number; perWorkspace: number }
  java: {
    baseUrl: string | undefined
    callbackMethod: 'PUT' | 'POST'
    serviceToken: string | undefined
    callbackSecret: string | undefined
    ossHosts: readonly string[]
  }
  /** Undefined only on the embedded database, where the caller makes one and keeps it in `dataDir`. */
  secretsKey: string | undefined
  identity: Omit<IdentitySettings, 'now'>
  models: ModelSettings
  uploadMaxBytes: number
  parsing: ParsingLimits
  rateLimits: RateLimits
  courseChunksUrl: string | undefined
  eventsUrl: string | undefined
  /** Where traces go; undefined: there are none. */
  tracing: { endpoint: string; serviceName: string; headers: Record<string, string> } | undefined
  /** For each workspace, in CNY; undefined: no limit. */
  monthlyBudgetCny: number | undefined
  /** From the end of a document to the summaries of what it touched. */
  summaryDelayMs: number
  answerCacheEntries: number
  /** The default of a query's `rewrite`. */
  rewriteFollowUps: boolean
}

/** What reading one document may cost; undefined leaves the reader's own limit. */
export type ParsingLimits = {
  processes: number | undefined
  timeoutMs: number | undefined
  stallMs: number | undefined
  memoryBytes: number | undefined
  unpackedBytes: number | undefined
  pdfPages: number | undefined
  tableRows: number | undefined
  imagePixels: number | undefined
  ocrPages: number | undefined
  ocrPageMs: number | undefined
  /** False: do without, even where it is installed. */
  libreOffice: string | false | undefined
}

/** What the configuration is for: a command line that serves nobody needs neither callers' credentials nor a key for their tokens. */
export type Use = 'serve' | 'command'

const DEFAULT_UPLOAD_BYTES = 50 * 1024 * 1024
const DEFAULT_RATE_PER_MINUTE = 600
const DEFAULT_SUMMARY_DELAY_SECONDS = 30
const DEFAULT_ANSWER_CACHE_ENTRIES = 500
const DEFAULT_MODEL_PATH = './models/qwen3-embedding-0.6b'

type Environment = Readonly<Record<string, string | undefined>>
type Values = z.infer<typeof schema>

const schema = z.object(SETTINGS).partial()

/** Reads `.env` in the working directory, if there is one, then the environment, which wins. */
export function loadConfig(use: Use = 'serve'): Config {
  try {
    process.loadEnvFile('.env')
  } catch (error) {
    // Most installations have no such file; one that exists and cannot be read must not be passed over.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new AppError('invalid_request', 'The file .env cannot be read.', { cause: error })
  }
  return readConfig(process.env, use)
}

/**
 * Empty values count as not set. No sentence repeats a value, since it may be a secret.
 *
 * @throws AppError `invalid_request`, one line per setting to change, each beginning with its name.
 */
export function readConfig(env: Environment, use: Use = 'serve'): Config {
  const present = SETTING_NAMES.flatMap((name) => {
    const value = env[name]?.trim()
    return value === undefined || value === '' ? [] : [[name, value] as const]
  })
  const result = schema.safeParse(Object.fromEntries(present))
  if (!result.success) {
    throw new AppError('invalid_request', result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}.`).join('\n'))
  }
  const config = assemble(result.data)
  const refusals = use === 'serve' ? startRefusals(config) : []
  if (refusals.length > 0) throw new AppError('invalid_request', refusals.join('\n'))
  return config
}

/** Whether only this machine can connect to an address; a name other than localhost may lead anywhere. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'))
}

/** Why a server may not start like this, in sentences that name the setting to change. */
function startRefusals(config: Config): string[] {
  const refusals: string[] = []
  if (config.development && !config.loopback) {
    refusals.push(
      'HOST is reachable from other machines, but no auth setting is made, so everybody would be an administrator: set JWT_JWKS_URL, JWT_PUBLIC_KEY, JWT_SECRET, JWT_INTROSPECTION_URL, ADMIN_TOKEN or INTERNAL_TOKENS, or bind HOST to 127.0.0.1.',
    )
  }
  if (config.database.url !== undefined && config.secretsKey === undefined) {
    refusals.push(
      'SECRETS_KEY must be set together with DATABASE_URL, because every process has to open what another one sealed; openssl rand -base64 32 makes one.',
    )
  }
  if (config.database.readUrl !== undefined && config.database.url === undefined) {
    refusals.push('DATABASE_READ_URL names a replica, so DATABASE_URL must name its primary.')
  }
  return refusals
}

function assemble(values: Values): Config {
  const host = values.HOST ?? '127.0.0.1'
  const loopback = isLoopback(host)
  const identity = identityFrom(values)
  const rate = values.RATE_LIMIT_PER_MINUTE ?? (loopback ? 0 : DEFAULT_RATE_PER_MINUTE)
  const concurrency = values.WORKER_CONCURRENCY ?? 4
  return {
    host,
    port: values.PORT ?? 8000,
    loopback,
    development: identity.development,
    dataDir: values.DATA_DIR ?? './data',
    logLevel: values.LOG_LEVEL ?? 'info',
    role: values.ROLE ?? 'all',
    database: { url: values.DATABASE_URL, readUrl: values.DATABASE_READ_URL, poolSize: values.DATABASE_POOL_SIZE ?? 10 },
    worker: { concurrency, perWorkspace: values.WORKSPACE_CONCURRENCY ?? concurrency },
    java: {
      baseUrl: values.JAVA_BASE_URL,
      callbackMethod: values.JAVA_CALLBACK_METHOD ?? 'PUT',
      serviceToken: values.JAVA_SERVICE_TOKEN,
      callbackSecret: values.CALLBACK_SECRET,
      ossHosts: values.OSS_HOSTS ?? [],
    },
    secretsKey: values.SECRETS_KEY,
    identity,
    models: modelsFrom(values),
    uploadMaxBytes: values.UPLOAD_MAX_BYTES ?? DEFAULT_UPLOAD_BYTES,
    parsing: parsingFrom(values),
    rateLimits: { all: rate === 0 ? undefined : rate, kinds: values.RATE_LIMITS ?? {} },
    courseChunksUrl: values.COURSE_CHUNKS_URL,
    eventsUrl: values.EVENTS_URL,
    tracing:
      values.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
        ? undefined
        : {
            endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
            serviceName: values.OTEL_SERVICE_NAME ?? 'insight-rag',
            headers: Object.fromEntries(
              (values.OTEL_EXPORTER_OTLP_HEADERS ?? []).map((pair) => pair.split(/=(.*)/s).slice(0, 2)),
            ) as Record<string, string>,
          },
    monthlyBudgetCny: values.BUDGET_CNY_PER_MONTH,
    summaryDelayMs: (values.SUMMARY_DELAY_SECONDS ?? DEFAULT_SUMMARY_DELAY_SECONDS) * 1000,
    answerCacheEntries: values.ANSWER_CACHE_ENTRIES ?? DEFAULT_ANSWER_CACHE_ENTRIES,
    rewriteFollowUps: values.REWRITE_FOLLOW_UPS === 'on',
  }
}

function parsingFrom(values: Values): ParsingLimits {
  const times = (value: number | undefined, unit: number): number | undefined => (value === undefined ? undefined : value * unit)
  return {
    processes: values.PARSE_PROCESSES,
    timeoutMs: times(values.PARSE_TIMEOUT_SECONDS, 1000),
    stallMs: times(values.PARSE_STALL_SECONDS, 1000),
    memoryBytes: times(values.PARSE_MEMORY_MB, 1024 ** 2),
    unpackedBytes: times(values.PARSE_UNPACKED_MB, 1024 ** 2),
    pdfPages: values.PDF_MAX_PAGES,
    tableRows: values.TABLE_MAX_ROWS,
    imagePixels: times(values.IMAGE_MAX_MEGAPIXELS, 1e6),
    ocrPages: values.OCR_MAX_PAGES,
    ocrPageMs: times(values.OCR_PAGE_SECONDS, 1000),
    libreOffice: values.LIBREOFFICE_PATH === 'none' ? false : values.LIBREOFFICE_PATH,
  }
}

/** Issuer, audience and claim names say how to check a token, not that there is one; alone they are no auth setting. */
function identityFrom(values: Values): Config['identity'] {
  const internalTokens = values.INTERNAL_TOKENS ?? []
  const proofs = [
    values.JWT_JWKS_URL,
    values.JWT_PUBLIC_KEY,
    values.JWT_SECRET,
    values.JWT_INTROSPECTION_URL,
    values.ADMIN_TOKEN,
    internalTokens[0],
  ]
  return {
    jwksUrl: values.JWT_JWKS_URL,
    publicKeyPem: values.JWT_PUBLIC_KEY,
    secret: values.JWT_SECRET,
    introspectionUrl: values.JWT_INTROSPECTION_URL,
    issuer: values.JWT_ISSUER,
    audience: values.JWT_AUDIENCE,
    teacherClaim: values.JWT_TEACHER_CLAIM,
    rolesClaim: values.JWT_ROLES_CLAIM,
    adminToken: values.ADMIN_TOKEN,
    internalTokens,
    development: proofs.every((proof) => proof === undefined),
  }
}

function modelsFrom(values: Values): ModelSettings {
  const role = (prefix: 'LLM' | 'EXTRACT' | 'ANSWER' | 'KEYWORD' | 'SUMMARY' | 'VISION' | 'RERANK'): EndpointSettings => ({
    baseUrl: values[`${prefix}_BASE_URL`],
    apiKey: values[`${prefix}_API_KEY`],
    model: values[`${prefix}_MODEL`],
    concurrency: values[`${prefix}_CONCURRENCY`],
    timeoutMs: values[`${prefix}_TIMEOUT_MS`],
    options: values[`${prefix}_OPTIONS`],
  })
  return {
    dashscopeApiKey: values.DASHSCOPE_API_KEY,
    llm: role('LLM'),
    extract: role('EXTRACT'),
    answer: role('ANSWER'),
    keyword: role('KEYWORD'),
    summarise: role('SUMMARY'),
    vision: role('VISION'),
    rerank: role('RERANK'),
    embedding: embeddingFrom(values),
    extraction: values.EXTRACTION,
    entityTypes: values.ENTITY_TYPES,
    language: values.DESCRIPTION_LANGUAGE,
    gleaning: values.GLEANING,
    summaries: values.SUMMARIES,
    entityResolution: values.ENTITY_RESOLUTION,
  }
}

function embeddingFrom(values: Values): EmbeddingSettings {
  return {
    provider: values.EMBEDDING_PROVIDER,
    baseUrl: values.EMBEDDING_BASE_URL,
    apiKey: values.EMBEDDING_API_KEY,
    model: values.EMBEDDING_MODEL_NAME,
    dim: values.EMBEDDING_DIM,
    modelPath: values.EMBEDDING_MODEL_PATH ?? DEFAULT_MODEL_PATH,
    device: values.EMBEDDING_DEVICE ?? 'auto',
    maxTokens: values.EMBEDDING_MAX_TOKENS,
  }
}
