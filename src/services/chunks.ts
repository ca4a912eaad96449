// One chunk by its id, for whoever was shown it as a result or as evidence.
import { AppError } from '../core/errors.ts'
import { withScope } from '../store/scope.ts'
import { contents } from '../store/search-chunks.ts'
import type { Chunks, Metadata } from './api.ts'
import type { EngineDeps } from './deps.ts'
import { sourceOf } from './retrieve/show.ts'

export function createChunks(deps: EngineDeps): Chunks {
  return {
    get: async (scope, fileId, chunkId) => {
      const located = scope.map((workspaceId) => ({ workspaceId, id: chunkId }))
      const rows = await withScope(deps.database, scope, (tx) => contents(tx, located), { snapshot: true })
      const row = scope.flatMap((workspace) => rows.filter((one) => one.workspace_id === workspace && one.file_id === fileId))[0]
      if (row === undefined) throw new AppError('not_found', 'There is no such chunk in this document.', { details: { fileId, chunkId } })
      return {
        chunkId: row.chunk_id,
        fileId: row.file_id,
        source: sourceOf(row.workspace_id, row.file_name),
        workspace: row.workspace_id,
        ordinal: row.ordinal,
        content: row.content,
        headings: row.headings,
        page: row.page,
        tokens: row.tokens,
        metadata: row.metadata as Metadata,
      }
    },
  }
}
