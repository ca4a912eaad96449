// Verifies what must always be true of a workspace, and repairs what is derivable: votes and folds from mentions, terms
// and vectors from texts. Evidence itself is never touched.
import { entityId } from '../core/names.ts'
import { endsOf, type Ends } from '../core/tally.ts'
import { workspaceScope, type WorkspaceId } from '../core/workspace.ts'
import * as aliases from '../store/aliases.ts'
import * as chunks from '../store/chunks.ts'
import { foldDigest } from '../store/digest.ts'
import * as doctor from '../store/doctor.ts'
import * as reembed from '../store/reembed.ts'
import { withScope, type ScopedTx } from '../store/scope.ts'
import { toHalf } from '../store/vectors-codec.ts'
import * as vectors from '../store/vectors.ts'
import * as workspaces from '../store/workspaces.ts'
import type { EngineDeps } from './deps.ts'
import { refold } from './graph/refold.ts'
import { termsRow } from './ingest/rows.ts'

export type Finding = { check: string; count: number; examples: string[]; repairable: boolean }
export type Diagnosis = { workspace: string; healthy: boolean; findings: Finding[] }

type Texts = ReadonlyMap<string, string>
type Gaps = { chunk: Texts; entity: Texts; relation: Texts }

const finding = (check: string, ids: readonly string[]): Finding[] =>
  ids.length === 0 ? [] : [{ check, count: ids.length, examples: ids.slice(0, 5), repairable: true }]

/** Reads one snapshot; other work goes on beside it. */
export async function diagnose(deps: EngineDeps, workspace: WorkspaceId): Promise<Diagnosis> {
  const findings = await withScope(
    deps.database,
    workspaceScope(workspace),
    async (tx) => {
      const [home] = await workspaces.inScope(tx, [workspace])
      if (home === undefined) return []
      const { missing, orphans } = await compareVectors(tx, workspace, home)
      return [
        ...finding('entity votes differ from their mentions', await doctor.wrongEntityVotes(tx, workspace)),
        ...finding('relation votes differ from their mentions', await doctor.wrongRelationVotes(tx, workspace)),
        ...finding('degrees differ from the number of relations', await doctor.wrongDegrees(tx, workspace)),
        ...finding(
          'chunks without terms',
          (await doctor.chunksWithoutTerms(tx, workspace)).map((gap) => gap.chunk_id),
        ),
        ...(['chunk', 'entity', 'relation'] as const).flatMap((kind) => [
          ...finding(`${kind} vectors are missing`, [...missing[kind].keys()]),
          ...finding(`${kind} vectors belong to nothing`, orphans[kind]),
        ]),
        ...(await compareOthers(tx, workspace, home)).flatMap((other) => [
          ...finding(`chunk vectors of ${other.owner} are missing`, [...other.missing.keys()]),
          ...finding(`chunk vectors of ${other.owner} belong to nothing`, other.orphans),
        ]),
        ...finding(
          'embedding spaces hold vectors that nothing uses',
          (await doctor.abandonedSpaces(tx, workspace, home)).map((space) => space.model),
        ),
      ]
    },
    { snapshot: true },
  )
  if (findings.length === 0 && (await foldsDiffer(deps, workspace)))
    findings.push(...finding('entities or relations differ from what their mentions add up to', [workspace]))
  return { workspace, healthy: findings.length === 0, findings }
}

class RolledBack extends Error {}

/** Folds everything anew in a transaction that is thrown away, and compares. Other publishers of the workspace wait meanwhile. */
async function foldsDiffer(deps: EngineDeps, workspace: WorkspaceId): Promise<boolean> {
  let differ = false
  try {
    await withScope(deps.database, workspaceScope(workspace), async (tx) => {
      await workspaces.lockForPublish(tx, workspace)
      const before = await foldDigest(tx, workspace)
      await refoldAll(tx, workspace)
      differ = before !== (await foldDigest(tx, workspace))
      throw new RolledBack()
    })
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error
  }
  return differ
}

/** Repairs and diagnoses again. Missing vectors are embedded before the transaction that writes them. */
export async function repair(deps: EngineDeps, workspace: WorkspaceId, signal: AbortSignal): Promise<Diagnosis> {
  const scope = workspaceScope(workspace)
  const [row] = await workspaces.inScope(deps.database.db, [workspace])
  if (row === undefined) return { workspace, healthy: true, findings: [] }
  const [{ missing }, others] = await withScope(
    deps.database,
    scope,
    async (tx) => [await compareVectors(tx, workspace, row), await compareOthers(tx, workspace, row)] as const,
    { snapshot: true },
  )
  const model = deps.models.embeddingFor(row.model, row.dim)
  const made = new Map<string, Map<string, Float32Array>>()
  for (const kind of ['chunk', 'entity', 'relation'] as const) {
    const texts = [...missing[kind].values()]
    if (texts.length === 0 || model === undefined) continue
    const { vectors: embedded } = await model.embed(texts, 'document', signal)
    made.set(kind, new Map([...missing[kind].keys()].map((id, at) => [id, toHalf(embedded[at] ?? [])])))
  }
  const ofOthers = new Map<string, Map<string, Float32Array>>()
  for (const other of others) ofOthers.set(other.owner, await embedGaps(deps, other, signal))
  await withScope(deps.database, scope, async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    for (const now of await compareOthers(tx, workspace, row)) {
      const still = [...(ofOthers.get(now.owner) ?? [])].filter(([id]) => now.missing.has(id))
      await vectors.upsert(tx, workspace, now.home, 'chunk', new Map(still))
      await vectors.remove(tx, workspace, now.home, 'chunk', now.orphans)
    }
    for (const space of await doctor.abandonedSpaces(tx, workspace, row)) await reembed.dropSpace(tx, workspace, { ...row, ...space })
    await repairTerms(tx, workspace)
    const now = await compareVectors(tx, workspace, row)
    for (const kind of ['chunk', 'entity', 'relation'] as const) {
      const still = [...(made.get(kind) ?? [])].filter(([id]) => now.missing[kind].has(id))
      await vectors.upsert(tx, workspace, row, kind, new Map(still))
      await vectors.remove(tx, workspace, row, kind, now.orphans[kind])
    }
    await doctor.recount(tx, workspace)
    await refoldAll(tx, workspace)
    await doctor.setDegrees(tx, workspace)
    await workspaces.bumpRevision(tx, workspace)
  })
  return diagnose(deps, workspace)
}

type OtherVectors = { home: vectors.VectorHome; model: string; owner: string; missing: Texts; orphans: string[] }

/**
 * What lies beside the space that the workspace is searched in: releases in spaces of their own, and the candidate of a re-embedding. Of a
 * candidate is said what was already done to it, since the rest is still to come; what was deleted since goes when it is switched to.
 */
async function compareOthers(tx: ScopedTx, workspace: WorkspaceId, own: vectors.VectorHome): Promise<OtherVectors[]> {
  const live = new Set(await doctor.chunkIds(tx, workspace))
  const compared: OtherVectors[] = []
  const compare = async (
    space: doctor.NamedSpace,
    owner: string,
    gapsIn: typeof doctor.chunksWithoutVector,
    known: ReadonlySet<string>,
  ) => {
    const home = { ...space, shard: own.shard }
    const gaps = await gapsIn(tx, workspace, home, own.space_id)
    const orphans = (await doctor.vectorIds(tx, workspace, home, 'chunk')).filter((id) => !known.has(id))
    const missing = new Map(gaps.map((gap) => [gap.chunk_id, embedText(gap)]))
    compared.push({ home, model: space.model, owner: `${owner} ${space.model}`, missing, orphans })
  }
  const candidate = await doctor.candidateSpace(tx, workspace, own)
  const done = candidate === undefined ? [] : await reembed.checkpointed(tx, workspace, candidate.space_id)
  for (const space of await doctor.releaseSpaces(tx, workspace, own)) {
    const filled = space.space_id === candidate?.space_id ? done : []
    await compare(space, 'releases in', doctor.chunksWithoutVector, new Set([...live, ...filled]))
  }
  if (candidate) await compare(candidate, 'the re-embedding into', doctor.checkpointedWithoutVector, new Set([...live, ...done]))
  return compared
}

async function embedGaps(
  deps: EngineDeps,
  { home, model, missing }: OtherVectors,
  signal: AbortSignal,
): Promise<Map<string, Float32Array>> {
  const embedding = deps.models.embeddingFor(model, home.dim)
  if (embedding === undefined || missing.size === 0) return new Map()
  const { vectors: embedded } = await embedding.embed([...missing.values()], 'document', signal)
  return new Map([...missing.keys()].map((id, at) => [id, toHalf(embedded[at] ?? [])]))
}

async function repairTerms(tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  const gaps = await doctor.chunksWithoutTerms(tx, workspace)
  const rows = gaps.map((gap) => termsRow(workspace, gap.chunk_id, embedText(gap)))
  await chunks.upsertTerms(tx, workspace, rows)
}

async function refoldAll(tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  const ids = await doctor.graphIds(tx, workspace)
  const asserted = await doctor.assertedEnds(tx, workspace)
  const leads = await aliases.resolve(tx, workspace, [...new Set(asserted.flatMap((pair) => [pair.source_key, pair.target_key]))])
  const idOf = (key: string): string => leads.get(key) ?? entityId(key)
  const ends = new Map<string, Ends>()
  for (const pair of asserted) {
    const found = endsOf(idOf(pair.source_key), idOf(pair.target_key))
    if (found) ends.set(found.relationId, found)
  }
  await refold(tx, workspace, {
    entityIds: new Set(ids.entities),
    relationIds: new Set(ids.relations),
    ends,
    lostEntityIds: new Set(),
    lostRelationIds: new Set(),
  })
}

async function compareVectors(
  tx: ScopedTx,
  workspace: WorkspaceId,
  home: vectors.VectorHome,
): Promise<{ missing: Gaps; orphans: Record<vectors.VectorKind, string[]> }> {
  const { keys, facts } = await doctor.embeddedTexts(tx, workspace)
  const wanted = {
    entity: new Map(keys.map((key) => [entityId(key), key])),
    relation: new Map(facts.map((fact) => [fact.fact_id, fact.fact])),
  }
  const have = {
    entity: new Set(await doctor.vectorIds(tx, workspace, home, 'entity')),
    relation: new Set(await doctor.vectorIds(tx, workspace, home, 'relation')),
  }
  const live = new Set(await doctor.chunkIds(tx, workspace))
  const gaps = await doctor.chunksWithoutVector(tx, workspace, home, home.space_id)
  const without = (kind: 'entity' | 'relation'): Texts => new Map([...wanted[kind]].filter(([id]) => !have[kind].has(id)))
  const extra = (kind: 'entity' | 'relation'): string[] => [...have[kind]].filter((id) => !wanted[kind].has(id))
  return {
    missing: {
      chunk: new Map(gaps.map((gap) => [gap.chunk_id, embedText(gap)])),
      entity: without('entity'),
      relation: without('relation'),
    },
    orphans: {
      chunk: (await doctor.vectorIds(tx, workspace, home, 'chunk')).filter((id) => !live.has(id)),
      entity: extra('entity'),
      relation: extra('relation'),
    },
  }
}

const embedText = (gap: doctor.ChunkGap): string => (gap.header === '' ? gap.content : `${gap.header}\n${gap.content}`)
