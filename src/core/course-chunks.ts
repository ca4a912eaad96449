// Ready-to-Embed chunks as other services hand them over: every item checked, every bad one named, nothing repaired.

/** A chunk as it is kept until it is embedded. Blank text is kept and counted, but never embedded. */
export type CourseChunk = {
  chunkId: string
  text: string
  /** Everything but the text, as it came, with the course's id. */
  metadata: Record<string, unknown>
}

/** `field` is the name on the wire; `index` counts from 0. */
export type ChunkProblem = { index: number; field: string; message: string }

const MAX_ID_CHARACTERS = 200
const MAX_TEXT_CHARACTERS = 200_000

/**
 * Reads a batch. Either every item is good and `problems` is empty, or `chunks` must not be used.
 *
 * @param courseId what `course_id` of an item, when given, must say.
 */
export function readCourseChunks(courseId: string, items: readonly unknown[]): { chunks: CourseChunk[]; problems: ChunkProblem[] } {
  const problems: ChunkProblem[] = []
  const chunks: CourseChunk[] = []
  const firstAt = new Map<string, number>()
  items.forEach((item, index) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      problems.push({ index, field: '', message: 'must be an object' })
      return
    }
    const fields = underWireNames(item as Record<string, unknown>)
    const found = problemsOf(courseId, fields)
    const chunkId = typeof fields['chunk_id'] === 'number' ? String(fields['chunk_id']) : fields['chunk_id']
    const before = typeof chunkId === 'string' ? firstAt.get(chunkId) : undefined
    if (before !== undefined) found.push({ field: 'chunk_id', message: `repeats that of item ${before}` })
    else if (typeof chunkId === 'string') firstAt.set(chunkId, index)
    problems.push(...found.map((problem) => ({ index, ...problem })))
    const { text, ...rest } = fields
    if (found.length === 0)
      chunks.push({
        chunkId: String(chunkId),
        text: typeof text === 'string' ? text : '',
        metadata: { ...rest, chunk_id: String(chunkId), course_id: courseId },
      })
  })
  return { chunks, problems }
}

/** The fields that every chunk has, for callers that write them in camelCase; the exact name wins, and what else comes stays as it is. */
const CAMEL_CASE: ReadonlyMap<string, string> = new Map([
  ['chunkId', 'chunk_id'],
  ['courseId', 'course_id'],
  ['lectureId', 'lecture_id'],
  ['sectionId', 'section_id'],
  ['sourceType', 'source_type'],
  ['orderInSection', 'order_in_section'],
])

function underWireNames(item: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(item).flatMap(([key, value]) => {
    const name = CAMEL_CASE.get(key) ?? key
    return name !== key && Object.hasOwn(item, name) ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

export const isBlank = (text: string): boolean => text.trim() === ''

type Problem = Omit<ChunkProblem, 'index'>

function problemsOf(courseId: string, fields: Record<string, unknown>): Problem[] {
  const problems: Problem[] = []
  const refuse = (field: string, message: string | undefined): void => {
    if (message !== undefined) problems.push({ field, message })
  }
  for (const field of ['chunk_id', 'lecture_id', 'section_id', 'source_type']) refuse(field, idProblem(fields[field]))
  refuse('text', textProblem(fields['text']))
  refuse('order_in_section', orderProblem(fields['order_in_section']))
  const course = fields['course_id']
  if (course !== undefined && course !== null && course !== courseId) refuse('course_id', 'must be the course of the address')
  for (const [field, value] of Object.entries(fields))
    if (field !== 'text' && !isStorable(value)) refuse(field, 'must hold well-formed text without the character U+0000')
  return problems
}

function idProblem(value: unknown): string | undefined {
  if (value === undefined) return 'is missing'
  if (Number.isSafeInteger(value)) return undefined
  if (typeof value !== 'string') return 'must be a text or a whole number'
  if (value.trim() === '') return 'must not be empty'
  return value.length > MAX_ID_CHARACTERS ? `must have at most ${MAX_ID_CHARACTERS} characters` : undefined
}

/** A null stands for a chunk without text, as databases have it; a field left out is a mistake. */
function textProblem(value: unknown): string | undefined {
  if (value === undefined) return 'is missing'
  if (value === null) return undefined
  if (typeof value !== 'string') return 'must be a text'
  if (!isStorable(value)) return 'must be well-formed text without the character U+0000'
  return value.length > MAX_TEXT_CHARACTERS ? `must have at most ${MAX_TEXT_CHARACTERS} characters` : undefined
}

function orderProblem(value: unknown): string | undefined {
  if (value === undefined) return 'is missing'
  return Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'must be a whole number from 0'
}

function isStorable(value: unknown): boolean {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.isWellFormed() && !text.includes('\0') && !text.includes(String.raw`\u0000`)
}
