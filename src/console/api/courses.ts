// Calls about courses. Their API speaks snake_case.
import { ask } from './client.ts'

export type CourseStatus = {
  course_id: string
  status: 'not_started' | 'pending' | 'running' | 'done' | 'failed'
  progress: number
  error: string | null
  chunks: number
  vectors: number
  skipped: number
}

export type CourseHit = { chunk_id: string; text: string; score: number; metadata: Record<string, unknown> }

const path = (id: string): string => `/courses/${encodeURIComponent(id)}`

export const listCourses = (signal: AbortSignal): Promise<{ courses: CourseStatus[] }> => ask('/courses', { workspace: '', signal })

export const embedCourse = (id: string): Promise<unknown> => ask(`${path(id)}/embed`, { method: 'POST', workspace: '' })

export const searchCourse = (id: string, query: string, signal: AbortSignal): Promise<{ results: CourseHit[] }> =>
  ask(`${path(id)}/search`, { method: 'POST', workspace: '', body: { query, top_k: 5 }, signal })
