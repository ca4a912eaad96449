// Calls of operators: health, waiting work, callbacks, use of models.
import { ApiError, ask, address } from './client.ts'
import type { Readiness } from './types.ts'

export type Queue = {
  depth: { kind: string; state: string; jobs: number; oldestSeconds: number }[]
  jobs: {
    jobId: string
    workspace: string
    kind: string
    subject: string
    state: 'queued' | 'running'
    attempts: number
    maxAttempts: number
    reason: string | null
    nextAttemptAt: string
    ageSeconds: number
  }[]
}

export const CALLBACK_STATES = ['parked', 'pending', 'delivered', 'superseded'] as const
export type CallbackState = (typeof CALLBACK_STATES)[number]

export type Callback = {
  eventId: string
  workspace: string
  fileId: string
  kind: string
  state: CallbackState
  attempts: number
  reason: string | null
  createdAt: string
  nextAttemptAt: string
}

export type ModelUse = {
  workspace: string
  role?: string
  model?: string
  day?: string
  fileId?: string
  calls: number
  failed: number
  inputTokens: number
  cachedTokens: number
  outputTokens: number
  costCny: number
}

export type Budget = { monthlyCny: number | null; near: { workspace: string; spentCny: number; share: number }[] }

export type AuditEntry = {
  entry: number
  at: string
  actor: string
  action: string
  workspace: string | null
  subject: Record<string, unknown>
  outcome: string | null
}

/** Not ready is an answer too: it comes as an error whose details say why. */
export async function readiness(signal: AbortSignal): Promise<Readiness> {
  let response: Response
  try {
    response = await fetch(address('/readyz'), { signal })
  } catch (error) {
    if (error instanceof DOMException) throw error
    throw new ApiError(0, 'unreachable', '')
  }
  const body = (await response.json()) as Readiness & { error?: { details?: Readiness } }
  const details = body.error?.details
  if (response.ok) return body
  return { ready: false, seeding: details?.seeding ?? false, reasons: details?.reasons ?? [], checks: details?.checks ?? {} }
}

export const queue = (signal: AbortSignal): Promise<Queue> => ask('/api/admin/queue', { workspace: '', query: { limit: 50 }, signal })

export const callbacks = (state: CallbackState, signal: AbortSignal): Promise<{ callbacks: Callback[] }> =>
  ask('/api/admin/callbacks', { workspace: '', query: { state, limit: 50 }, signal })

/** Without ids: all that are parked. */
export const replayCallbacks = (eventIds?: string[]): Promise<{ replayed: number }> =>
  ask('/api/admin/callbacks/replay', { method: 'POST', workspace: '', body: eventIds === undefined ? {} : { eventIds } })

export const USE_BY = ['workspace', 'model', 'day', 'document'] as const
export type UseBy = (typeof USE_BY)[number]

export const modelUse = (by: UseBy, days: number, signal: AbortSignal): Promise<{ use: ModelUse[]; budget: Budget }> =>
  ask('/api/admin/usage', { workspace: '', query: { by, days, limit: 200 }, signal })

/** What administrators did, before an entry when one is given. */
export const auditTrail = (limit: number, before: string | undefined, signal: AbortSignal): Promise<{ entries: AuditEntry[] }> =>
  ask('/api/admin/audit', { workspace: '', query: { limit, before }, signal })

/** The first entry that is not as it was written; null when the whole trail is. */
export const verifyTrail = (): Promise<{ brokenAt: number | null }> =>
  ask('/api/admin/audit', { workspace: '', query: { limit: 1, verify: 'true' } })
