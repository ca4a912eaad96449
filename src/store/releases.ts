// Knowledge releases: builds, versions, the live pointer and its history.
import { sql } from 'kysely'
import type { Conflict } from '../core/release-conflicts.ts'
import type { BuildReport } from '../core/release-report.ts'
import type { ReleaseRequest, ReleaseState, RoleRecipe } from '../core/release-request.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { vectorTable, type VectorHome } from './vectors.ts'

export type BuildRow = {
  workspace_id: WorkspaceId
  build_id: string
  kb_version_id: string
  run_id: string
  job_id: string
  trace_id: string
  correlation_id: string
  proposal_id: string | null
  state: ReleaseState
  request: ReleaseRequest
  findings: Record<string, unknown>
  report: BuildReport | null
  error: string | null
  created_at: Date
  updated_at: Date
  finished_at: Date | null
}

export type NewBuild = Pick<BuildRow, 'kb_version_id' | 'run_id' | 'job_id' | 'trace_id' | 'proposal_id' | 'request'> & {
  correlation_id: string | undefined
}

/** Numbered within the knowledge base, under its lock. */
export async function addBuild(tx: ScopedTx, workspace: WorkspaceId, build: NewBuild): Promise<string> {
  const made = await sql<{ build_id: string }>`
    insert into kb_builds (workspace_id, build_id, kb_version_id, run_id, job_id, trace_id, correlation_id, proposal_id, state, request)
    select ${workspace}, n.id, ${build.kb_version_id}, ${build.run_id}, ${build.job_id}, ${build.trace_id}, coalesce(${build.correlation_id ?? null}::text, n.id),
      ${build.proposal_id}, 'INIT', ${JSON.stringify(build.request)}::jsonb
    from (select 'KB_BUILD_' || lpad((count(*) + 1)::text, 4, '0') as id from kb_builds where workspace_id = ${workspace}) n
    returning build_id`.execute(tx)
  return made.rows[0]?.build_id ?? ''
}

export async function build(tx: ScopedTx, workspace: WorkspaceId, buildId: string): Promise<BuildRow | undefined> {
  const found = await sql<BuildRow>`select * from kb_builds where workspace_id = ${workspace} and build_id = ${buildId}`.execute(tx)
  return found.rows[0]
}

/** The newest that was made for this version. */
export async function lastBuild(tx: ScopedTx, workspace: WorkspaceId, kbVersionId: string): Promise<BuildRow | undefined> {
  const found = await sql<BuildRow>`
    select * from kb_builds where workspace_id = ${workspace} and kb_version_id = ${kbVersionId} order by created_at desc, build_id desc limit 1`.execute(
    tx,
  )
  return found.rows[0]
}

export async function buildOfJob(tx: ScopedTx, workspace: WorkspaceId, jobId: string): Promise<BuildRow | undefined> {
  const found = await sql<BuildRow>`select * from kb_builds where workspace_id = ${workspace} and job_id = ${jobId}`.execute(tx)
  return found.rows[0]
}

export async function enter(tx: ScopedTx, workspace: WorkspaceId, buildId: string, state: ReleaseState): Promise<void> {
  await sql`
    update kb_builds set state = ${state}, updated_at = now() where workspace_id = ${workspace} and build_id = ${buildId}`.execute(tx)
}

/** Adds to what the stages found. */
export async function note(tx: ScopedTx, workspace: WorkspaceId, buildId: string, findings: Record<string, unknown>): Promise<void> {
  await sql`
    update kb_builds set findings = findings || ${JSON.stringify(findings)}::jsonb, updated_at = now()
    where workspace_id = ${workspace} and build_id = ${buildId}`.execute(tx)
}

export async function endBuild(
  tx: ScopedTx,
  workspace: WorkspaceId,
  buildId: string,
  end: { state: ReleaseState; report: BuildReport; error: string | null },
): Promise<void> {
  await sql`
    update kb_builds set state = ${end.state}, report = ${JSON.stringify(end.report)}::jsonb, error = ${end.error}, updated_at = now(), finished_at = now()
    where workspace_id = ${workspace} and build_id = ${buildId}`.execute(tx)
}

export type VersionRow = {
  workspace_id: WorkspaceId
  kb_version_id: string
  build_id: string
  file_id: string
  space_id: number
  model: string
  dim: number
  profile_id: string
  is_primary: boolean
  passed: boolean | null
  figures: Record<string, unknown>
  conflicts: Conflict[]
  role_recipes: RoleRecipe[]
  created_at: Date
  promoted_at: Date | null
  live: boolean
}

const VERSIONS = sql`
  select v.*, s.model, s.dim, l.kb_version_id is not null as live
  from kb_versions v join embedding_spaces s using (space_id)
  left join kb_live l on l.workspace_id = v.workspace_id and l.kb_version_id = v.kb_version_id`

export async function version(tx: ScopedTx, workspace: WorkspaceId, kbVersionId: string): Promise<VersionRow | undefined> {
  const found = await sql<VersionRow>`${VERSIONS} where v.workspace_id = ${workspace} and v.kb_version_id = ${kbVersionId}`.execute(tx)
  return found.rows[0]
}

export async function liveVersion(tx: ScopedTx, workspace: WorkspaceId): Promise<VersionRow | undefined> {
  const found = await sql<VersionRow>`${VERSIONS} where v.workspace_id = ${workspace} and l.kb_version_id is not null`.execute(tx)
  return found.rows[0]
}

/** Newest first. */
export async function versions(tx: ScopedTx, workspace: WorkspaceId): Promise<VersionRow[]> {
  const found = await sql<VersionRow>`${VERSIONS} where v.workspace_id = ${workspace} order by v.created_at desc, v.kb_version_id`.execute(
    tx,
  )
  return found.rows
}

export type NewVersion = Pick<
  VersionRow,
  'kb_version_id' | 'build_id' | 'file_id' | 'space_id' | 'profile_id' | 'is_primary' | 'conflicts' | 'role_recipes'
>

/** The indexed version, not judged yet; replaces an earlier build of the same id. */
export async function putVersion(tx: ScopedTx, workspace: WorkspaceId, made: NewVersion): Promise<void> {
  await sql`
    insert into kb_versions (workspace_id, kb_version_id, build_id, file_id, space_id, profile_id, is_primary, conflicts, role_recipes)
    values (${workspace}, ${made.kb_version_id}, ${made.build_id}, ${made.file_id}, ${made.space_id}, ${made.profile_id}, ${made.is_primary},
      ${JSON.stringify(made.conflicts)}::jsonb, ${JSON.stringify(made.role_recipes)}::jsonb)
    on conflict (workspace_id, kb_version_id) do update
    set build_id = excluded.build_id, file_id = excluded.file_id, space_id = excluded.space_id, profile_id = excluded.profile_id,
      is_primary = excluded.is_primary, conflicts = excluded.conflicts, role_recipes = excluded.role_recipes, passed = null, figures = '{}',
      created_at = now()`.execute(tx)
}

export async function judge(tx: ScopedTx, workspace: WorkspaceId, kbVersionId: string, passed: boolean, figures: object): Promise<void> {
  await sql`
    update kb_versions set passed = ${passed}, figures = ${JSON.stringify(figures)}::jsonb
    where workspace_id = ${workspace} and kb_version_id = ${kbVersionId}`.execute(tx)
}

export async function removeVersion(tx: ScopedTx, workspace: WorkspaceId, kbVersionId: string): Promise<void> {
  await sql`delete from kb_versions where workspace_id = ${workspace} and kb_version_id = ${kbVersionId}`.execute(tx)
}

export type Move = {
  action: 'promote' | 'rollback'
  kbVersionId: string
  from: string | null
  overrideReason: string | null
  caller: string
  figures: object
}

/** Moves the pointer and remembers the move; under the knowledge base's lock. Returns the number of the move. */
export async function move(tx: ScopedTx, workspace: WorkspaceId, made: Move): Promise<number> {
  await sql`
    insert into kb_live (workspace_id, kb_version_id) values (${workspace}, ${made.kbVersionId})
    on conflict (workspace_id) do update set kb_version_id = excluded.kb_version_id, promoted_at = now()`.execute(tx)
  await sql`update kb_versions set promoted_at = now() where workspace_id = ${workspace} and kb_version_id = ${made.kbVersionId}`.execute(
    tx,
  )
  const added = await sql<{ sequence: number }>`
    insert into kb_promotions (workspace_id, sequence, action, kb_version_id, from_version_id, override_reason, caller, figures)
    select ${workspace}, coalesce(max(sequence), 0) + 1, ${made.action}, ${made.kbVersionId}, ${made.from}, ${made.overrideReason}, ${made.caller},
      ${JSON.stringify(made.figures)}::jsonb
    from kb_promotions where workspace_id = ${workspace}
    returning sequence::int as sequence`.execute(tx)
  return added.rows[0]?.sequence ?? 0
}

/** What was live before this version was last promoted; null when nothing was. */
export async function before(tx: ScopedTx, workspace: WorkspaceId, kbVersionId: string): Promise<string | null> {
  const found = await sql<{ from_version_id: string | null }>`
    select from_version_id from kb_promotions
    where workspace_id = ${workspace} and kb_version_id = ${kbVersionId} and action = 'promote'
    order by sequence desc limit 1`.execute(tx)
  return found.rows[0]?.from_version_id ?? null
}

/** The space that a profile's name stands for here; the first use decides. */
export async function profileSpace(tx: ScopedTx, workspace: WorkspaceId, profileId: string, spaceId: number): Promise<number> {
  await sql`
    insert into kb_profiles (workspace_id, profile_id, space_id) values (${workspace}, ${profileId}, ${spaceId}) on conflict do nothing`.execute(
    tx,
  )
  const found = await sql<{ space_id: number }>`
    select space_id from kb_profiles where workspace_id = ${workspace} and profile_id = ${profileId}`.execute(tx)
  return found.rows[0]?.space_id ?? spaceId
}

export async function knownProfile(
  tx: ScopedTx,
  workspace: WorkspaceId,
  profileId: string,
): Promise<{ space_id: number; model: string; dim: number } | undefined> {
  const found = await sql<{ space_id: number; model: string; dim: number }>`
    select p.space_id, s.model, s.dim from kb_profiles p join embedding_spaces s using (space_id)
    where p.workspace_id = ${workspace} and p.profile_id = ${profileId}`.execute(tx)
  return found.rows[0]
}

export async function putProposal(tx: ScopedTx, workspace: WorkspaceId, proposalId: string, buildId: string): Promise<void> {
  await sql`
    insert into kb_proposals (workspace_id, proposal_id, build_id) values (${workspace}, ${proposalId}, ${buildId})
    on conflict (workspace_id, proposal_id) do update set build_id = excluded.build_id`.execute(tx)
}

export async function buildOfProposal(tx: ScopedTx, workspace: WorkspaceId, proposalId: string): Promise<BuildRow | undefined> {
  const found = await sql<BuildRow>`
    select b.* from kb_proposals p join kb_builds b using (workspace_id, build_id)
    where p.workspace_id = ${workspace} and p.proposal_id = ${proposalId}`.execute(tx)
  return found.rows[0]
}

/** Versions nobody waits for any more: not live, never promoted and older than `days`, or promoted before the last `keep`. */
export async function abandoned(tx: ScopedTx, workspace: WorkspaceId, limits: { days: number; keep: number }): Promise<VersionRow[]> {
  const found = await sql<VersionRow>`
    with ranked as (
      select v.workspace_id, v.kb_version_id, row_number() over (order by v.promoted_at desc) as place
      from kb_versions v where v.workspace_id = ${workspace} and v.promoted_at is not null)
    ${VERSIONS} left join ranked r on r.workspace_id = v.workspace_id and r.kb_version_id = v.kb_version_id
    where v.workspace_id = ${workspace} and l.kb_version_id is null
      and ((v.promoted_at is null and v.created_at < now() - ${limits.days} * interval '1 day') or r.place > ${limits.keep})`.execute(tx)
  return found.rows
}

/** Chunks of a version that have their vector. */
export async function indexed(tx: ScopedTx, workspace: WorkspaceId, fileId: string, home: VectorHome): Promise<number> {
  const found = await sql<{ n: number }>`
    select count(*)::int as n from chunks c join ${vectorTable('chunk', home.dim)} v on v.workspace_id = c.workspace_id and v.id = c.chunk_id
    where c.workspace_id = ${workspace} and c.file_id = ${fileId} 
      and v.shard = ${home.shard} and v.workspace_id = ${workspace} and v.space_id = ${home.space_id}`.execute(tx)
  return found.rows[0]?.n ?? 0
}
