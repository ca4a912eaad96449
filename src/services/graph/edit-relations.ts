// A person creates, corrects and deletes relations. A relation is one pair of entities, so there is at most one correction of it.
import { AppError } from '../../core/errors.ts'
import { fact } from '../../core/knowledge.ts'
import { compareCodePoints } from '../../core/names.ts'
import { endsOf, type Ends } from '../../core/tally.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import * as graphEdit from '../../store/graph-edit.ts'
import type { RelationEdit } from '../../store/graph.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import type { RelationEnds, RelationFields, RelationView } from './api.ts'
import { correct, knownEntity, type Edit } from './edit-transaction.ts'
import { relationOf } from './read.ts'

type Between = { source: graphEdit.KnownEntity; target: graphEdit.KnownEntity; ends: Ends }

/** @throws AppError `not_found` for an unknown end; `conflict` when the two are related already; `invalid_request` for one entity twice. */
export function createRelation(
  deps: EngineDeps,
  workspace: WorkspaceId,
  { source, target, ...fields }: RelationEnds & RelationFields,
  signal: AbortSignal,
): Promise<RelationView> {
  return correct(
    deps,
    workspace,
    signal,
    async (edit) => {
      const between = await betweenOf(edit, { source, target })
      if (await graphEdit.relationExists(edit.tx, workspace, between.ends.relationId)) {
        throw new AppError('conflict', 'These two are related already; change that relation.')
      }
      await replaceEdit(edit, between, () => ({ ...directed(between), ...stored(fields, undefined), created: true, deleted: false }))
      return between.ends.relationId
    },
    (tx, id) => shownRelation(tx, workspace, id),
  )
}

/** @throws AppError `not_found` */
export function updateRelation(
  deps: EngineDeps,
  workspace: WorkspaceId,
  ends: RelationEnds,
  change: RelationFields,
  signal: AbortSignal,
): Promise<RelationView> {
  return correct(
    deps,
    workspace,
    signal,
    async (edit) => {
      const between = await knownRelation(edit, ends)
      await replaceEdit(edit, between, (before) => ({
        ...(before === undefined || change.keywords !== undefined
          ? directed(between)
          : { source_key: before.source_key, target_key: before.target_key }),
        ...stored(change, before),
        created: before?.created ?? false,
        deleted: false,
      }))
      return between.ends.relationId
    },
    (tx, id) => shownRelation(tx, workspace, id),
  )
}

/** @throws AppError `not_found` */
export function deleteRelation(deps: EngineDeps, workspace: WorkspaceId, ends: RelationEnds): Promise<RelationEnds & { deleted: true }> {
  return correct(
    deps,
    workspace,
    undefined,
    async (edit) => {
      const between = await knownRelation(edit, ends)
      await replaceEdit(edit, between, () => ({
        ...directed(between),
        keywords: null,
        description: null,
        weight: null,
        created: false,
        deleted: true,
      }))
      return { source: between.source.name, target: between.target.name }
    },
    async (_tx, gone) => ({ ...gone, deleted: true as const }),
  )
}

async function betweenOf(edit: Edit, { source, target }: RelationEnds): Promise<Between> {
  const first = await knownEntity(edit, source)
  const second = await knownEntity(edit, target)
  const ends = endsOf(first.entity_id, second.entity_id)
  if (ends === undefined) throw new AppError('invalid_request', 'source and target name the same entity; a relation needs two.')
  return { source: first, target: second, ends }
}

async function knownRelation(edit: Edit, ends: RelationEnds): Promise<Between> {
  const between = await betweenOf(edit, ends)
  if (await graphEdit.relationExists(edit.tx, edit.workspace, between.ends.relationId)) return between
  throw new AppError('not_found', 'There is no relation between these two.', { details: ends })
}

type Stored = Omit<RelationEdit, 'relation_id'>

const directed = ({ source, target }: Between): { source_key: string; target_key: string } => ({
  source_key: source.key,
  target_key: target.key,
})

function stored(
  { keywords, description, weight }: RelationFields,
  before: RelationEdit | undefined,
): Pick<Stored, 'keywords' | 'description' | 'weight'> {
  return {
    keywords: keywords === undefined ? (before?.keywords ?? null) : [...new Set(keywords)].toSorted(compareCodePoints),
    description: description ?? before?.description ?? null,
    weight: weight === undefined ? (before?.weight ?? null) : weight.toFixed(3),
  }
}

/** One correction in place of whatever corrections lead to this relation today. */
async function replaceEdit(edit: Edit, { ends }: Between, make: (before: RelationEdit | undefined) => Stored): Promise<void> {
  const before = await graphEdit.takeRelationEdits(edit.tx, edit.workspace, ends.relationId)
  for (const { fact_id } of before) if (fact_id !== null) edit.facts.set(fact_id, undefined)
  const made = make(before[0])
  const says = made.created || made.keywords !== null ? fact(made.source_key, made.keywords ?? [], made.target_key) : undefined
  if (says !== undefined) edit.facts.set(says.factId, says.factText)
  await graphEdit.addRelationEdit(edit.tx, edit.workspace, { ...made, relation_id: ends.relationId, fact_id: says?.factId ?? null })
  edit.tally.relationIds.add(ends.relationId)
  edit.tally.ends.set(ends.relationId, ends)
}

async function shownRelation(tx: ScopedTx, workspace: WorkspaceId, id: string): Promise<RelationView> {
  const found = await graphEdit.relation(tx, workspace, id)
  if (found === undefined) throw new AppError('not_found', 'There is no relation between these two.')
  return { ...relationOf(found), workspace }
}
