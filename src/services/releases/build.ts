// A build as its stages see it: its job, its row, and what was found so far.
import type { ReviewItem } from '../../core/release-precheck.ts'
import { workspaceScope } from '../../core/workspace.ts'
import * as documents from '../../store/documents.ts'
import type { JobRow } from '../../store/jobs.ts'
import * as releases from '../../store/releases.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import type { IngestJob } from '../ingest/job.ts'
import { Superseded } from '../ingest/publication.ts'
import { readyJob } from '../ingest/ready.ts'
import type { EventSource } from './events.ts'
import { fileOf } from './start.ts'
import { dropContent } from './versions.ts'

/** What the stages found, as far as they came; kept with the build. */
export type Findings = {
  warnings: string[]
  review: ReviewItem[]
  items?: number
  chunks?: number
  avg_chunk_chars?: number
  merged_chunks?: number
  embedded?: number
  unchanged?: number
  embedding_ms?: number
  embedding_model?: string
  conflicts?: { items: [string, string]; reason: string }[]
}

export type Build = { deps: EngineDeps; job: IngestJob; row: releases.BuildRow; source: EventSource; findings: Findings }

export async function openBuild(deps: EngineDeps, row: JobRow, signal: AbortSignal): Promise<Build> {
  const workspace = row.workspace_id
  const build = await withScope(deps.database, workspaceScope(workspace), (tx) => releases.buildOfJob(tx, workspace, row.job_id))
  if (build === undefined) throw new Superseded()
  return {
    deps,
    job: readyJob(row, fileOf(build.build_id), signal),
    row: build,
    source: sourceOf(build),
    findings: { warnings: [], review: [], ...build.findings },
  }
}

function sourceOf(build: releases.BuildRow): EventSource {
  const { workspace_id: workspace, trace_id, correlation_id, run_id, job_id, build_id } = build
  return { workspace, project_id: build.request.manifest.project_id, trace_id, correlation_id, run_id, job_id, build_id }
}

/** A build that failed for good leaves nothing that could be read. */
export async function dropBuild(tx: ScopedTx, build: releases.BuildRow): Promise<void> {
  const version = await releases.version(tx, build.workspace_id, build.kb_version_id)
  if (version?.build_id === build.build_id) {
    await dropContent(tx, version)
    await releases.removeVersion(tx, build.workspace_id, build.kb_version_id)
  }
  await documents.remove(tx, build.workspace_id, fileOf(build.build_id))
}
