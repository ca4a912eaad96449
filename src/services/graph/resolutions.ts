// Which entities may be one thing, and deciding it. Certain cases never come here: script, case and width are folded into a name's key, and
// a translation in brackets is an alias that its chunk asserts. The comparison is made when somebody looks, a bounded number of names at a
// time; every decision is a row, and a merge can be undone.
import { alike, type Resemblance } from '../../core/resemblance.ts'
import { AppError } from '../../core/errors.ts'
import { compareCodePoints, entityId, orderedPair } from '../../core/names.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as resolutions from '../../store/resolutions.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as aliases from '../../store/aliases.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import type { MergeView, ResolutionView } from './api.ts'
import { mergeEntities } from './merge.ts'

/** New names compared at one look; each costs a walk over the names that share letters with it, and one nearest-neighbour scan. */
const NAMES_PER_LOOK = 200
/** Of a larger graph the best connected names are compared with. */
const MAX_NAMES = 10_000
const NEAREST = 3
/** Cosine of names that may mean the same. Names are short, so unrelated ones of one subject come near; not calibrated for a model. */
const NEAR = 0.86

/** Compares names that were not compared yet. @returns how many it looked at. */
export async function compareNames(deps: EngineDeps, workspace: WorkspaceId): Promise<number> {
  const scope = workspaceScope(workspace)
  const { fresh, found } = await withScope(
    deps.database,
    scope,
    async (tx) => {
      const open = await resolutions.uncompared(tx, workspace, NAMES_PER_LOOK)
      if (open.length === 0) return { fresh: open, found: [] }
      const letters = alike(open, await resolutions.names(tx, workspace, MAX_NAMES))
      return { fresh: open, found: [...letters, ...(await near(tx, workspace, open))] }
    },
    { snapshot: true },
  )
  if (fresh.length === 0) return 0
  await withScope(deps.database, scope, async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    const ids = fresh.map(({ id }) => id)
    await resolutions.saveComparison(tx, workspace, ids, once(found))
  })
  return fresh.length
}

/** By letters first: what they say is told rather than a number of a model. */
function once(found: readonly Resemblance[]): Resemblance[] {
  const byPair = new Map<string, Resemblance>()
  for (const one of found) if (!byPair.has(`${one.a} ${one.b}`)) byPair.set(`${one.a} ${one.b}`, one)
  return [...byPair.values()]
}

/** Near in meaning, also across languages; only where the space has meaning. */
async function near(tx: ScopedTx, workspace: WorkspaceId, fresh: readonly resolutions.NamedRow[]): Promise<Resemblance[]> {
  const [home] = await workspaces.inScope(tx, [workspace])
  if (home === undefined || home.model.startsWith('builtin/')) return []
  const rows = await resolutions.nearestNames(
    tx,
    home,
    fresh.map(({ key }) => entityId(key)),
    NEAREST,
  )
  const leads = await aliases.entitiesOfNames(tx, workspace, [...new Set(rows.flatMap((row) => [row.id, row.near_id]))])
  const idOf = (name: string): string => leads.get(name) ?? name
  return rows.flatMap((row): Resemblance[] => {
    const [a, b] = orderedPair(idOf(row.id), idOf(row.near_id))
    return a === b || row.cosine < NEAR ? [] : [{ a, b, score: Math.min(1, row.cosine), reason: 'meaning' }]
  })
}

export async function listResolutions(
  deps: EngineDeps,
  workspace: WorkspaceId,
  limit: number,
): Promise<{ resolutions: ResolutionView[]; uncompared: number }> {
  await compareNames(deps, workspace)
  return withScope(
    deps.database,
    workspaceScope(workspace),
    async (tx) => ({
      resolutions: (await resolutions.open(tx, workspace, { limit })).map(view),
      uncompared: await resolutions.countUncompared(tx, workspace),
    }),
    { snapshot: true },
  )
}

function view({ a, b, score, reason, unsure }: resolutions.OpenResolution): ResolutionView {
  const side = ({ name, type, description, degree }: resolutions.Side) => ({ name, type, description, degree })
  return { resolutionId: `${a.id}.${b.id}`, a: side(a), b: side(b), score: Math.round(score * 1000) / 1000, reason, unsure }
}

/**
 * They are one thing: merged under the better connected name, or the one that is given.
 * @throws AppError `not_found`; `invalid_request` when `into` is neither of the two.
 */
export async function acceptResolution(
  deps: EngineDeps,
  workspace: WorkspaceId,
  { resolutionId, into, madeBy = 'person' }: { resolutionId: string; into?: string | undefined; madeBy?: 'person' | 'model' },
): Promise<{ resolutionId: string; mergeId: string; into: string }> {
  const { a, b } = await found(deps, workspace, resolutionId)
  const [stays, goes] = a.degree > b.degree || (a.degree === b.degree && compareCodePoints(a.key, b.key) < 0) ? [a, b] : [b, a]
  if (into !== undefined && into !== a.name && into !== b.name)
    throw new AppError('invalid_request', 'into must be one of the two names.', { details: { names: [a.name, b.name] } })
  const [target, other] = into === goes.name && into !== stays.name ? [goes, stays] : [stays, goes]
  const { mergeId } = await mergeEntities(deps, workspace, { from: [other.key], into: target.key }, madeBy)
  return { resolutionId, mergeId, into: target.name }
}

/** They are two things, whatever documents come. @throws AppError `not_found` */
export async function rejectResolution(
  deps: EngineDeps,
  workspace: WorkspaceId,
  resolutionId: string,
  madeBy: 'person' | 'model' = 'person',
): Promise<{ resolutionId: string; rejected: true }> {
  const { a, b } = await found(deps, workspace, resolutionId)
  await withScope(deps.database, workspaceScope(workspace), (tx) =>
    resolutions.distinguish(tx, workspace, orderedPair(a.key, b.key), madeBy),
  )
  return { resolutionId, rejected: true }
}

async function found(deps: EngineDeps, workspace: WorkspaceId, resolutionId: string): Promise<resolutions.OpenResolution> {
  const [a = '', b = ''] = resolutionId.split('.')
  const [one] = await withScope(deps.database, workspaceScope(workspace), (tx) =>
    resolutions.open(tx, workspace, { limit: 1, only: { a, b } }),
  )
  if (one === undefined)
    throw new AppError('not_found', 'There is no such pair to decide about, or it is decided.', { details: { resolutionId } })
  return one
}

export async function listMerges(deps: EngineDeps, workspace: WorkspaceId, limit: number): Promise<{ merges: MergeView[] }> {
  const rows = await withScope(deps.database, workspaceScope(workspace), (tx) => resolutions.merges(tx, workspace, limit))
  return {
    merges: rows.map((row) => ({
      mergeId: row.merge_id,
      from: row.from_keys,
      into: row.into_name,
      madeBy: row.made_by,
      madeAt: row.created_at.toISOString(),
    })),
  }
}
