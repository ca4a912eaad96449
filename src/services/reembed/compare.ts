// The candidate space beside the one that serves, on the same questions: how much of the results stays, what is found, how fast.
import { bootstrap, quantile, recallAt } from '../../core/evaluation.ts'
import { workspaceKind, workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as reembed from '../../store/reembed.ts'
import * as releases from '../../store/releases.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import { contents } from '../../store/search-chunks.ts'
import { nearestChunks, searchSettings } from '../../store/search-vectors.ts'
import type { EngineDeps } from '../deps.ts'
import { homeFor, workspaceRow } from '../ingest/ready.ts'
import { itemsOf } from '../releases/search.ts'
import type { ReembedQuestion } from './reembed.ts'

const DEPTH = 10
const SAMPLES = 20
const ROUND = 64

export type SpaceComparison = {
  questions: number
  overlap_at_10: { mean: number; low: number; high: number }
  /** Where questions name what they expect. */
  recall_at_10: { serving: number; candidate: number } | null
  p95_ms: { serving: number; candidate: number }
}

type Asked = { ids: string[]; items: string[]; ms: number }[]

/** Undefined figures are left out; a serving model that is gone cannot be compared with and stops nothing. */
export async function compareSpaces(
  deps: EngineDeps,
  workspace: WorkspaceId,
  candidate: reembed.ReembeddingRow,
  given: readonly ReembedQuestion[] | undefined,
  signal: AbortSignal,
): Promise<SpaceComparison | { skipped: string }> {
  const { row, space, questions } = await withScope(deps.database, workspaceScope(workspace), async (tx) => ({
    row: await workspaceRow(tx, workspace),
    space: await reembed.spaceOf(tx, candidate.space_id),
    questions: given ?? (await questionsOf(tx, workspace)),
  }))
  if (deps.models.embeddingFor(row.model, row.dim) === undefined)
    return { skipped: `${row.model} is not configured any more, so there is nothing to compare with.` }
  const serving = await ask(deps, workspace, questions, row, signal)
  const theirs = await ask(
    deps,
    workspace,
    questions,
    { ...row, space_id: candidate.space_id, model: space?.model ?? '', dim: space?.dim ?? 0 },
    signal,
  )
  const judged = questions.flatMap((question, index) =>
    question.expected_item_ids === undefined || question.expected_item_ids.length === 0
      ? []
      : [{ index, expected: question.expected_item_ids }],
  )
  const recallOf = (asked: Asked): number =>
    bootstrap(
      judged.map(({ index, expected }) =>
        recallAt(Number.MAX_SAFE_INTEGER, asked[index]?.items ?? [], new Map(expected.map((id) => [id, 1]))),
      ),
    ).mean
  const p95 = (asked: Asked): number =>
    Math.round(
      quantile(
        asked.map((one) => one.ms).toSorted((a, b) => a - b),
        0.95,
      ) * 10,
    ) / 10
  return {
    questions: questions.length,
    overlap_at_10: bootstrap(serving.map((one, index) => overlap(one.ids, theirs[index]?.ids ?? []))),
    recall_at_10: judged.length === 0 ? null : { serving: recallOf(serving), candidate: recallOf(theirs) },
    p95_ms: { serving: p95(serving), candidate: p95(theirs) },
  }
}

async function questionsOf(tx: ScopedTx, workspace: WorkspaceId): Promise<ReembedQuestion[]> {
  const live = workspaceKind(workspace) === 'kb' ? await releases.liveVersion(tx, workspace) : undefined
  const build = live === undefined ? undefined : await releases.build(tx, workspace, live.build_id)
  const previews = build?.request.preview_queries.map(({ query, expected_item_ids }) => ({ query, expected_item_ids })) ?? []
  return previews.length > 0 ? previews : (await reembed.samples(tx, workspace, SAMPLES)).map((query) => ({ query }))
}

async function ask(
  deps: EngineDeps,
  workspace: WorkspaceId,
  questions: readonly ReembedQuestion[],
  row: Awaited<ReturnType<typeof workspaceRow>>,
  signal: AbortSignal,
): Promise<Asked> {
  const { model } = homeFor(deps, workspace, row)
  const vectors: Float32Array[] = []
  for (let at = 0; at < questions.length; at += ROUND) {
    const texts = questions.slice(at, at + ROUND).map((question) => question.query)
    vectors.push(...(await model.embed(texts, 'query', signal)).vectors)
  }
  return withScope(
    deps.database,
    workspaceScope(workspace),
    async (tx) => {
      const asked: Asked = []
      for (const vector of vectors) {
        const started = performance.now()
        const hits = (await nearestChunks(tx, [{ workspace: row, vector }], DEPTH, undefined)).toSorted((a, b) => b.cosine - a.cosine)
        const ms = performance.now() - started
        const found = await contents(
          tx,
          hits.map((hit) => ({ workspaceId: workspace, id: hit.chunk_id })),
        )
        const items = found.flatMap(({ metadata }) =>
          typeof metadata['knowledge_item_id'] === 'string' ? itemsOf({ knowledge_item_id: metadata['knowledge_item_id'], metadata }) : [],
        )
        asked.push({ ids: hits.map((hit) => hit.chunk_id), items, ms })
      }
      return asked
    },
    { snapshot: true, settings: searchSettings([row], DEPTH) },
  )
}

/** Shared results as a share of all. */
function overlap(a: readonly string[], b: readonly string[]): number {
  const all = new Set([...a, ...b])
  return all.size === 0 ? 1 : a.filter((id) => b.includes(id)).length / all.size
}
