// Are the configured servers there, do they take the key, do they know the model? Asked at start by the protocol's list of models, which costs
// nothing; a server without such a list says nothing against itself.
import { AppError } from '../core/errors.ts'
import { calling } from './openai/client.ts'
import { nounOf } from './openai/errors.ts'
import type { Endpoint } from './roles.ts'

const WITHIN_MS = 10_000

/** Sentences that name the setting to change; none where all is well or cannot be told. Each server is asked once for each key. */
export async function checkEndpoints(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<string[]> {
  const byServer = Map.groupBy(endpoints, ({ baseUrl, apiKey }) => JSON.stringify([baseUrl, apiKey]))
  const found = await Promise.all([...byServer.values()].map((group) => checkServer(group, signal)))
  return [...new Set(found.flat())]
}

async function checkServer(group: readonly Endpoint[], signal: AbortSignal): Promise<string[]> {
  const [first] = group
  if (first === undefined) return []
  try {
    const asked = { ...first, retries: 0, timeoutMs: WITHIN_MS }
    const page = await calling(asked, signal, (client) => client.models.list({ signal }))
    const known = Array.isArray(page.data)
      ? page.data.flatMap((model) => (typeof model?.id === 'string' ? model.id.toLowerCase() : []))
      : []
    if (known.length === 0) return []
    return group
      .filter(({ model }) => !known.includes(model.toLowerCase()))
      .map((endpoint) => `The server of the ${nounOf(endpoint)} does not list its model; check ${endpoint.settings.model}.`)
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof AppError ? error.details?.['reason'] : undefined
    return error instanceof AppError && (reason === 'credential' || reason === 'unreachable') ? [error.message] : []
  }
}
