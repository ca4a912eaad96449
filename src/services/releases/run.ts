// The build job, in one straight line through the states: precheck → normalise → chunk → embed → index → evaluate. Every state is
// written before its work begins; a resumed build does the cheap stages again and asks no model twice.
import { AppError } from '../../core/errors.ts'
import { findConflicts } from '../../core/release-conflicts.ts'
import { precheck, type ReviewItem } from '../../core/release-precheck.ts'
import { flagsOf, RELEASE_STATES, type ReleaseState } from '../../core/release-request.ts'
import { workspaceScope } from '../../core/workspace.ts'
import * as chunkStore from '../../store/chunks.ts'
import type { JobRow } from '../../store/jobs.ts'
import * as releases from '../../store/releases.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import { diffChunks, sha256, type PlannedChunk } from '../ingest/plan.ts'
import { Superseded } from '../ingest/publication.ts'
import { publish } from '../ingest/publish.ts'
import { planReady, readyPublication } from '../ingest/ready.ts'
import { embedTexts, type Home } from '../ingest/think.ts'
import { openBuild, type Build } from './build.ts'
import { cutItems, normaliseItems, type CleanItem } from './chunks.ts'
import { evaluateVersion } from './evaluate.ts'
import { tell, type Told } from './events.ts'
import { finishBuild } from './finish.ts'
import { resolveProfile } from './profiles.ts'
import { dropContent } from './versions.ts'

/** Runs a build to INDEX_READY or REVIEW_REQUIRED. Throws what made it fail; the worker decides about another try. */
export async function runBuild(deps: EngineDeps, row: JobRow, signal: AbortSignal): Promise<void> {
  const build = await openBuild(deps, row, signal)
  const { request } = build.row
  // A resumed build finds its warnings again.
  build.findings.warnings = []
  build.findings.review = []
  await enter(build, 'PRECHECKING')
  const checked = precheck(request)
  const profile = await resolveProfile(deps, build.job.workspace, request.manifest.embedding_model_config)
  build.findings.warnings.push(...checked.warnings)
  build.findings.review.push(...checked.review, ...('review' in profile ? [profile.review] : []))
  build.findings.items = checked.items.length
  if ('review' in profile || isBlocked(build.findings.review)) return finishBuild(build, undefined)
  const { home } = profile
  build.findings.embedding_model = home.model.model

  await enter(build, 'NORMALIZING')
  const clean = normaliseItems(checked.items)
  build.findings.warnings.push(...clean.warnings)
  build.findings.review.push(...clean.items.filter((item) => item.text === '').map(emptied))
  if (isBlocked(build.findings.review)) return finishBuild(build, undefined)

  const planned = await chunk(build, home, clean.items)
  const embedded = await embed(build, home, planned)
  await index(build, home, planned, embedded, clean.items)
  await enter(build, 'EVALUATING')
  const version = await withScope(deps.database, workspaceScope(build.job.workspace), (tx) =>
    releases.version(tx, build.job.workspace, build.row.kb_version_id),
  )
  if (version === undefined) throw new Superseded()
  const texts = planned.filter((one) => one.metadata?.['status'] === 'active').map((one) => one.content)
  const evaluation = await evaluateVersion(deps, { version, request, proposal: build.row.proposal_id !== null, texts }, signal)
  await finishBuild(build, { evaluation, version })
}

const isBlocked = (review: readonly ReviewItem[]): boolean => review.some((item) => item.blocking)

const emptied = (item: CleanItem): ReviewItem => ({
  knowledge_item_id: item.knowledge_item_id,
  reason: 'empty_item',
  message: 'Nothing of the item is left once markup and repetition are taken out.',
  blocking: true,
})

/** States only go forward: a resumed build does not fall back for those who watch it. */
async function enter(
  build: Build,
  state: ReleaseState,
  facts: (tx: ScopedTx) => Promise<Told[]> = () => Promise.resolve([]),
): Promise<void> {
  const { deps, job, row, source } = build
  job.signal.throwIfAborted()
  await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    const now = await releases.build(tx, job.workspace, row.build_id)
    if (now?.job_id !== job.row.job_id) throw new Superseded()
    if (RELEASE_STATES.indexOf(now.state) < RELEASE_STATES.indexOf(state)) await releases.enter(tx, job.workspace, row.build_id, state)
    const { kb_version_id, build_id } = row
    await tell(deps, tx, source, [
      { type: 'job.stage.started', stage: state, key: state, payload: { kb_version_id, build_id, state } },
      ...(await facts(tx)),
    ])
  })
}

async function chunk(build: Build, home: Home, items: readonly CleanItem[]): Promise<PlannedChunk[]> {
  const { deps, job, row, findings } = build
  const { kb_version_id, build_id, request } = row
  const { chunking_policy_id } = request.manifest
  await enter(build, 'CHUNKING', () =>
    Promise.resolve([
      {
        type: 'rag.chunking.started',
        stage: 'CHUNKING',
        key: '',
        payload: { kb_version_id, build_id, items: items.length, chunking_policy_id },
      },
    ]),
  )
  const reads = home.model.maxTokens ?? deps.limits.chunkMaxTokens
  const { chunks, merged, shortened } = cutItems(items, kb_version_id, flagsOf(request), reads)
  if (shortened > 0)
    findings.warnings.push(
      `${home.model.model} reads ${reads} tokens of a text, so ${shortened} items are cut into shorter chunks than ${chunking_policy_id} asks for.`,
    )
  const planned = planReady(job.workspace, job.fileId, chunks)
  const characters = planned.reduce((sum, one) => sum + one.content.length, 0)
  findings.chunks = planned.length
  findings.merged_chunks = merged
  findings.avg_chunk_chars = planned.length === 0 ? 0 : Math.round(characters / planned.length)
  return planned
}

/** Vectors of equal chunks of any version are taken over, so a small change costs little. */
async function embed(build: Build, home: Home, planned: readonly PlannedChunk[]): Promise<Map<string, Float32Array>> {
  const { deps, job, row, findings } = build
  await enter(build, 'EMBEDDING')
  let asked = 0
  const counted: Home = {
    ...home,
    model: {
      ...home.model,
      embed: (texts, kind, signal) => {
        asked += texts.length
        return home.model.embed(texts, kind, signal)
      },
    },
  }
  const started = performance.now()
  const vectorsByHash = await embedTexts(
    deps,
    job,
    counted,
    planned.map((one) => one.embedText),
    () => Promise.resolve(job.signal.throwIfAborted()),
  )
  findings.embedded = (findings.embedded ?? 0) + asked
  findings.embedding_ms = (findings.embedding_ms ?? 0) + (performance.now() - started)
  const { embedded, embedding_ms: ms } = findings
  const { embedding_model_profile_id, embedding_dim } = row.request.manifest.embedding_model_config
  await enter(build, 'BUILDING_INDEX', async (tx) => {
    await releases.note(tx, job.workspace, row.build_id, { embedded, embedding_ms: ms })
    const payload = {
      kb_version_id: row.kb_version_id,
      build_id: row.build_id,
      chunks: planned.length,
      embedded,
      embedding_model: home.model.model,
      embedding_model_profile_id,
      embedding_dim,
      embedding_time_sec: Math.round(ms) / 1000,
    }
    return [{ type: 'rag.embedding.completed', stage: 'EMBEDDING', key: '', payload }]
  })
  return vectorsByHash
}

/** Everything of the version becomes readable at one instant; an earlier build of the same version goes at the same one. */
async function index(
  build: Build,
  home: Home,
  planned: readonly PlannedChunk[],
  vectorsByHash: ReadonlyMap<string, Float32Array>,
  items: readonly CleanItem[],
): Promise<void> {
  const { deps, job, row, source, findings } = build
  const { kb_version_id, build_id, request } = row
  const conflicts = flagsOf(request).enable_conflict_scan ? findConflicts(items) : []
  findings.conflicts = conflicts.map(({ items: pair, reason }) => ({ items: pair, reason }))
  const recipe = sha256(JSON.stringify(['release-1', request.manifest.chunking_policy_id, home.model.model, home.dim]))
  const publication = readyPublication({
    planned,
    vectorsByHash,
    home,
    collection: kb_version_id,
    metadata: {},
    title: kb_version_id,
    recipe,
  })
  const config = request.manifest.embedding_model_config
  const version = {
    kb_version_id,
    build_id,
    file_id: job.fileId,
    space_id: home.space_id,
    profile_id: config.embedding_model_profile_id,
    is_primary: config.is_primary,
  }
  const within = async (tx: ScopedTx): Promise<void> => {
    const earlier = await releases.version(tx, job.workspace, kb_version_id)
    if (earlier !== undefined && earlier.file_id !== job.fileId) await dropContent(tx, earlier)
    await releases.putVersion(tx, job.workspace, { ...version, conflicts, role_recipes: request.role_recipes })
    const made = await releases.indexed(tx, job.workspace, job.fileId, home)
    if (made !== planned.length)
      throw new AppError('vector_store_error', `The version has ${planned.length} chunks but ${made} vectors, so nothing was kept.`)
    await tell(deps, tx, source, [
      {
        type: 'rag.index.ready',
        stage: 'BUILDING_INDEX',
        key: '',
        payload: { kb_version_id, build_id, chunks: planned.length, vectors: made },
      },
    ])
  }
  // A try before this one may have published already: then nothing is new, and the statements find nothing to do.
  const before = await withScope(deps.database, workspaceScope(job.workspace), (tx) => chunkStore.live(tx, job.workspace, job.fileId))
  findings.unchanged = planned.length - diffChunks(before, planned).revector.length
  await publish(deps, job, { ...publication, within, keepsJob: true, ownSpace: true })
}
