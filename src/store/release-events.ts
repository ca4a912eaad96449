// Events of a knowledge base: numbered without gaps in the order of their commits, each fact once.
import { sql } from 'kysely'
import type { EventEnvelope } from '../core/release-events.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

/**
 * Writes events in the transaction of what they tell. The lock stands in a statement of its own, so that numbers follow commits
 * and a reader who has seen n has seen everything before it. A fact that is there already (a resumed stage) is not told again.
 *
 * @returns the events that are new.
 */
export async function append(tx: ScopedTx, workspace: WorkspaceId, envelopes: readonly EventEnvelope[]): Promise<EventEnvelope[]> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`events:${workspace}`}, 0))`.execute(tx)
  const fresh: EventEnvelope[] = []
  for (const envelope of envelopes) {
    const added = await sql`
      insert into kb_events (workspace_id, sequence, event_type, idempotency_key, envelope)
      select ${workspace}, coalesce(max(sequence), 0) + 1, ${envelope.event_type}, ${envelope.idempotency_key}, ${JSON.stringify(envelope)}::jsonb
      from kb_events where workspace_id = ${workspace}
      on conflict (workspace_id, idempotency_key) do nothing`.execute(tx)
    if ((added.numAffectedRows ?? 0n) > 0n) fresh.push(envelope)
  }
  return fresh
}

export type EventRow = { sequence: number; envelope: EventEnvelope }

export async function after(tx: ScopedTx, workspace: WorkspaceId, sequence: number, limit: number): Promise<EventRow[]> {
  const found = await sql<EventRow>`
    select sequence::int as sequence, envelope from kb_events
    where workspace_id = ${workspace} and sequence > ${sequence} order by sequence limit ${limit}`.execute(tx)
  return found.rows
}
