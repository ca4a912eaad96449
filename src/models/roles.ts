// From settings to endpoints: which server, key and model each role uses, and which setting each value came from,
// so that an error can name the setting to change.
import { AppError } from '../core/errors.ts'
import type { EndpointSettings, ModelSettings, RoleName } from './settings.ts'

export const DASHSCOPE_BASE_URL = 'https://dashscope.aliyuncs.com/compatible-mode/v1'

/** One server, key and model, complete. */
export type Endpoint = {
  role: RoleName
  baseUrl: string
  /** Empty where the server wants none. */
  apiKey: string
  model: string
  concurrency: number
  timeoutMs: number
  /** Attempts after the first, within one call; default 2. The job's own retries come on top. */
  retries?: number
  options: Record<string, unknown>
  /** The settings these values come from; for error sentences only. */
  settings: { baseUrl: string; apiKey: string; model: string }
}

type RoleDefaults = { prefix: string; model: string; concurrency: number; timeoutMs: number; /** Inherits `LLM_*`. */ language: boolean }

/** DashScope's models per role; small ones where the task is small. Timeouts leave room for a long reply of a slow model. */
const DEFAULTS: Record<RoleName, RoleDefaults> = {
  extract: { prefix: 'EXTRACT', model: 'qwen-plus', concurrency: 8, timeoutMs: 180_000, language: true },
  keyword: { prefix: 'KEYWORD', model: 'qwen-flash', concurrency: 8, timeoutMs: 20_000, language: true },
  answer: { prefix: 'ANSWER', model: 'qwen-plus', concurrency: 8, timeoutMs: 120_000, language: true },
  summarise: { prefix: 'SUMMARY', model: 'qwen-flash', concurrency: 4, timeoutMs: 120_000, language: true },
  vision: { prefix: 'VISION', model: 'qwen-vl-plus', concurrency: 4, timeoutMs: 120_000, language: false },
  rerank: { prefix: 'RERANK', model: 'gte-rerank-v2', concurrency: 4, timeoutMs: 20_000, language: false },
  embed: { prefix: 'EMBEDDING', model: 'text-embedding-v4', concurrency: 4, timeoutMs: 30_000, language: false },
}

/** People paste the address of the route; the protocol's clients want what stands before it. */
const ROUTE = /\/(?:chat\/completions|completions|embeddings|rerank)$/

type Sourced = { value: string; setting: string } | undefined

const sourced = (value: string | undefined, setting: string): Sourced => (value?.trim() ? { value: value.trim(), setting } : undefined)

const own = (settings: ModelSettings, role: RoleName): EndpointSettings => (role === 'embed' ? settings.embedding : settings[role]) ?? {}

/**
 * The endpoint of a role, or undefined when nothing is configured for it.
 * A key is only inherited towards the server it was given for: a role with its own base URL needs its own key.
 *
 * @throws AppError `invalid_request` when a server is named but no model.
 */
export function endpointFor(role: RoleName, settings: ModelSettings): Endpoint | undefined {
  const defaults = DEFAULTS[role]
  const mine = own(settings, role)
  const base: EndpointSettings = defaults.language ? (settings.llm ?? {}) : {}
  const modelSetting = `${defaults.prefix}_MODEL${role === 'embed' ? '_NAME' : ''}`

  const ownServer = sourced(mine.baseUrl, `${defaults.prefix}_BASE_URL`)
  const baseServer = sourced(base.baseUrl, 'LLM_BASE_URL')
  const server = ownServer ?? baseServer ?? { value: DASHSCOPE_BASE_URL, setting: `${defaults.prefix}_BASE_URL` }
  const dashscope = isDashscope(server.value)

  const llmServer = settings.llm?.baseUrl?.trim() || DASHSCOPE_BASE_URL
  const key = keyFor(settings, mine, {
    server: server.value,
    llmServer: defaults.language || ownServer ? llmServer : undefined,
    prefix: defaults.prefix,
  })
  if (dashscope && !key) return undefined

  const inheritsModel = !ownServer || sameServer(ownServer.value, baseServer?.value)
  const model =
    sourced(mine.model, modelSetting) ??
    (inheritsModel ? sourced(base.model, 'LLM_MODEL') : undefined) ??
    (dashscope ? { value: defaults.model, setting: modelSetting } : undefined)
  if (!model)
    throw new AppError(
      'invalid_request',
      `${server.setting} names a model server but no model: set ${modelSetting}${defaults.language ? ' or LLM_MODEL' : ''}.`,
    )

  return {
    role,
    baseUrl: server.value.replace(/\/+$/, '').replace(ROUTE, ''),
    apiKey: key?.value ?? '',
    model: model.value,
    concurrency: mine.concurrency ?? base.concurrency ?? defaults.concurrency,
    timeoutMs: mine.timeoutMs ?? base.timeoutMs ?? defaults.timeoutMs,
    options: { ...base.options, ...mine.options },
    settings: { baseUrl: server.setting, apiKey: key?.setting ?? `${defaults.prefix}_API_KEY`, model: model.setting },
  }
}

function keyFor(
  settings: ModelSettings,
  mine: EndpointSettings,
  place: { server: string; llmServer: string | undefined; prefix: string },
): Sourced {
  return (
    sourced(mine.apiKey, `${place.prefix}_API_KEY`) ??
    (sameServer(place.server, place.llmServer) ? sourced(settings.llm?.apiKey, 'LLM_API_KEY') : undefined) ??
    (isDashscope(place.server) ? sourced(settings.dashscopeApiKey, 'DASHSCOPE_API_KEY') : undefined)
  )
}

/** DashScope's own hosts (Beijing, Singapore, finance): the key of one place works, and its rerank has its own protocol. */
export function isDashscope(baseUrl: string): boolean {
  const host = hostOf(baseUrl)
  return host === 'dashscope.aliyuncs.com' || /^dashscope-[a-z]+\.aliyuncs\.com$/.test(host)
}

const sameServer = (one: string, other: string | undefined): boolean => other !== undefined && hostOf(one) === hostOf(other)

/** Host with port, or '' when the text is no URL; a wrong URL is reported where it is used. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : ''
}
