// Calls about documents. An upload goes through XMLHttpRequest, the only way to see how much of it has gone out.
import { frames } from '../text/frames.ts'
import { address, ApiError, ask, bytesOf, failure, headersOf, send } from './client.ts'
import type { ModelUse } from './operations.ts'
import type { Block, Chunk, DocumentView, ParseStatus } from './types.ts'

export type DocumentFilter = { q: string; status: ParseStatus | ''; collection: string }
export type DocumentPage = { documents: DocumentView[]; nextCursor: string | null }
export type BlockPage = { blocks: Block[]; nextCursor: string | null }
export type ChunkPage = { chunks: Chunk[]; nextCursor: string | null }
type Accepted = { fileId: string; parseStatus: ParseStatus }

const path = (fileId: string): string => `/api/documents/${encodeURIComponent(fileId)}`

export const listDocuments = (filter: DocumentFilter, cursor: string | undefined, signal: AbortSignal): Promise<DocumentPage> =>
  ask('/api/documents', { query: { ...filter, cursor, limit: 50 }, signal })

export const getDocument = (fileId: string, workspace: string | undefined, signal: AbortSignal): Promise<DocumentView> =>
  ask(path(fileId), { workspace, signal })

export const retryDocument = (fileId: string): Promise<Accepted> => ask(`${path(fileId)}/retry`, { method: 'POST' })

export const deleteDocument = (fileId: string): Promise<unknown> => ask(path(fileId), { method: 'DELETE' })

export const chunkPage = (
  fileId: string,
  cursor: string | undefined,
  limit: number,
  signal: AbortSignal,
  workspace?: string,
): Promise<ChunkPage> => ask(`${path(fileId)}/chunks`, { query: { cursor, limit }, workspace, signal })

export const blockPage = (
  fileId: string,
  cursor: string | undefined,
  limit: number,
  signal: AbortSignal,
  workspace?: string,
): Promise<BlockPage> => ask(`${path(fileId)}/blocks`, { query: { cursor, limit }, workspace, signal })

/** A picture of a document; it wants the credential, so an address alone would not show it. */
export const picture = async (fileId: string, sha256: string, workspace: string, signal: AbortSignal): Promise<Blob> =>
  (await send(`${path(fileId)}/assets/${sha256}`, { workspace, signal })).blob()

export const documentUse = (fileId: string, workspace: string, signal: AbortSignal): Promise<{ use: ModelUse[] }> =>
  ask(`${path(fileId)}/usage`, { workspace, signal })

export const getChunk = (workspace: string, fileId: string, chunkId: string, signal: AbortSignal): Promise<Chunk> =>
  ask(`${path(fileId)}/chunks/${encodeURIComponent(chunkId)}`, { workspace, signal })

/** Tells of every change until the work on the document ends. */
export async function followDocument(
  fileId: string,
  workspace: string,
  onChange: (view: DocumentView) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await send(`${path(fileId)}/events`, { workspace, signal })
  for await (const { event, data } of frames(bytesOf(response))) {
    if (event === 'progress') onChange(data as DocumentView)
  }
}

export type UploadOptions = { collection: string; parseMethod: 'auto' | 'text' | 'ocr' }

/** @throws ApiError; DOMException `AbortError` when the signal aborts. */
export function uploadFile(
  { file, fileId, workspace, options }: { file: File; fileId: string; workspace: string; options: UploadOptions },
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Accepted> {
  const form = new FormData()
  form.set('fileId', fileId)
  if (options.collection !== '') form.set('collection', options.collection)
  form.set('parseOptions', JSON.stringify({ parseMethod: options.parseMethod }))
  form.set('file', file, file.name)
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', address('/api/documents'))
    for (const [name, value] of Object.entries(headersOf(workspace))) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total))
    request.addEventListener('load', () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText) as Accepted)
      else reject(failure(request.status, request.responseText))
    })
    request.addEventListener('error', () => reject(new ApiError(0, 'unreachable', '')))
    request.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
    signal.addEventListener('abort', () => request.abort())
    request.send(form)
  })
}
