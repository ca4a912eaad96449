// Every model call with what it used: the basis of cost, quota and metrics.
import { sql, type Kysely } from 'kysely'

export type ModelCall = {
  workspace_id: string
  file_id: string | null
  job_id: string | null
  query_id?: string | null
  role: string
  model: string
  input_tokens: number
  cached_tokens: number
  output_tokens: number
  ms: number
  ok: boolean
  /** By the catalogue's price; 0 where it has none, and without it. */
  cost_cny?: number
}

export async function record(db: Kysely<unknown>, calls: readonly ModelCall[]): Promise<void> {
  if (calls.length === 0) return
  await sql`
    insert into model_calls (workspace_id, file_id, job_id, query_id, role, model, input_tokens, cached_tokens, output_tokens, ms, ok, cost_cny)
    select workspace_id, file_id, job_id, query_id, role, model, input_tokens, cached_tokens, output_tokens, ms, ok, coalesce(cost_cny, 0)
    from jsonb_to_recordset(${JSON.stringify(calls)}::jsonb) as r(workspace_id text, file_id text, job_id uuid, query_id uuid, role text, model text, input_tokens int,
      cached_tokens int, output_tokens int, ms int, ok boolean, cost_cny numeric)`.execute(db)
}

/** What calls are summed by, besides the workspace. */
export const USE_BY = ['workspace', 'model', 'day', 'document', 'query'] as const
export type UseBy = (typeof USE_BY)[number]

export type ModelUse = {
  workspace_id: string
  /** With `model`. */
  role: string | null
  model: string | null
  /** With `day`: the database's, as 2026-01-31. */
  day: string | null
  /** With `document`. */
  file_id: string | null
  /** With `query`. */
  query_id: string | null
  calls: number
  failed: number
  input_tokens: number
  cached_tokens: number
  output_tokens: number
  cost_cny: number
}

const GROUPS: Record<UseBy, { columns: string; group: string; only: string }> = {
  workspace: {
    columns: 'null as role, null as model, null as day, null as file_id, null as query_id',
    group: 'workspace_id',
    only: 'true',
  },
  model: { columns: 'role, model, null as day, null as file_id, null as query_id', group: 'role, model', only: 'true' },
  day: {
    columns: "null as role, null as model, to_char(called_at, 'YYYY-MM-DD') as day, null as file_id, null as query_id",
    group: "to_char(called_at, 'YYYY-MM-DD')",
    only: 'true',
  },
  document: {
    columns: 'null as role, null as model, null as day, file_id, null as query_id',
    group: 'file_id',
    only: 'file_id is not null',
  },
  query: {
    columns: 'null as role, null as model, null as day, null as file_id, query_id::text as query_id',
    group: 'query_id',
    only: 'query_id is not null',
  },
}

const SUMS = sql.raw(`count(*)::int as calls, (count(*) filter (where not ok))::int as failed, sum(input_tokens)::float8 as input_tokens,
  sum(cached_tokens)::float8 as cached_tokens, sum(output_tokens)::float8 as output_tokens, sum(cost_cny)::float8 as cost_cny`)

/** What one document has used since it first came, by role and model, the greatest use first. */
export async function useOf(db: Kysely<unknown>, workspace: string, fileId: string): Promise<ModelUse[]> {
  const { columns, group } = GROUPS.model
  const found = await sql<ModelUse>`
    select workspace_id, ${sql.raw(columns)}, ${SUMS}
    from model_calls where workspace_id = ${workspace} and file_id = ${fileId}
    group by workspace_id, ${sql.raw(group)}
    order by sum(input_tokens) + sum(output_tokens) desc, ${sql.raw(group)}`.execute(db)
  return found.rows
}

/** What each workspace used in the last days, summed by model, day, document or question, the greatest use first. */
export async function use(db: Kysely<unknown>, by: UseBy, days: number, limit: number): Promise<ModelUse[]> {
  const { columns, group, only } = GROUPS[by]
  const found = await sql<ModelUse>`
    select workspace_id, ${sql.raw(columns)}, ${SUMS}
    from model_calls where called_at >= now() - ${days} * interval '1 day' and ${sql.raw(only)}
    group by workspace_id, ${sql.raw(group)}
    order by sum(input_tokens) + sum(output_tokens) desc, workspace_id, ${sql.raw(group)} limit ${limit}`.execute(db)
  return found.rows
}

/** What a workspace's calls have cost since the first of this month, in CNY, by the database's clock. */
export async function spentThisMonth(db: Kysely<unknown>, workspace: string): Promise<number> {
  const found = await sql<{ spent: number }>`
    select cost_cny::float8 as spent from month_costs
    where workspace_id = ${workspace} and month = date_trunc('month', now())::date`.execute(db)
  return found.rows[0]?.spent ?? 0
}

/** Workspaces whose calls of this month have cost something and at least so much, the dearest first. */
export async function spentAtLeast(db: Kysely<unknown>, cny: number, limit: number): Promise<{ workspace_id: string; spent: number }[]> {
  const found = await sql<{ workspace_id: string; spent: number }>`
    select workspace_id, cost_cny::float8 as spent from month_costs
    where month = date_trunc('month', now())::date and cost_cny >= ${cny}::float8::numeric
    order by cost_cny desc, workspace_id limit ${limit}`.execute(db)
  return found.rows
}

/** Rows of the ledger that are looked through for what a model wrote elsewhere. */
const RECENT = 20_000

export type Written = { calls: number; inputTokens: number; outputTokens: number }

/**
 * What a model was given and wrote in a role when it worked on documents (what is asked of it at start is no work): for this workspace in
 * the last 90 days, and in the latest calls of everybody.
 */
export async function written(
  db: Kysely<unknown>,
  workspace: string,
  { role, model }: { role: string; model: string },
): Promise<{ here: Written; everywhere: Written }> {
  const sums = sql`count(*)::int as calls, coalesce(sum(input_tokens), 0)::float8 as "inputTokens", coalesce(sum(output_tokens), 0)::float8 as "outputTokens"`
  const wanted = sql`role = ${role} and model = ${model} and ok and file_id is not null`
  const here = await sql<Written>`
    select ${sums} from model_calls
    where workspace_id = ${workspace} and called_at >= now() - interval '90 days' and ${wanted}`.execute(db)
  const everywhere = await sql<Written>`
    select ${sums} from (select * from model_calls order by id desc limit ${RECENT}) recent where ${wanted}`.execute(db)
  const none = { calls: 0, inputTokens: 0, outputTokens: 0 }
  return { here: here.rows[0] ?? none, everywhere: everywhere.rows[0] ?? none }
}
