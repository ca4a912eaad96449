// Are the configured servers there, do they take the key, do they know the model, do vectors have the length they should? Asked at start: first
// by the protocol's list of models, which costs nothing, then with the shortest request of each kind where the list leaves it open.
import { AppError } from '../core/errors.ts'
import { calling } from './openai/client.ts'
import { nounOf } from './openai/errors.ts'
import type { Endpoint } from './roles.ts'

const WITHIN_MS = 10_000

/** What a setting has to do with. A server that is slow or busy says nothing against its settings. */
const TELLING = new Set<unknown>(['credential', 'unreachable', 'model', 'dimension', 'wrong_reply'])

/** A sentence that names the setting to change, and the model it is about: a later call of it that succeeds proves the sentence wrong. */
export type Problem = { model: string; sentence: string }

type Listing = { endpoints: readonly Endpoint[]; problems: Problem[]; isAway: boolean; listed: ReadonlySet<string> }

/** None where all is well or cannot be told, also because the signal aborts first. Each server is asked once for each key. */
export async function checkEndpoints(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<Problem[]> {
  return (await listings(endpoints, signal)).flatMap(({ problems }) => problems)
}

/**
 * The same, and then each model that is not listed is asked something short, an embedding model always: how long its vectors are is on no list.
 *
 * @param ask sends the shortest request; throws what a real one would.
 */
export async function probeEndpoints(
  endpoints: readonly Endpoint[],
  ask: (endpoint: Endpoint, signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<Problem[]> {
  const servers = await listings(endpoints, signal)
  const found = await Promise.all(
    servers.map(async ({ endpoints: group, problems, isAway, listed }) => {
      if (isAway) return problems
      const open = onePerModel(group).filter((one) => one.role === 'embed' || !listed.has(one.model.toLowerCase()))
      const told = await Promise.all(open.map((one) => askOne(one, ask, signal)))
      const answered = new Set(told.flatMap(({ model, ok }) => (ok ? [model] : [])))
      const known = problems.filter(({ model }) => !answered.has(model))
      const fresh = told.flatMap(({ problem }) => (problem && known.every(({ model }) => model !== problem.model) ? [problem] : []))
      return [...known, ...fresh]
    }),
  )
  return found.flat()
}

function listings(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<Listing[]> {
  const byServer = Map.groupBy(endpoints, ({ baseUrl, apiKey }) => JSON.stringify([baseUrl, apiKey]))
  return Promise.all([...byServer.values()].map((group) => list(group, signal)))
}

/** A language model of several roles is one; what embeds and what chats may have one name. */
const onePerModel = (group: readonly Endpoint[]): Endpoint[] => {
  const kind = ({ role }: Endpoint): string => (role === 'embed' || role === 'rerank' ? role : 'chat')
  return [...new Map(group.toReversed().map((one) => [`${kind(one)} ${one.model.toLowerCase()}`, one])).values()]
}

async function list(group: readonly Endpoint[], signal: AbortSignal): Promise<Listing> {
  const nothing: Listing = { endpoints: group, problems: [], isAway: false, listed: new Set() }
  const [first] = group
  if (first === undefined) return nothing
  try {
    const asked = { ...first, retries: 0, timeoutMs: WITHIN_MS }
    const page = await calling(asked, signal, (client) => client.models.list({ signal }))
    const names = Array.isArray(page.data)
      ? page.data.flatMap((model) => (typeof model?.id === 'string' ? model.id.toLowerCase() : []))
      : []
    if (names.length === 0) return nothing
    const listed = new Set(names)
    const missing = onePerModel(group).filter(({ model }) => !listed.has(model.toLowerCase()))
    const sentence = (one: Endpoint): string => `The server of the ${nounOf(one)} does not list its model; check ${one.settings.model}.`
    return { ...nothing, listed, problems: missing.map((one) => ({ model: one.model, sentence: sentence(one) })) }
  } catch (error) {
    const reason = error instanceof AppError ? error.details?.['reason'] : undefined
    // A key may be good for calls and not for the list, so what refuses it here is still asked.
    const isAway = reason === 'unreachable'
    return error instanceof AppError && (isAway || reason === 'credential')
      ? { ...nothing, isAway, problems: [{ model: first.model, sentence: error.message }] }
      : nothing
  }
}

type Told = { model: string; ok: boolean; problem?: Problem }

async function askOne(
  endpoint: Endpoint,
  ask: (endpoint: Endpoint, signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<Told> {
  const { model } = endpoint
  try {
    await ask({ ...endpoint, retries: 0, timeoutMs: WITHIN_MS }, signal)
    return { model, ok: true }
  } catch (error) {
    const isTelling = error instanceof AppError && TELLING.has(error.details?.['reason'])
    return { model, ok: false, ...(isTelling ? { problem: { model, sentence: error.message } } : {}) }
  }
}
