// What must be known before something, over several workspaces at once: their entities are one step where they share a name.
import { fullName, type Located } from '../../core/fusion.ts'
import { entityId } from '../../core/names.ts'
import type { WorkspaceScope } from '../../core/workspace.ts'
import * as graphRead from '../../store/graph-read.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import type { GraphEvidence, Prerequisites } from './api.ts'
import { cyclesOf, type Before } from './cycles.ts'
import { unknownEntity } from './names.ts'
import { evidenceView, findEntities } from './read.ts'

/** Prerequisites read per entity and direction. */
const PER_ENTITY = 50
/** A longer chain helps no planner. */
const MAX_CHAIN = 200
const MAX_EVIDENCE = 3

/** One thing to know: its entities in the workspaces of the scope. */
type Step = { name: string; level: number; description: string; relations: Located[]; entities: Located[] }

type Walk = {
  steps: Step[]
  /** Step of every name met so far. */
  byKey: Map<string, number>
  before: Before[]
}

/** @throws AppError `not_found` */
export function readPrerequisites(
  deps: EngineDeps,
  scope: WorkspaceScope,
  { entity, depth }: { entity: string; depth: number },
): Promise<Prerequisites> {
  return withScope(
    deps.database,
    scope,
    async (tx) => {
      const [start] = await findEntities(tx, entity)
      if (start === undefined) throw unknownEntity(entity)
      const walk: Walk = { steps: [], byKey: new Map(), before: [] }
      let frontier = await addSteps(tx, walk, [start], 0)
      for (let level = 1; level <= depth && frontier.length > 0; level += 1) frontier = await descend(tx, walk, frontier, level)
      const evidence = await evidenceOf(tx, walk)
      const chain = walk.steps.map(({ name, level, description }, at) => ({ name, level, description, evidence: evidence[at] ?? [] }))
      const cycles = cyclesOf(walk.steps.length, walk.before).map((cycle) => cycle.map((at) => walk.steps[at]?.name ?? ''))
      return { entity: start.name, chain: chain.slice(1), cycles }
    },
    { snapshot: true },
  )
}

const locate = (row: { workspace_id: string; entity_id: string }): Located => ({ workspaceId: row.workspace_id, id: row.entity_id })

/** One level down: returns the steps that are new. */
async function descend(tx: ScopedTx, walk: Walk, frontier: readonly number[], level: number): Promise<number[]> {
  const owner = new Map(frontier.flatMap((at) => (walk.steps[at]?.entities ?? []).map((one) => [fullName(one), at] as const)))
  const rows = await graphRead.prerequisitesOf(
    tx,
    frontier.flatMap((at) => walk.steps[at]?.entities ?? []),
    PER_ENTITY,
  )
  const fresh = await addSteps(
    tx,
    walk,
    rows.filter((row) => !walk.byKey.has(row.key)),
    level,
  )
  for (const row of rows) {
    const before = walk.byKey.get(row.key)
    const after = owner.get(fullName({ workspaceId: row.workspace_id, id: row.after_id }))
    if (before === undefined || after === undefined || before === after) continue
    walk.before.push({ before, after })
    const step = walk.steps[before]
    // The evidence of a step is that of the relations that brought it in, not of those that lead back to it.
    if (step?.level === level) step.relations.push({ workspaceId: row.workspace_id, id: row.relation_id })
  }
  return fresh
}

/** Turns rows whose names were not met before into steps, in the order of the rows; one name in two workspaces is one step. */
async function addSteps(
  tx: ScopedTx,
  walk: Walk,
  rows: readonly { key: string; name: string; description: string }[],
  level: number,
): Promise<number[]> {
  const { entities, keys } = await sameNames(
    tx,
    rows.map((row) => row.key),
  )
  const fresh: number[] = []
  for (const row of rows) {
    if (walk.byKey.has(row.key) || walk.steps.length > MAX_CHAIN) continue
    const at = walk.steps.length
    const step: Step = { name: row.name, level, description: row.description, relations: [], entities: [] }
    walk.steps.push(step)
    fresh.push(at)
    const open = [row.key]
    walk.byKey.set(row.key, at)
    for (let key = open.pop(); key !== undefined; key = open.pop()) {
      for (const entity of entities.get(key) ?? []) {
        if (step.entities.includes(entity)) continue
        step.entities.push(entity)
        for (const other of keys.get(entity) ?? []) {
          if (walk.byKey.has(other)) continue
          walk.byKey.set(other, at)
          open.push(other)
        }
      }
    }
  }
  return fresh
}

/** Every entity of the scope that the keys lead to, directly or over further names of entities so found. */
async function sameNames(
  tx: ScopedTx,
  wanted: readonly string[],
): Promise<{ entities: Map<string, Located[]>; keys: Map<Located, string[]> }> {
  const entities = new Map<string, Located[]>()
  const keys = new Map<Located, string[]>()
  const known = new Set<string>()
  const asked = new Set<string>()
  for (let open = [...new Set(wanted)]; open.length > 0; open = [...entities.keys()].filter((key) => !asked.has(key))) {
    for (const key of open) asked.add(key)
    const found = (await graphRead.byKeys(tx, open, open.map(entityId))).map(locate).filter((one) => !known.has(fullName(one)))
    const located = new Map(found.map((one) => [fullName(one), one]))
    for (const name of located.keys()) known.add(name)
    for (const row of await graphRead.keysOf(tx, found)) {
      const entity = located.get(fullName(locate(row)))
      if (entity === undefined) continue
      entities.set(row.key, [...(entities.get(row.key) ?? []), entity])
      keys.set(entity, [...(keys.get(entity) ?? []), row.key])
    }
  }
  return { entities, keys }
}

async function evidenceOf(tx: ScopedTx, walk: Walk): Promise<GraphEvidence[][]> {
  const rows = await graphRead.prerequisiteEvidence(
    tx,
    walk.steps.flatMap((step) => step.relations),
    MAX_EVIDENCE,
  )
  const byRelation = Map.groupBy(rows, (row) => fullName({ workspaceId: row.workspace_id, id: row.relation_id }))
  return walk.steps.map((step) =>
    step.relations
      .flatMap((one) => byRelation.get(fullName(one)) ?? [])
      .slice(0, MAX_EVIDENCE)
      .map((row) => evidenceView(row.workspace_id, row)),
  )
}
