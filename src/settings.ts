// Every setting of the service as one table: name, rule, meaning. `config.ts` reads it, `.env.example` and the README repeat it.
import { z } from 'zod'
import { CALL_KINDS } from './core/call-kinds.ts'

const text = (meaning: string) => z.string().describe(meaning)

const whole = (least: number, most: number, meaning: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be a whole number from ${least} to ${most}`)
    .describe(meaning)

const oneOf = <const T extends readonly [string, ...string[]]>(values: T, meaning: string) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` }).describe(meaning)

const webAddress = (meaning: string) =>
  z
    .string()
    .refine((value) => /^https?:\/\//i.test(value) && URL.canParse(value), 'must be an http or https address')
    .describe(meaning)

const list = (meaning: string) =>
  z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== ''),
    )
    .describe(meaning)

/** A PEM on one line, with `\n` written out, is how most places that keep settings store one. */
const pem = (meaning: string) =>
  z
    .string()
    .transform((value) => value.replaceAll('\\n', '\n'))
    .describe(meaning)

const perKind = <const T extends string>(kinds: readonly T[], meaning: string) =>
  z
    .string()
    .transform((value, context) => {
      const limits: Partial<Record<T, number>> = {}
      for (const part of value.split(',')) {
        const [name = '', limit = ''] = part.split('=').map((side) => side.trim())
        const kind = kinds.find((one) => one === name)
        if (kind === undefined || !/^[1-9]\d{0,7}$/.test(limit) || part.split('=').length !== 2) {
          context.addIssue(`must be a list of kind=calls with the kinds ${kinds.join(', ')}`)
          return z.NEVER
        }
        limits[kind] = Number(limit)
      }
      return limits
    })
    .describe(meaning)

const jsonObject = (meaning: string) =>
  z
    .string()
    .transform((value, context) => {
      const parsed = z.record(z.string(), z.unknown()).safeParse(parsedOrUndefined(value))
      if (parsed.success) return parsed.data
      context.addIssue('must be a JSON object')
      return z.NEVER
    })
    .describe(meaning)

function parsedOrUndefined(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    // Not JSON is reported by the caller with the rule, not with the parser's own words, which would quote the value.
    return undefined
  }
}

const endpoint = <const P extends string>(prefix: P, what: string) =>
  ({
    [`${prefix}_BASE_URL`]: webAddress(`Server for ${what}, up to and without /chat/completions`),
    [`${prefix}_API_KEY`]: text(`Key of the server for ${what}`),
    [`${prefix}_MODEL`]: text(`Model for ${what}`),
    [`${prefix}_CONCURRENCY`]: whole(1, 1000, `Requests in flight for ${what}`),
    [`${prefix}_TIMEOUT_MS`]: whole(100, 3_600_000, `Milliseconds one attempt may take for ${what}`),
    [`${prefix}_OPTIONS`]: jsonObject(`Extra fields of the request body for ${what}, a JSON object`),
  }) as { [K in `${P}_BASE_URL` | `${P}_API_KEY` | `${P}_MODEL`]: z.ZodString } & {
    [K in `${P}_CONCURRENCY` | `${P}_TIMEOUT_MS`]: z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>
  } & { [K in `${P}_OPTIONS`]: z.ZodPipe<z.ZodString, z.ZodTransform<Record<string, unknown>, string>> }

/** Name → rule; the description of each rule is its meaning in one line. A value is the text of the environment variable. */
export const SETTINGS = {
  HOST: text('Address to listen on; anything but loopback needs an auth setting'),
  PORT: whole(0, 65_535, 'Port to listen on; 0 takes a free one'),
  DATA_DIR: text('Where the embedded database and caches live'),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent'], 'What is logged'),
  ROLE: oneOf(['all', 'api', 'worker'], 'What this process does: answer, work, or both'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(?:ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .describe('PostgreSQL 15 or later with pgvector 0.8; without it the embedded database'),
  DATABASE_READ_URL: z
    .string()
    .regex(/^postgres(?:ql)?:\/\//, 'must start with postgres:// or postgresql://')
    .describe('Streaming replica of DATABASE_URL that answers searches while it has everything; unset: the primary does'),
  DATABASE_POOL_SIZE: whole(2, 200, 'Connections of one process to PostgreSQL'),
  WORKER_CONCURRENCY: whole(1, 256, 'Documents processed at once by one process'),
  WORKSPACE_CONCURRENCY: whole(1, 256, 'Documents of one workspace processed at once by all processes'),

  JAVA_BASE_URL: webAddress('The Java backend; without it nothing is looked up or called back'),
  JAVA_CALLBACK_METHOD: oneOf(['PUT', 'POST'], 'Method of the parse-status callback'),
  JAVA_SERVICE_TOKEN: text('Token for callbacks whose user token is missing or has expired'),
  OSS_HOSTS: list('File hosts that may be fetched from, comma-separated suffixes; empty: any public address'),
  CALLBACK_SECRET: text('Signs callbacks with HMAC-SHA256'),
  SECRETS_KEY: text('Seals stored tokens: 32 bytes in hex or base64, or 16 characters and more; needed with DATABASE_URL'),

  JWT_JWKS_URL: webAddress('Key set of the issuer of user tokens (RS256, ES256, EdDSA)'),
  JWT_PUBLIC_KEY: pem('PEM of the public key of user tokens, line ends as \\n'),
  JWT_SECRET: text('Shared secret of user tokens (HS256), at least 32 bytes'),
  JWT_INTROSPECTION_URL: webAddress("The backend's GET /api/auth/me, asked about tokens that no key covers"),
  JWT_ISSUER: text('Required value of iss'),
  JWT_AUDIENCE: text('Required value of aud'),
  JWT_TEACHER_CLAIM: text('Claim that holds the teacher id'),
  JWT_ROLES_CLAIM: text('Claim that holds the roles; admin makes an administrator'),
  ADMIN_TOKEN: text('Administrators may send this as X-Admin-Token'),
  INTERNAL_TOKENS: list('Other services may send one of these as X-Internal-Token, comma-separated'),

  DASHSCOPE_API_KEY: text('One key that turns on the whole hosted set of models'),
  ...endpoint('LLM', 'every language role without its own'),
  ...endpoint('EXTRACT', 'reading entities and relations out of chunks'),
  ...endpoint('ANSWER', 'answering questions'),
  ...endpoint('KEYWORD', 'finding keywords in questions'),
  ...endpoint('SUMMARY', 'summarising long descriptions'),
  ...endpoint('VISION', 'reading images'),
  ...endpoint('RERANK', 'reranking results'),
  EXTRACTION: oneOf(['llm', 'builtin', 'none'], 'How entities and relations are found'),
  ENTITY_TYPES: list('What extraction looks for where a workspace has no profile, comma-separated; unset: the education profile'),
  DESCRIPTION_LANGUAGE: text('Language of descriptions and summaries, in words; unset: that of the text'),
  GLEANING: whole(0, 3, 'Extra rounds that ask for what extraction missed; each costs as much as the first'),
  SUMMARIES: oneOf(['auto', 'none'], 'Whether a language model that extracts also summarises long descriptions'),
  SUMMARY_DELAY_SECONDS: whole(0, 86_400, 'How long after a document its summaries are made; what comes meanwhile is read with it'),
  ENTITY_RESOLUTION: oneOf(['person', 'llm'], 'Who decides whether two names that look alike are one thing'),
  ANSWER_CACHE_ENTRIES: whole(0, 100_000, 'Answers of a language model kept in memory; 0 keeps none'),
  REWRITE_FOLLOW_UPS: oneOf(['on', 'off'], 'Whether a follow-up is made a question of its own before it is searched, unless the call says'),

  EMBEDDING_PROVIDER: oneOf(['builtin', 'openai', 'onnx'], 'Where vectors come from'),
  EMBEDDING_BASE_URL: webAddress('Embedding server, up to and without /embeddings'),
  EMBEDDING_API_KEY: text('Key of the embedding server'),
  EMBEDDING_MODEL_NAME: text('Embedding model'),
  EMBEDDING_DIM: whole(1, 4000, 'Numbers in a vector'),
  EMBEDDING_MODEL_PATH: text('Folder of the local model (onnx)'),
  EMBEDDING_DEVICE: oneOf(['auto', 'cuda', 'cpu'], 'Where the local model runs'),
  EMBEDDING_MAX_TOKENS: whole(8, 32_768, 'Longer texts are cut before they are embedded'),

  UPLOAD_MAX_BYTES: whole(1, 2_000_000_000, 'Largest file, in bytes'),
  PDF_MAX_PAGES: whole(1, 100_000, 'A PDF with more pages is refused'),
  PARSE_PROCESSES: whole(1, 64, 'Documents read at once by one process'),
  PARSE_TIMEOUT_SECONDS: whole(1, 86_400, 'Longest time to read one document, OCR included'),
  PARSE_STALL_SECONDS: whole(1, 3600, 'Longest silence of a document reader before it is stopped'),
  PARSE_MEMORY_MB: whole(256, 65_536, 'Memory of one document reader'),
  PARSE_UNPACKED_MB: whole(1, 100_000, 'What an Office file or another archive may unpack to'),
  TABLE_MAX_ROWS: whole(1, 1_048_576, 'Rows read of one sheet or CSV file; the rest is a warning'),
  IMAGE_MAX_MEGAPIXELS: whole(1, 1000, 'A larger picture is refused'),
  OCR_MAX_PAGES: whole(0, 100_000, 'Scanned pages read in one document; the rest is a warning'),
  OCR_PAGE_SECONDS: whole(1, 3600, 'Longest time for the OCR of one page'),
  LIBREOFFICE_PATH: text('The soffice program, which reads .doc, .xls and .ppt; found by itself in the usual places, none to do without'),
  BUDGET_CNY_PER_MONTH: whole(0, 100_000_000, 'What one workspace may spend on models in a month; unset: no limit'),
  RATE_LIMITS: perKind(CALL_KINDS, 'Calls of one kind per caller and minute, such as search=120,answer=20,ingest=60,embed=60'),
  RATE_LIMIT_PER_MINUTE: whole(0, 10_000_000, 'Calls per caller and minute; 0 turns the limit off'),
  COURSE_CHUNKS_URL: webAddress('Stage-one API to pull the chunks of courses from'),
  OTEL_EXPORTER_OTLP_ENDPOINT: webAddress('OpenTelemetry collector to send traces to over OTLP/HTTP, up to and without /v1/traces'),
  OTEL_EXPORTER_OTLP_HEADERS: list('Headers for the collector, name=value, comma-separated'),
  OTEL_SERVICE_NAME: text('What this service is called in traces'),
  EVENTS_URL: webAddress('Where events of knowledge releases are posted, signed with CALLBACK_SECRET'),
} as const

export type SettingName = keyof typeof SETTINGS

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]
