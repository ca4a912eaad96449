// Gives a workspace that has grown large an index of its own, and takes it back when it has shrunk, while reads and writes go on.
import { setTimeout as sleep } from 'node:timers/promises'
import { type WorkspaceId, workspaceScope } from '../core/workspace.ts'
import type { Database } from '../ports/database.ts'
import { withScope } from '../store/scope.ts'
import {
  attachOwn,
  copyToOwn,
  dropOwn,
  indexOwn,
  isRemembered,
  moveVectors,
  pointTo,
  SHARED_SHARD,
  type TierSize,
  tierSizes,
} from '../store/tiers.ts'
import { VECTOR_KINDS } from '../store/vectors.ts'
import * as workspaces from '../store/workspaces.ts'

export type TierThresholds = {
  /** Vectors of the largest kind from which a workspace gets its own partition. */
  promoteAt: number
  /** Vectors below which it loses it again; well below `promoteAt`, so that no workspace goes back and forth. */
  demoteAt: number
}

/**
 * Comparing one by one costs about 2 µs of processor time a vector, reading the index 2 to 4 ms whatever its size, and each vector written
 * beside an index about 2 ms more (1,024 dimensions; bench/README.md). Reading alone would be cheaper with an index from 2,000 vectors on;
 * at 5,000 a search costs 10 ms at most, and the many small tenants keep exact answers and cheap writes.
 */
export const TIER_THRESHOLDS: TierThresholds = { promoteAt: 5_000, demoteAt: 2_500 }

/** Workspaces looked at in one statement. */
const BATCH = 500

/** Moves every workspace that is on the wrong side of the thresholds; returns how many were moved. */
export async function settleTiers(
  database: Database,
  thresholds: TierThresholds,
  signal: AbortSignal,
): Promise<{ promoted: number; demoted: number }> {
  const moved = { promoted: 0, demoted: 0 }
  const all = await workspaces.all(database.db)
  for (let at = 0; at < all.length; at += BATCH) {
    const [first, ...more] = all.slice(at, at + BATCH)
    if (!first) break
    for (const size of await tierSizes(database, workspaceScope(first, ...more))) {
      if (size.shard === SHARED_SHARD && size.rows >= thresholds.promoteAt) {
        await promote(database, size)
        moved.promoted += 1
      } else if (size.shard !== SHARED_SHARD && size.rows < thresholds.demoteAt) {
        await demote(database, size, signal)
        moved.demoted += 1
      }
    }
  }
  return moved
}

type Tenant = Pick<TierSize, 'workspace_id' | 'dim'>

/**
 * Attach, copy and index beside the running service, then catch up and switch in one short transaction. Interrupted anywhere
 * before the switch it leaves a copy that nobody reads, which the next run completes.
 */
export async function promote(database: Database, { workspace_id: workspace, dim }: Tenant): Promise<void> {
  const scope = workspaceScope(workspace)
  for (const kind of VECTOR_KINDS) {
    await attachOwn(database, workspace, kind, dim)
    await withScope(database, scope, (tx) => copyToOwn(tx, workspace, kind, dim))
    await indexOwn(database, workspace, kind, dim)
  }
  await switchTo(database, workspace, dim, SHARED_SHARD, workspace)
}

/** No search holds a snapshot so long; an analyst's session may. */
const LONGEST_SEARCH_MS = 30_000
const LOOK_EVERY_MS = 20

/**
 * Few rows go back at once; the empty partition goes when nobody's snapshot leads there any more. Where somebody's does for too long, it
 * stays, empty, and serves the next promotion.
 */
export async function demote(database: Database, { workspace_id: workspace, dim }: Tenant, signal: AbortSignal): Promise<void> {
  const moved = await switchTo(database, workspace, dim, workspace, SHARED_SHARD)
  for (let waited = 0; await isRemembered(database, moved); waited += LOOK_EVERY_MS) {
    if (waited >= LONGEST_SEARCH_MS) return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
  for (const kind of VECTOR_KINDS) await dropOwn(database, workspace, kind, dim)
}

async function switchTo(database: Database, workspace: WorkspaceId, dim: number, from: string, to: string): Promise<string> {
  return withScope(database, workspaceScope(workspace), async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    for (const kind of VECTOR_KINDS) await moveVectors(tx, workspace, kind, dim, from, to)
    return pointTo(tx, workspace, to)
  })
}
