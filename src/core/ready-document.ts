// A document that comes ready: blocks that somebody has read already, and what was extracted from them. How other systems' libraries
// come in, and how a reader of one's own (a MinerU or Docling service) can hand over what it saw.
import { z } from 'zod'
import type { Block, ParsedDocument } from './blocks.ts'
import { AppError } from './errors.ts'

export const READY_FORMAT = 'insight-rag-document/1'
export const READY_MEDIA_TYPE = 'application/vnd.insight-rag.document+json'

const text = z.string()
const words = z.array(z.string()).default([])
const block = z.object({
  type: z.enum(['heading', 'paragraph', 'list', 'equation', 'code', 'note']).default('paragraph'),
  text: text.min(1),
  level: z.number().int().min(1).max(6).optional(),
  page: z.number().int().min(1).optional(),
})
const of = { block: z.number().int().min(0), quote: text.optional() }
const readyDocument = z.object({
  format: z.literal(READY_FORMAT),
  title: text.default(''),
  /** Whose extraction it is; then nothing else is looked for. Without it the entries are what the document itself states. */
  extractor: z
    .string()
    .regex(/^(?!stated|builtin)[a-z][a-z0-9-]{0,30}$/)
    .optional(),
  blocks: z.array(block).min(1),
  entities: z
    .array(z.object({ name: text.min(1), type: text.default('other'), description: text.default(''), aliases: words, ...of }))
    .default([]),
  relations: z
    .array(
      z.object({
        source: text.min(1),
        target: text.min(1),
        keywords: words,
        description: text.default(''),
        weight: z.number().positive().default(1),
        ...of,
      }),
    )
    .default([]),
})

/** As it is written down, in JSON, with `format` first. */
export type ReadyDocument = z.input<typeof readyDocument>

/** The sign at the very beginning of such a file, whatever its name. */
export const isReady = (beginning: string): boolean => new RegExp(`^\\s*\\{\\s*"format"\\s*:\\s*"${READY_FORMAT}"`).test(beginning)

/** @throws AppError `unprocessable_document` naming the first field that is wrong. */
export function readReadyDocument(value: unknown): ParsedDocument {
  const read = readyDocument.safeParse(value)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new AppError(
      'unprocessable_document',
      `The ready document is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`,
    )
  }
  const { title, extractor, blocks, entities, relations } = read.data
  const lost = [...entities, ...relations].find((entry) => entry.block >= blocks.length)
  if (lost !== undefined)
    throw new AppError('unprocessable_document', `The ready document is not valid: there is no block ${lost.block}, blocks count from 0.`)
  return {
    title,
    mediaType: READY_MEDIA_TYPE,
    blocks: withHeadings(blocks),
    assets: [],
    warnings: [],
    stated: { entities, relations, ...(extractor === undefined ? {} : { by: extractor }) },
  }
}

/** Every block under the headings before it. */
function withHeadings(blocks: readonly z.output<typeof block>[]): Block[] {
  const open: { level: number; text: string }[] = []
  return blocks.map(({ type, text: content, level, page }): Block => {
    const depth = type === 'heading' ? (level ?? 1) : undefined
    if (depth !== undefined) while ((open.at(-1)?.level ?? 0) >= depth) open.pop()
    const headings = open.map((heading) => heading.text)
    if (depth !== undefined) open.push({ level: depth, text: content })
    return { type, text: content, headings, ...(depth === undefined ? {} : { level: depth }), ...(page === undefined ? {} : { page }) }
  })
}
