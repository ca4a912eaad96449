// The same pipe for chunks that come ready: no file, no parser, no extractor, but the same vectors, the same publication.
import { createHash } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { countTokens } from '../../core/tokens.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../ports/parser.ts'
import type { JobRow } from '../../store/jobs.ts'
import type { ScopedTx } from '../../store/scope.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import type { IngestJob } from './job.ts'
import { sha256, type PlannedChunk } from './plan.ts'
import type { Publication } from './publication.ts'
import type { Home } from './think.ts'

export type ReadyChunk = {
  /** What names the chunk inside its document, whatever its text. */
  key: string
  content: string
  /** Embedded and searched with the content; may be ''. */
  header: string
  headings: string[]
  metadata: Record<string, unknown>
}

/** Chunks with their identities: a changed text is another row, so that searches see the old one until the new one is complete. */
export function planReady(workspace: WorkspaceId, fileId: string, ready: readonly ReadyChunk[]): PlannedChunk[] {
  return ready.map((chunk, ordinal) => {
    const textHash = sha256(chunk.content)
    const embedText = chunk.header === '' ? chunk.content : `${chunk.header}\n${chunk.content}`
    const identity = JSON.stringify([workspace, fileId, chunk.key, textHash])
    return {
      ordinal,
      content: chunk.content,
      header: chunk.header,
      headings: chunk.headings,
      blocks: [0, 0],
      tokens: countTokens(chunk.content),
      contentHash: sha256(`${chunk.header}\n${chunk.content}`),
      chunkId: `c_${createHash('sha256').update(identity).digest('base64url').slice(0, 20)}`,
      textHash,
      embedText,
      embedHash: sha256(embedText),
      stated: undefined,
      extractor: null,
      metadata: chunk.metadata,
    }
  })
}

/** A job over ready chunks in the terms of the pipe: nobody is called back, nothing is downloaded. */
export function readyJob(row: JobRow, fileId: string, signal: AbortSignal): IngestJob {
  const payload = { options: DEFAULT_PARSE_OPTIONS, source: 'upload', callback: false, named: true } as const
  return { row, workspace: row.workspace_id, fileId, payload, secret: {}, signal }
}

type Ready = Pick<Publication, 'planned' | 'vectorsByHash' | 'home' | 'collection' | 'metadata'> & {
  title: string
  recipe: string
  warnings?: string[]
}

/** What `publish` needs of a document that has no blocks and says nothing to the graph. */
export function readyPublication(ready: Ready): Publication {
  const { planned, vectorsByHash, home, collection, metadata, title, recipe, warnings = [] } = ready
  return {
    parsed: { title, mediaType: 'application/json', blocks: [], assets: [], warnings },
    planned,
    knowledge: new Map(),
    vectorsByHash,
    home,
    collection,
    metadata,
    live: {
      title,
      mediaType: 'application/json',
      sha256: sha256(JSON.stringify(planned.map((chunk) => [chunk.chunkId, chunk.embedHash, chunk.metadata]))),
      recipe,
      warnings,
      timings: {},
      models: { embed: home.model.model },
    },
  }
}

/** @throws AppError `embedding_service_unavailable` when the model that a space was made with is not configured any more. */
export function homeFor(
  deps: EngineDeps,
  workspace: WorkspaceId,
  row: Pick<workspaces.WorkspaceRow, 'shard' | 'space_id' | 'model' | 'dim'>,
): Home {
  const model = deps.models.embeddingFor(row.model, row.dim)
  if (model !== undefined) return { shard: row.shard, space_id: row.space_id, dim: row.dim, model }
  throw new AppError(
    'embedding_service_unavailable',
    `This workspace was built with ${row.model} (${row.dim} dimensions), which is not configured any more; configure it again or run: npx insight-rag workspace reembed ${workspace}`,
  )
}

export async function workspaceRow(tx: ScopedTx, workspace: WorkspaceId): Promise<workspaces.WorkspaceRow> {
  const [row] = await workspaces.inScope(tx, [workspace])
  if (row === undefined) throw new AppError('not_found', 'This workspace does not exist.')
  return row
}
