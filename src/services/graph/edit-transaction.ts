// What every correction of a graph has in common: one transaction under the workspace's publish lock, the fold after it,
// and the vectors of names and facts that came or went. A model is called between two tries, never inside one.
import { AppError } from '../../core/errors.ts'
import { entityId } from '../../core/names.ts'
import { endsOf, Tally } from '../../core/tally.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as aliases from '../../store/aliases.ts'
import * as graph from '../../store/graph.ts'
import * as graphEdit from '../../store/graph-edit.ts'
import * as mentions from '../../store/mentions.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import { toHalf } from '../../store/vectors-codec.ts'
import * as vectors from '../../store/vectors.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { homeFor, workspaceRow } from '../ingest/ready.ts'
import { requestSummaries } from '../summaries.ts'
import { keysOfName, unknownEntity } from './names.ts'
import { refold } from './refold.ts'

/** One correction under way. */
export type Edit = {
  tx: ScopedTx
  workspace: WorkspaceId
  tally: Tally
  /** Names whose vectors may have to come or go. */
  keys: Set<string>
  /** Facts likewise, with the text that is embedded; undefined for one that only goes. */
  facts: Map<string, string | undefined>
}

/** Texts to embed before the next try. */
class VectorsMissing extends Error {
  readonly texts: readonly string[]

  constructor(texts: readonly string[]) {
    super('vectors are missing')
    this.texts = texts
  }
}

/** The first try finds what must be embedded, the second has it; more only when others change the same names meanwhile. */
const MAX_TRIES = 5

/**
 * Applies a correction and shows what it led to.
 *
 * @param apply writes rows and says in the tally what they touch.
 * @param show  reads the outcome in the same transaction.
 */
export async function correct<A, T>(
  deps: EngineDeps,
  workspace: WorkspaceId,
  signal: AbortSignal | undefined,
  apply: (edit: Edit) => Promise<A>,
  show: (tx: ScopedTx, applied: A) => Promise<T>,
): Promise<T> {
  const { model, dim } = deps.models.embedding
  const space = await workspaces.ensureSpace(deps.database.db, model, dim)
  const known = new Map<string, Float32Array>()
  for (let tries = 1; ; tries += 1) {
    try {
      return await withScope(deps.database, workspaceScope(workspace), async (tx) => {
        await workspaces.lockForPublish(tx, workspace)
        await workspaces.ensure(tx, workspace, space)
        const edit: Edit = { tx, workspace, tally: new Tally(), keys: new Set(), facts: new Map() }
        const applied = await apply(edit)
        await graph.addEntityVotes(tx, workspace, edit.tally.entityDeltas())
        await graph.addRelationVotes(tx, workspace, edit.tally.relationDeltas())
        await refold(tx, workspace, edit.tally)
        await settleVectors(edit, await workspaceRow(tx, workspace), known)
        await requestSummaries(deps, tx, workspace, edit.tally)
        await workspaces.bumpRevision(tx, workspace)
        return show(tx, applied)
      })
    } catch (error) {
      if (!(error instanceof VectorsMissing) || tries === MAX_TRIES) throw error
      await embed(deps, workspace, error.texts, known, signal)
    }
  }
}

async function embed(
  deps: EngineDeps,
  workspace: WorkspaceId,
  texts: readonly string[],
  into: Map<string, Float32Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const row = await withScope(deps.database, workspaceScope(workspace), async (tx) => (await workspaces.inScope(tx, [workspace]))[0])
  const model = row === undefined ? deps.models.embedding : homeFor(deps, workspace, row).model
  const { vectors: made } = await model.embed([...texts], 'document', signal ?? new AbortController().signal)
  for (const [at, text] of texts.entries()) into.set(text, toHalf(made[at] ?? []))
}

/** @throws VectorsMissing when a text is not embedded yet. */
async function settleVectors(
  { tx, workspace, keys, facts }: Edit,
  home: vectors.VectorHome,
  known: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const missing: string[] = []
  const settle = async (
    kind: 'entity' | 'relation',
    texts: ReadonlyMap<string, string | undefined>,
    used: (id: string) => boolean,
  ): Promise<void> => {
    const present = await vectors.present(tx, workspace, home, kind, [...texts.keys()])
    const wanted = new Map<string, Float32Array>()
    for (const [id, text] of texts) {
      if (!used(id) || present.has(id) || text === undefined) continue
      const vector = known.get(text)
      if (vector?.length === home.dim) wanted.set(id, vector)
      else missing.push(text)
    }
    await vectors.upsert(tx, workspace, home, kind, wanted)
    await vectors.remove(
      tx,
      workspace,
      home,
      kind,
      [...texts.keys()].filter((id) => !used(id)),
    )
  }
  const names = new Map([...keys].map((key) => [entityId(key), key]))
  const usedKeys = await mentions.keysInUse(tx, workspace, [...keys])
  await settle('entity', names, (id) => usedKeys.has(names.get(id) ?? ''))
  const usedFacts = await mentions.factsInUse(tx, workspace, [...facts.keys()])
  await settle('relation', facts, (id) => usedFacts.has(id))
  if (missing.length > 0) throw new VectorsMissing(missing)
}

/** Where a key leads, with the representative's key; `entity` is absent when nothing is known of it or it is hidden. */
export type Lead = { id: string; key: string; entity: graphEdit.KnownEntity | undefined }

export async function leadOf({ tx, workspace }: Edit, key: string): Promise<Lead> {
  const id = (await aliases.resolve(tx, workspace, [key])).get(key) ?? entityId(key)
  const entity = await graphEdit.entity(tx, workspace, id)
  if (entity !== undefined) return { id, key: entity.key, entity }
  const others = await graphEdit.keysOf(tx, workspace, id)
  return { id, key: others.find((other) => entityId(other) === id) ?? key, entity }
}

/** @throws AppError `not_found` */
export async function knownEntity(edit: Edit, name: string): Promise<graphEdit.KnownEntity> {
  for (const key of keysOfName(name).keys) {
    const { entity } = await leadOf(edit, key)
    if (entity !== undefined) return entity
  }
  throw unknownEntity(name)
}

/** An entity that appears or disappears takes its relations along. */
export async function touchWithRelations({ tx, workspace, tally }: Edit, { id, key }: Lead): Promise<void> {
  tally.entityIds.add(id)
  const keys = [...new Set([key, ...(await graphEdit.keysOf(tx, workspace, id))])]
  const rows = await aliases.relationMentionsOf(tx, workspace, keys)
  const leads = await aliases.resolve(tx, workspace, [...new Set(rows.flatMap((row) => [row.source_key, row.target_key]))])
  const idOf = (one: string): string => leads.get(one) ?? entityId(one)
  for (const row of rows) {
    const ends = endsOf(idOf(row.source_key), idOf(row.target_key))
    if (ends === undefined) continue
    tally.relationIds.add(ends.relationId)
    tally.ends.set(ends.relationId, ends)
  }
}

export function noName(field: string): AppError {
  return new AppError('invalid_request', `${field} must hold a name: more than a short number or punctuation.`)
}
