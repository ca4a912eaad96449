// Every model call with what it used: the basis of cost, quota and metrics.
import { sql, type Kysely } from 'kysely'

export type ModelCall = {
  workspace_id: string
  file_id: string | null
  job_id: string | null
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
    insert into model_calls (workspace_id, file_id, job_id, role, model, input_tokens, cached_tokens, output_tokens, ms, ok, cost_cny)
    select workspace_id, file_id, job_id, role, model, input_tokens, cached_tokens, output_tokens, ms, ok, coalesce(cost_cny, 0)
    from jsonb_to_recordset(${JSON.stringify(calls)}::jsonb) as r(workspace_id text, file_id text, job_id uuid, role text, model text, input_tokens int,
      cached_tokens int, output_tokens int, ms int, ok boolean, cost_cny numeric)`.execute(db)
}

export type ModelUse = {
  workspace_id: string
  role: string
  model: string
  calls: number
  failed: number
  input_tokens: number
  cached_tokens: number
  output_tokens: number
}

/** What each workspace used of each model in the last days, the greatest use first. */
export async function useByWorkspace(db: Kysely<unknown>, days: number, limit: number): Promise<ModelUse[]> {
  const found = await sql<ModelUse>`
    select workspace_id, role, model, count(*)::int as calls, (count(*) filter (where not ok))::int as failed,
      sum(input_tokens)::float8 as input_tokens, sum(cached_tokens)::float8 as cached_tokens, sum(output_tokens)::float8 as output_tokens
    from model_calls where called_at >= now() - ${days} * interval '1 day'
    group by workspace_id, role, model
    order by sum(input_tokens) + sum(output_tokens) desc, workspace_id, role, model limit ${limit}`.execute(db)
  return found.rows
}

/** What a workspace's calls have cost since the first of this month, in CNY, by the database's clock. */
export async function spentThisMonth(db: Kysely<unknown>, workspace: string): Promise<number> {
  const found = await sql<{ spent: number }>`
    select coalesce(sum(cost_cny), 0)::float8 as spent from model_calls
    where workspace_id = ${workspace} and called_at >= date_trunc('month', now())`.execute(db)
  return found.rows[0]?.spent ?? 0
}
