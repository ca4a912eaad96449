// The re-embedding job. Every round of vectors is a checkpoint; what is written while it runs is caught up under the lock of the switch.
import { entityId } from '../../core/names.ts'
import type { AppError } from '../../core/errors.ts'
import { workspaceScope } from '../../core/workspace.ts'
import * as doctor from '../../store/doctor.ts'
import * as jobs from '../../store/jobs.ts'
import * as reembed from '../../store/reembed.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import { toHalf } from '../../store/vectors-codec.ts'
import * as vectors from '../../store/vectors.ts'
import * as workspaces from '../../store/workspaces.ts'
import { parseErrorText } from '../api.ts'
import type { EngineDeps } from '../deps.ts'
import { Superseded } from '../ingest/publication.ts'
import { homeFor, workspaceRow } from '../ingest/ready.ts'
import type { Home } from '../ingest/think.ts'
import { compareSpaces } from './compare.ts'
import type { ReembedOptions } from './reembed.ts'

/** Texts per round: what a crash can lose at most. */
const ROUND = 64
/** Catch-ups before a switch; writers that outrun more than this many are met again by the next attempt of the job. */
const MAX_CATCH_UPS = 20

type Run = { deps: EngineDeps; row: jobs.JobRow; signal: AbortSignal; candidate: reembed.ReembeddingRow }
type GraphTexts = { entity: Map<string, string>; relation: Map<string, string> }

export async function runReembedding(deps: EngineDeps, row: jobs.JobRow, signal: AbortSignal): Promise<void> {
  const candidate = await withScope(deps.database, workspaceScope(row.workspace_id), (tx) => reembed.get(tx, row.workspace_id))
  if (candidate?.job_id !== row.job_id) throw new Superseded()
  const run: Run = { deps, row, signal, candidate }
  const options = candidate.options as ReembedOptions
  await fill(run)
  await inScope(run, (tx) => reembed.settle(tx, row.workspace_id, { state: 'comparing' }))
  const comparison = await compareSpaces(deps, row.workspace_id, candidate, options.questions, signal)
  if (options.hold === true) {
    await inScope(run, async (tx) => {
      if (!(await jobs.finish(tx, row))) throw new Superseded()
      await reembed.settle(tx, row.workspace_id, { state: 'held', comparison })
    })
    return
  }
  for (let tries = 1; !(await trySwitch(run, comparison)); tries += 1) {
    if (tries > MAX_CATCH_UPS) throw new Error('the workspace is written faster than it can be re-embedded')
    await fill(run)
  }
  deps.log.info({ workspace: row.workspace_id, jobId: row.job_id }, 'a workspace moved to another embedding space')
}

const inScope = <T>({ deps, row }: Run, work: (tx: ScopedTx) => Promise<T>): Promise<T> =>
  withScope(deps.database, workspaceScope(row.workspace_id), work)

/** Where the candidate's vectors lie; asked anew each time, since a growing workspace may move to a partition of its own. */
async function candidateHome({ deps, row, candidate }: Run, tx: ScopedTx): Promise<Home> {
  const workspace = await workspaceRow(tx, row.workspace_id)
  const space = await reembed.spaceOf(tx, candidate.space_id)
  return homeFor(deps, row.workspace_id, {
    shard: workspace.shard,
    space_id: candidate.space_id,
    model: space?.model ?? '',
    dim: space?.dim ?? 0,
  })
}

async function fill(run: Run): Promise<void> {
  await fillChunks(run)
  const missing = await inScope(run, async (tx) => missingGraph(tx, run, await candidateHome(run, tx)))
  for (const kind of ['entity', 'relation'] as const) {
    const open = [...missing[kind]]
    for (let at = 0; at < open.length; at += ROUND)
      await writeRound(
        run,
        kind,
        open.slice(at, at + ROUND).map(([id, text]) => ({ id, text, hash: '' })),
      )
  }
}

async function fillChunks(run: Run): Promise<void> {
  const total = await inScope(run, async (tx) => (await doctor.chunkIds(tx, run.row.workspace_id)).length)
  for (let done = -1; ;) {
    run.signal.throwIfAborted()
    const open = await inScope(run, async (tx) => reembed.missingChunks(tx, run.row.workspace_id, await candidateHome(run, tx), ROUND))
    if (open.length === 0) return
    done = done < 0 ? await doneSoFar(run) : done
    done += open.length
    const [now, all] = [done, total]
    await writeRound(run, 'chunk', open, (tx) => reembed.progress(tx, run.row.workspace_id, run.row.job_id, Math.min(now, all), all))
  }
}

const doneSoFar = (run: Run): Promise<number> => inScope(run, (tx) => reembed.checkpoints(tx, run.row.workspace_id, run.candidate.space_id))

async function writeRound(
  run: Run,
  kind: vectors.VectorKind,
  texts: readonly reembed.MissingChunk[],
  also: (tx: ScopedTx) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  run.signal.throwIfAborted()
  const home = await inScope(run, (tx) => candidateHome(run, tx))
  const { vectors: made } = await home.model.embed(
    texts.map((one) => one.text),
    'document',
    run.signal,
  )
  await inScope(run, async (tx) => {
    const now = await candidateHome(run, tx)
    await vectors.upsert(tx, run.row.workspace_id, now, kind, new Map(texts.map(({ id }, index) => [id, toHalf(made[index] ?? [])])))
    if (kind === 'chunk') await reembed.checkpoint(tx, run.row.workspace_id, now.space_id, texts)
    await also(tx)
  })
}

async function graphTexts(tx: ScopedTx, run: Run): Promise<GraphTexts> {
  const { keys, facts } = await doctor.embeddedTexts(tx, run.row.workspace_id)
  return { entity: new Map(keys.map((key) => [entityId(key), key])), relation: new Map(facts.map((fact) => [fact.fact_id, fact.fact])) }
}

async function missingGraph(tx: ScopedTx, run: Run, home: Home): Promise<GraphTexts> {
  const texts = await graphTexts(tx, run)
  for (const kind of ['entity', 'relation'] as const)
    for (const id of await doctor.vectorIds(tx, run.row.workspace_id, home, kind)) texts[kind].delete(id)
  return texts
}

/** False when something was written since it was last filled. */
async function trySwitch(run: Run, comparison: object): Promise<boolean> {
  const { row, candidate } = run
  return inScope(run, async (tx) => {
    await workspaces.lockForPublish(tx, row.workspace_id)
    const home = await candidateHome(run, tx)
    const missing = await missingGraph(tx, run, home)
    const open = (await reembed.missingChunks(tx, row.workspace_id, home, 1)).length + missing.entity.size + missing.relation.size
    if (open > 0) return false
    if (!(await jobs.finish(tx, row))) throw new Superseded()
    const texts = await graphTexts(tx, run)
    const from = { shard: home.shard, space_id: candidate.from_space_id, dim: await reembed.dimOf(tx, candidate.from_space_id) }
    await reembed.switchSpace(tx, row.workspace_id, home, from, { entity: [...texts.entity.keys()], relation: [...texts.relation.keys()] })
    await reembed.settle(tx, row.workspace_id, { state: 'switched', comparison })
    return true
  })
}

/** What was filled stays, so that the next try goes on from it. */
export async function giveUpReembedding(deps: EngineDeps, row: jobs.JobRow, error: AppError): Promise<void> {
  const text = parseErrorText(error.code, error.message)
  await withScope(deps.database, workspaceScope(row.workspace_id), async (tx) => {
    if (await jobs.failForGood(tx, row, text)) await reembed.settle(tx, row.workspace_id, { state: 'failed', error: text })
  })
}
