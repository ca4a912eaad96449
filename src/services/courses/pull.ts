// The chunks of a course from the stage-one API: GET {COURSE_CHUNKS_URL}/courses/{id}/chunks, page by page.
import { AppError } from '../../core/errors.ts'

const PAGE = 500
const TIMEOUT_MS = 30_000
/** More than any course has; a server that never ends its pages is not followed for ever. */
const MAX_PAGES = 2_000

/** The base of the API, or an address with `{id}` in it. */
function addressOf(base: string, courseId: string): URL {
  if (base.includes('{id}')) return new URL(base.replaceAll('{id}', encodeURIComponent(courseId)))
  return new URL(`${base.replace(/\/+$/, '')}/courses/${encodeURIComponent(courseId)}/chunks`)
}

/**
 * Every chunk as it came. Pages are asked for with `limit` and `offset`, or with the cursor that the page before gave; a server
 * that knows neither answers everything at once and is asked no more.
 *
 * @throws AppError `not_found` when the other side does not know the course; `download_failed` when it does not answer as expected.
 */
export async function pullChunks(base: string, courseId: string, signal: AbortSignal): Promise<unknown[]> {
  const items: unknown[] = []
  const seen = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const url = addressOf(base, courseId)
    url.searchParams.set('limit', String(PAGE))
    if (cursor === undefined) url.searchParams.set('offset', String(items.length))
    else url.searchParams.set('cursor', cursor)
    const reply = readPage(await fetchJson(url, signal))
    const fresh = reply.items.filter((item) => !isRepeat(item, seen))
    items.push(...fresh)
    const more = reply.cursor !== undefined || (reply.total === undefined ? reply.items.length === PAGE : items.length < reply.total)
    if (fresh.length === 0 || !more) return items
    cursor = reply.cursor
  }
  throw new AppError('download_failed', 'The stage-one API gives more pages than a course can have.', { details: { permanent: true } })
}

/** Whether the other side knows the course; asked before a job is made. */
export async function knowsCourse(base: string, courseId: string, signal: AbortSignal): Promise<boolean> {
  const url = addressOf(base, courseId)
  url.searchParams.set('limit', '1')
  try {
    await fetchJson(url, signal)
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return false
    throw error
  }
}

/** An item that a page before gave already, where the other side takes no notice of `offset`. */
function isRepeat(item: unknown, seen: Set<string>): boolean {
  const id = typeof item === 'object' && item !== null ? (item as { chunk_id?: unknown }).chunk_id : undefined
  if (typeof id !== 'string' && typeof id !== 'number') return false
  const size = seen.size
  return seen.add(String(id)).size === size
}

async function fetchJson(url: URL, signal: AbortSignal): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(url, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
  } catch (cause) {
    signal.throwIfAborted()
    throw new AppError('download_failed', 'The stage-one API that gives the chunks of courses cannot be reached.', { cause })
  }
  if (response.status === 404) throw new AppError('not_found', 'The stage-one API does not know this course.')
  if (!response.ok) throw new AppError('download_failed', `The stage-one API answered ${response.status} instead of chunks.`)
  try {
    return await response.json()
  } catch (cause) {
    throw new AppError('download_failed', 'The stage-one API answered something that is not JSON.', { cause })
  }
}

function readPage(body: unknown): { items: unknown[]; cursor: string | undefined; total: number | undefined } {
  if (Array.isArray(body)) return { items: body, cursor: undefined, total: undefined }
  const outer = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const fields = (
    Array.isArray(outer['data']) || typeof outer['data'] !== 'object' || outer['data'] === null ? outer : outer['data']
  ) as Record<string, unknown>
  const items = ['chunks', 'items', 'results', 'data'].map((name) => fields[name]).find((value) => Array.isArray(value))
  if (items === undefined)
    throw new AppError('download_failed', 'The stage-one API answered JSON without a list of chunks.', { details: { permanent: true } })
  const cursor = fields['next_cursor'] ?? fields['nextCursor']
  const { total } = fields
  return {
    items: items as unknown[],
    cursor: typeof cursor === 'string' && cursor !== '' ? cursor : undefined,
    total: typeof total === 'number' ? total : undefined,
  }
}
