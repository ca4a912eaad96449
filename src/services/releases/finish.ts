// The end of a build: its state, its report, its verdict and its events, in the transaction that ends the job.
import type { AppError } from '../../core/errors.ts'
import type { ReviewItem } from '../../core/release-precheck.ts'
import { buildReport, thresholdsOf, type BuildReport } from '../../core/release-report.ts'
import type { ReleaseState } from '../../core/release-request.ts'
import { workspaceScope } from '../../core/workspace.ts'
import * as documents from '../../store/documents.ts'
import * as jobs from '../../store/jobs.ts'
import * as releases from '../../store/releases.ts'
import { withScope } from '../../store/scope.ts'
import { parseErrorText } from '../api.ts'
import { Superseded } from '../ingest/publication.ts'
import { dropBuild, type Build } from './build.ts'
import type { Evaluation } from './evaluate.ts'
import { tell, type Told } from './events.ts'

type Outcome = { evaluation: Evaluation; version: releases.VersionRow }

/** @param outcome undefined when the build stopped before there was a version. */
export async function finishBuild(build: Build, outcome: Outcome | undefined): Promise<void> {
  const { deps, job, row, source, findings } = build
  if (outcome !== undefined) findings.review.push(...reviewOf(outcome))
  if (outcome !== undefined && outcome.evaluation.figures?.recall_at_k === null) {
    findings.warnings.push('No preview query expects an item, so recall was not measured and could not be gated.')
  }
  if (outcome !== undefined && !outcome.evaluation.enabled) findings.warnings.push('The evaluation is turned off, so nothing was gated.')
  const good = outcome !== undefined && outcome.evaluation.passed && findings.review.length === 0
  const state: ReleaseState = good ? 'INDEX_READY' : 'REVIEW_REQUIRED'
  const report = reportOf(build, outcome, good ? 'index_ready' : 'review_required')
  const { kb_version_id, build_id } = row
  await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    if (!(await jobs.finish(tx, job.row))) throw new Superseded()
    await releases.endBuild(tx, job.workspace, build_id, { state, report, error: null })
    const facts: Told[] = [{ type: 'job.succeeded', stage: state, key: '', payload: { kb_version_id, build_id, state } }]
    if (outcome === undefined) await documents.remove(tx, job.workspace, job.fileId)
    else {
      await releases.judge(tx, job.workspace, kb_version_id, good, {
        ...report.eval,
        gates: outcome.evaluation.gates,
        review_required_items: findings.review,
      })
      facts.unshift({ type: 'rag.eval.completed', stage: 'EVALUATING', key: '', payload: evalPayload(build, outcome, report, good) })
    }
    await tell(deps, tx, source, facts)
  })
  deps.wake('outbox')
}

function evalPayload(
  build: Build,
  { evaluation }: Outcome,
  report: BuildReport,
  passed: boolean,
): Extract<Told, { type: 'rag.eval.completed' }>['payload'] {
  const { recall_at_8, constraint_conflict_rate, redundancy_rate } = report.eval
  const { kb_version_id, build_id, proposal_id } = build.row
  return {
    kb_version_id,
    build_id,
    recall_at_8,
    constraint_conflict_rate,
    redundancy_rate,
    passed,
    recommendation: evaluation.recommendation,
    proposal_id,
  }
}

/** Why a version needs a person: every gate it failed, and the items behind that. */
function reviewOf({ evaluation, version }: Outcome): ReviewItem[] {
  const failed = evaluation.gates.filter((gate) => !gate.passed)
  const named = (knowledge_item_id: string, reason: ReviewItem['reason'], message: string): ReviewItem => ({
    knowledge_item_id,
    reason,
    message,
    blocking: false,
  })
  return failed.flatMap((gate) => {
    const whole = named('', 'gate_failed', `${gate.gate} is ${gate.value}; the threshold is ${gate.threshold}.`)
    if (gate.gate === 'constraint_conflict_rate') {
      const pairs = version.conflicts.filter((conflict) => conflict.hard)
      return [
        whole,
        ...pairs.flatMap(({ items: [a, b], reason }) => [
          named(a, 'constraint_conflict', `${reason} with ${b}`),
          named(b, 'constraint_conflict', `${reason} with ${a}`),
        ]),
      ]
    }
    if (!gate.gate.startsWith('recall')) return [whole]
    const missed = new Map(evaluation.figures?.per_query.flatMap((one) => one.missed.map((id) => [id, one.query] as const)))
    return [whole, ...[...missed].map(([id, query]) => named(id, 'missed_by_preview_query', `Not among the first results of "${query}".`))]
  })
}

function reportOf(build: Build, outcome: Outcome | undefined, status: BuildReport['status']): BuildReport {
  const { row, findings } = build
  const { manifest } = row.request
  const { embedding_model_config: config } = manifest
  const evaluation = outcome?.evaluation
  return buildReport.parse({
    version: '1.0',
    kb_version_id: row.kb_version_id,
    build_id: row.build_id,
    status,
    chunking_policy_id: manifest.chunking_policy_id,
    embedding_model: findings.embedding_model ?? config.embedding_model_profile_id,
    stats: {
      items: findings.items ?? 0,
      chunks: findings.chunks ?? 0,
      avg_chunk_chars: findings.avg_chunk_chars ?? 0,
      embedding_time_sec: Math.round(findings.embedding_ms ?? 0) / 1000,
    },
    eval: {
      enabled: evaluation?.enabled ?? false,
      preview_queries: evaluation?.questions ?? 0,
      recall_at_8: evaluation?.figures?.recall_at_8 ?? null,
      constraint_conflict_rate: evaluation?.figures?.constraint_conflict_rate ?? null,
      redundancy_rate: evaluation?.figures?.redundancy_rate ?? null,
      recommendation:
        status === 'index_ready' || evaluation === undefined ? (evaluation?.recommendation ?? 'hold') : notPromoted(evaluation),
    },
    warnings: findings.warnings,
    review_required_items: findings.review,
    extensions: {
      embedding: {
        ...config,
        embedded_chunks: findings.embedded ?? 0,
        reused_chunks: Math.max(0, (findings.chunks ?? 0) - (findings.embedded ?? 0)),
      },
      merged_chunks: findings.merged_chunks ?? 0,
      conflicts: findings.conflicts ?? [],
      thresholds: thresholdsOf(manifest),
      gates: evaluation?.gates ?? [],
      recall: evaluation?.figures?.recall ?? null,
      latency_ms: evaluation?.figures?.latency_ms ?? null,
      per_query: evaluation?.figures?.per_query ?? [],
      comparison: evaluation?.comparison ?? null,
      role_recipes: evaluation?.role_recipes ?? [],
      proposal_id: row.proposal_id,
    },
  })
}

/** Open questions about items keep a version from being recommended, whatever its figures. */
const notPromoted = ({ recommendation }: Evaluation): Evaluation['recommendation'] =>
  recommendation === 'promote_to_active' ? 'hold' : recommendation

/** The build failed for good: nothing of it stays readable, and the report says why. */
export async function failBuild(build: Build, error: AppError): Promise<void> {
  const { deps, job, row, source, findings } = build
  const text = parseErrorText(error.code, error.message)
  findings.warnings.push(text)
  const report = reportOf(build, undefined, 'failed')
  const { kb_version_id, build_id } = row
  await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    if (!(await jobs.failForGood(tx, job.row, text))) return
    await dropBuild(tx, row)
    await releases.endBuild(tx, job.workspace, build_id, { state: 'FAILED', report, error: text })
    await tell(deps, tx, source, [
      { type: 'job.failed', stage: 'FAILED', key: '', payload: { kb_version_id, build_id, state: 'FAILED', error: text } },
    ])
  })
  deps.wake('outbox')
}
