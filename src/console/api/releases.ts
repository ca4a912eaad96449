// Calls about knowledge releases. Their API speaks snake_case.
import { ask } from './client.ts'

export type Report = {
  status: string
  embedding_model: string
  stats: { items: number; chunks: number; avg_chunk_chars: number; embedding_time_sec: number }
  eval: {
    enabled: boolean
    preview_queries: number
    recall_at_8: number | null
    constraint_conflict_rate: number | null
    redundancy_rate: number | null
    recommendation: string
  }
  warnings: string[]
  review_required_items: { knowledge_item_id: string; reason: string; message: string; blocking: boolean }[]
}

export type Build = {
  build_id: string
  kb_version_id: string
  state: string
  error: string | null
  created_at: string
  finished_at: string | null
  kb_index_build_report: Report | null
}

export type Version = {
  kb_version_id: string
  build_id: string
  live: boolean
  passed: boolean | null
  embedding_model: string
  created_at: string
  promoted_at: string | null
}

export type ReleaseEvent = { sequence: number; event_id: string; event_type: string; occurred_at: string; payload: Record<string, unknown> }

const path = (kb: string): string => `/kb/${encodeURIComponent(kb)}`
const versionPath = (kb: string, version: string): string => `${path(kb)}/versions/${encodeURIComponent(version)}`

export const listVersions = (kb: string, signal: AbortSignal): Promise<{ versions: Version[] }> =>
  ask(`${path(kb)}/versions`, { workspace: '', signal })

export const getBuild = (kb: string, build: string, signal: AbortSignal): Promise<Build> =>
  ask(`${path(kb)}/builds/${encodeURIComponent(build)}`, { workspace: '', signal })

export const promote = (kb: string, version: string): Promise<unknown> =>
  ask(`${versionPath(kb, version)}/promote`, { method: 'POST', workspace: '', body: {} })

export const rollBack = (kb: string, version: string): Promise<unknown> =>
  ask(`${versionPath(kb, version)}/rollback`, { method: 'POST', workspace: '', body: {} })

/** A knowledge base has a few dozen events per build; more pages than this nobody reads. */
const MAX_PAGES = 20

/** All events, the latest first. */
export async function allEvents(kb: string, signal: AbortSignal): Promise<ReleaseEvent[]> {
  const found: ReleaseEvent[] = []
  let after = 0
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { events, next_after } = await ask<{ events: ReleaseEvent[]; next_after: number }>(`${path(kb)}/events`, {
      workspace: '',
      query: { after, limit: 500 },
      signal,
    })
    if (events.length === 0) break
    found.push(...events)
    after = next_after
  }
  return found.toReversed()
}
