// Calls of a model as the ledger keeps them.
import type { Database } from '../../src/ports/database.ts'
import * as ledger from '../../src/store/ledger.ts'

/** One extraction call that was made on behalf of the workspace; without a price none is known. */
export function spend(database: Database, workspace: string, cny?: number): Promise<void> {
  return ledger.record(database.db, [
    {
      workspace_id: workspace,
      file_id: null,
      job_id: null,
      role: 'extract',
      model: 'm',
      input_tokens: 1,
      cached_tokens: 0,
      output_tokens: 1,
      ms: 1,
      ok: true,
      ...(cny === undefined ? {} : { cost_cny: cny }),
    },
  ])
}
