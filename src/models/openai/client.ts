// One official client per endpoint, all on one connection pool.
import OpenAI from 'openai'
import { AppError } from '../../core/errors.ts'
import type { Endpoint } from '../roles.ts'
import { modelError } from './errors.ts'
import { modelFetch } from './transport.ts'

/** Attempts after the first, unless the endpoint says otherwise; the SDK waits as `Retry-After` says, else half a second doubling with jitter. */
const RETRIES = 2

const clients = new Map<string, OpenAI>()

/** The client of an endpoint; the same instance for the same server, key and timeout. @throws AppError `invalid_request` for a URL that is none. */
function clientFor(endpoint: Endpoint): OpenAI {
  if (!URL.canParse(endpoint.baseUrl) || !/^https?:/i.test(endpoint.baseUrl)) {
    throw new AppError('invalid_request', `${endpoint.settings.baseUrl} is not an http(s) URL.`)
  }
  const key = JSON.stringify([endpoint.baseUrl, endpoint.apiKey, endpoint.timeoutMs, endpoint.retries])
  const known = clients.get(key)
  if (known) return known
  const client = new OpenAI({
    baseURL: endpoint.baseUrl,
    // A server without a key still gets a header, because the SDK insists on one.
    apiKey: endpoint.apiKey || 'none',
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: endpoint.retries ?? RETRIES,
    // The transport bounds each attempt including its body; the SDK's own timer is only a net behind it.
    timeout: endpoint.timeoutMs + 5_000,
    fetch: modelFetch(endpoint.baseUrl, endpoint.timeoutMs),
    logLevel: 'off',
  })
  clients.set(key, client)
  return client
}

/** Runs one call and translates its errors. */
export async function calling<T>(endpoint: Endpoint, signal: AbortSignal, call: (client: OpenAI) => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const client = clientFor(endpoint)
  try {
    return await call(client)
  } catch (error) {
    throw modelError(error, endpoint, signal)
  }
}
