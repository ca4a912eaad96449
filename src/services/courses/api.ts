// Courses as their callers use them: hand over chunks, embed, follow, search, delete.
import type { WorkspaceId } from '../../core/workspace.ts'
import type { EmbeddingStatus } from '../../store/courses.ts'

export type CourseStatus = {
  course_id: string
  status: EmbeddingStatus
  /** 0..1 */
  progress: number
  error: string | null
  /** Handed over, those without text included. */
  chunks: number
  vectors: number
  /** Without text, and so not embedded. */
  skipped: number
}

export type CourseQuery = { query: string; top_k: number; lecture_id?: string; section_id?: string; source_type?: string }

export type CourseHit = { chunk_id: string; text: string; /** 0..1 */ score: number; metadata: Record<string, unknown> }

export type Courses = {
  /** @throws AppError `invalid_request` with every bad item in `details.items`; nothing is kept then. */
  putChunks(workspace: WorkspaceId, items: readonly unknown[], replace: boolean): Promise<{ accepted: number; skipped: number }>
  /** @throws AppError `not_found` | `already_running` */
  embed(workspace: WorkspaceId, options: { rebuild: boolean }, signal: AbortSignal): Promise<{ status: 'pending'; job_id: string }>
  /** Of a course that could be pulled but was not yet: `not_started`. @throws AppError `not_found` */
  status(workspace: WorkspaceId, signal: AbortSignal): Promise<CourseStatus>
  list(): Promise<CourseStatus[]>
  /** @throws AppError `embedding_not_ready` | `embedding_service_unavailable` | `vector_store_error` */
  search(workspace: WorkspaceId, query: CourseQuery, signal: AbortSignal): Promise<CourseHit[]>
  remove(workspace: WorkspaceId): Promise<{ course_id: string; deleted: true }>
}
