// What happens to a release, as facts for other systems: one envelope, one payload per kind. The JSON Schemas in schemas/ are made from these.
import { z } from 'zod'
import { RELEASE_STATES } from './release-request.ts'
import { RECOMMENDATIONS } from './release-report.ts'

export const EVENT_SCHEMA_VERSION = '1.0'

const version = { kb_version_id: z.string(), build_id: z.string() }
const figures = {
  recall_at_8: z.number().nullable(),
  constraint_conflict_rate: z.number().nullable(),
  redundancy_rate: z.number().nullable(),
}
const moved = z.strictObject({
  kb_version_id: z.string(),
  previous_version_id: z.string().nullable(),
  override_reason: z.string().nullable(),
  figures: z.record(z.string(), z.unknown()),
})

/** Kind of event → its payload. */
export const EVENT_PAYLOADS = {
  'job.stage.started': z.strictObject({ ...version, state: z.enum(RELEASE_STATES) }),
  'rag.chunking.started': z.strictObject({ ...version, items: z.int(), chunking_policy_id: z.string() }),
  'rag.embedding.completed': z.strictObject({
    ...version,
    chunks: z.int(),
    embedded: z.int().describe('Chunks whose vector was made; the others had one already.'),
    embedding_model: z.string(),
    embedding_model_profile_id: z.string(),
    embedding_dim: z.int(),
    embedding_time_sec: z.number(),
  }),
  'rag.index.ready': z.strictObject({ ...version, chunks: z.int(), vectors: z.int() }),
  'rag.eval.completed': z.strictObject({
    ...version,
    ...figures,
    passed: z.boolean(),
    recommendation: z.enum(RECOMMENDATIONS),
    proposal_id: z.string().nullable(),
  }),
  'kb.rollout.promoted': moved,
  'kb.rollout.rolled_back': moved,
  'job.succeeded': z.strictObject({ ...version, state: z.enum(RELEASE_STATES) }),
  'job.failed': z.strictObject({ ...version, state: z.literal('FAILED'), error: z.string() }),
} as const

export type EventType = keyof typeof EVENT_PAYLOADS
export type EventPayload<T extends EventType> = z.output<(typeof EVENT_PAYLOADS)[T]>

export const EVENT_TYPES = Object.keys(EVENT_PAYLOADS) as EventType[]

export const eventEnvelope = z.strictObject({
  event_id: z.uuid(),
  event_type: z.enum(EVENT_TYPES as [EventType, ...EventType[]]),
  schema_version: z.literal(EVENT_SCHEMA_VERSION),
  occurred_at: z.iso.datetime({ offset: true }),
  tenant_id: z.string().describe('The workspace.'),
  project_id: z.string(),
  trace_id: z.string(),
  correlation_id: z.string(),
  idempotency_key: z.string().describe('The same for every delivery of this fact.'),
  run_id: z.string(),
  job_id: z.string().nullable(),
  stage: z.string().nullable(),
  artifact: z.strictObject({ artifact_id: z.string(), artifact_type: z.string() }).nullable().describe('What can be looked up afterwards.'),
  payload: z.record(z.string(), z.unknown()),
})
export type EventEnvelope = z.output<typeof eventEnvelope>
