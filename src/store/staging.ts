// What models answered, kept from the moment it arrives until the document is published or deleted, and the original
// bytes of uploads. A crash between the two costs no second call.
import { sql } from 'kysely'
import type { Extraction } from '../core/extraction.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { packHalf, unpackHalf } from './vectors-codec.ts'

export async function embeddings(
  tx: ScopedTx,
  workspace: WorkspaceId,
  fileId: string,
  spaceId: number,
): Promise<Map<string, Float32Array>> {
  const found = await sql<{ text_hash: string; embedding: Buffer }>`
    select text_hash, embedding from staged_embeddings
    where workspace_id = ${workspace} and file_id = ${fileId} and space_id = ${spaceId}`.execute(tx)
  return new Map(found.rows.map((row) => [row.text_hash, unpackHalf(row.embedding)]))
}

export async function stageEmbeddings(
  tx: ScopedTx,
  workspace: WorkspaceId,
  fileId: string,
  spaceId: number,
  vectors: ReadonlyMap<string, ArrayLike<number>>,
): Promise<void> {
  if (vectors.size === 0) return
  await sql`
    insert into staged_embeddings (workspace_id, file_id, space_id, text_hash, embedding)
    select ${workspace}, ${fileId}, ${spaceId}, hash, decode(embedding, 'base64')
    from unnest(${[...vectors.keys()]}::text[], ${[...vectors.values()].map((vector) => packHalf(vector).toString('base64'))}::text[]) as r(hash, embedding)
    on conflict do nothing`.execute(tx)
}

export async function extractions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  fileId: string,
  extractor: string,
): Promise<Map<string, Extraction>> {
  const found = await sql<{ text_hash: string; extraction: Extraction }>`
    select text_hash, extraction from staged_extractions
    where workspace_id = ${workspace} and file_id = ${fileId} and extractor = ${extractor}`.execute(tx)
  return new Map(found.rows.map((row) => [row.text_hash, row.extraction]))
}

export async function stageExtractions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  fileId: string,
  extractor: string,
  extractions: ReadonlyMap<string, Extraction>,
): Promise<void> {
  if (extractions.size === 0) return
  await sql`
    insert into staged_extractions (workspace_id, file_id, text_hash, extractor, extraction)
    select ${workspace}, ${fileId}, hash, ${extractor}, extraction::jsonb
    from unnest(${[...extractions.keys()]}::text[], ${[...extractions.values()].map((value) => JSON.stringify(value))}::text[]) as r(hash, extraction)
    on conflict do nothing`.execute(tx)
}

/** Forgets what the live version now holds itself. */
export async function clear(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<void> {
  await sql`
    with gone as (delete from staged_embeddings where workspace_id = ${workspace} and file_id = ${fileId}),
      read as (delete from staged_readings where workspace_id = ${workspace} and file_id = ${fileId}),
      seen as (delete from staged_descriptions where workspace_id = ${workspace} and file_id = ${fileId}),
      done as (delete from uploads where workspace_id = ${workspace} and file_id = ${fileId})
    delete from staged_extractions where workspace_id = ${workspace} and file_id = ${fileId}`.execute(tx)
}

export async function keepUpload(tx: ScopedTx, workspace: WorkspaceId, fileId: string, bytes: Uint8Array): Promise<void> {
  await sql`
    insert into uploads (workspace_id, file_id, bytes) values (${workspace}, ${fileId}, ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)})
    on conflict (workspace_id, file_id) do update set bytes = excluded.bytes, expires_at = null`.execute(tx)
}

export async function upload(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<Buffer | undefined> {
  const found = await sql<{ bytes: Buffer }>`select bytes from uploads where workspace_id = ${workspace} and file_id = ${fileId}`.execute(
    tx,
  )
  return found.rows[0]?.bytes
}

/** A retry needs the bytes until it ends, however long ago the failure was. */
export async function needUpload(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<void> {
  await sql`update uploads set expires_at = null where workspace_id = ${workspace} and file_id = ${fileId}`.execute(tx)
}

/** After a failure the bytes stay for seven days, so that a retry needs no second upload. */
export async function expireUpload(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<void> {
  await sql`update uploads set expires_at = now() + interval '7 days' where workspace_id = ${workspace} and file_id = ${fileId}`.execute(tx)
}

/** Drops uploads and staged replies of documents that failed more than seven days ago. */
export async function dropExpired(tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  await sql`
    with old as (
      select file_id from documents
      where workspace_id = ${workspace} and parse_status = 'failed' and updated_at < now() - interval '7 days'),
    a as (delete from uploads where workspace_id = ${workspace} and (expires_at < now() or file_id in (select file_id from old))),
    b as (delete from staged_embeddings where workspace_id = ${workspace} and file_id in (select file_id from old)),
    d as (delete from staged_readings where workspace_id = ${workspace} and file_id in (select file_id from old)),
    c as (delete from staged_descriptions where workspace_id = ${workspace} and file_id in (select file_id from old))
    delete from staged_extractions where workspace_id = ${workspace} and file_id in (select file_id from old)`.execute(tx)
}
