// Makes the envelopes of a release's events and writes them in the transaction of what they tell.
import { randomUUID } from 'node:crypto'
import {
  EVENT_PAYLOADS,
  EVENT_SCHEMA_VERSION,
  eventEnvelope,
  type EventEnvelope,
  type EventPayload,
  type EventType,
} from '../../core/release-events.ts'
import type { ReleaseState } from '../../core/release-request.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import * as outbox from '../../store/outbox.ts'
import * as events from '../../store/release-events.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'

export const RELEASE_EVENT = 'release-event'

/** What an event says about where it comes from. */
export type EventSource = {
  workspace: WorkspaceId
  project_id: string
  trace_id: string
  correlation_id: string
  run_id: string
  job_id: string | null
  build_id: string
}

export type Told<T extends EventType = EventType> = {
  [K in T]: { type: K; stage: ReleaseState | null; payload: EventPayload<K>; /** Tells this fact from others of its kind. */ key: string }
}[T]

export async function tell(deps: EngineDeps, tx: ScopedTx, source: EventSource, facts: readonly Told[]): Promise<void> {
  const envelopes = facts.map((fact) => envelopeOf(source, fact))
  const fresh = await events.append(tx, source.workspace, envelopes)
  if (deps.eventsUrl === undefined) return
  // One subject keeps them in order; a kind of its own for each keeps a later fact from superseding an earlier one.
  for (const body of fresh) {
    await outbox.add(tx, source.workspace, {
      subject: `kb:${source.workspace}`,
      kind: `${RELEASE_EVENT}:${body.event_id}`,
      body,
      secret: null,
    })
  }
}

function envelopeOf(source: EventSource, fact: Told): EventEnvelope {
  const payload = EVENT_PAYLOADS[fact.type].parse(fact.payload) as Record<string, unknown>
  return eventEnvelope.parse({
    event_id: randomUUID(),
    event_type: fact.type,
    schema_version: EVENT_SCHEMA_VERSION,
    occurred_at: new Date().toISOString(),
    tenant_id: source.workspace,
    project_id: source.project_id,
    trace_id: source.trace_id,
    correlation_id: source.correlation_id,
    idempotency_key: `${source.build_id}:${fact.type}:${fact.key}`,
    run_id: source.run_id,
    job_id: source.job_id,
    stage: fact.stage,
    artifact:
      fact.type === 'rag.eval.completed'
        ? { artifact_id: `${source.build_id}/kb_index_build_report.json`, artifact_type: 'kb_index_build_report' }
        : null,
    payload,
  })
}
