// What goes in and out of the document routes.
import { z } from 'zod'
import { DEFAULT_PARSE_OPTIONS } from '../../ports/parser.ts'
import { fromWire, wireNames } from '../wire.ts'
import { collection, cursor, fileId, limit, metadata, nextCursor, parseStatus, storedMetadata, teacherId } from './common.ts'

export const parseOptions = z
  .object({
    parseMethod: z
      .enum(['auto', 'text', 'ocr'])
      .default(DEFAULT_PARSE_OPTIONS.parseMethod)
      .describe('text never uses OCR, ocr always does.'),
    processImages: z.boolean().default(DEFAULT_PARSE_OPTIONS.processImages),
    processTables: z.boolean().default(DEFAULT_PARSE_OPTIONS.processTables),
    processEquations: z.boolean().default(DEFAULT_PARSE_OPTIONS.processEquations),
  })
  .prefault({})
  .describe('How the file is read.')

const fileName = z
  .string()
  .min(1)
  .max(512)
  .describe('What people call the file; shown as the source of results.')
  .meta({ example: '教案.pdf' })

/** `purpose` is what some callers call the collection. */
const namedCollection = collection.optional().register(wireNames, { synonyms: ['purpose'] })

export const parseRequest = z
  .object({
    fileId,
    collection: namedCollection,
    parseOptions,
    signedUrl: z
      .string()
      .min(1)
      .max(8_192)
      .describe(
        'Where the file can be fetched for a while; also accepted as ossUrl, downloadUrl or url. Without it the Java backend is asked.',
      )
      .meta({ example: 'https://files.example.com/file-7f3a?signature=abc' })
      .optional()
      .register(wireNames, { synonyms: ['ossUrl', 'downloadUrl', 'url'] }),
    fileName: fileName.optional(),
    metadata: metadata.optional(),
    teacherId: teacherId.optional(),
  })
  .meta({
    example: {
      fileId: 'file-7f3a',
      collection: 'rag_material',
      parseOptions: { parseMethod: 'auto', processImages: true, processTables: true, processEquations: true },
      signedUrl: 'https://files.example.com/file-7f3a?signature=abc',
    },
  })

export const textUpload = z
  .object({
    fileName,
    text: z.string().min(1, 'must not be empty').describe('The content: plain text or Markdown.'),
    fileId: fileId.optional(),
    collection: namedCollection,
    metadata: metadata.optional(),
    parseOptions,
    teacherId: teacherId.optional(),
  })
  .meta({ example: { fileName: '二次函数.md', text: '# 二次函数\n形如 y = ax² + bx + c 的函数。', collection: 'notes' } })

/** A form field that holds JSON. */
function jsonText<T extends z.ZodType>(schema: T) {
  return z
    .string()
    .transform((value, context) => {
      try {
        return fromWire(schema, JSON.parse(value) ?? undefined)
      } catch {
        // The parser's own message would quote what was sent.
        context.addIssue('must be valid JSON')
        return z.NEVER
      }
    })
    .pipe(schema)
}

export const uploadForm = z
  .object({
    fileName: fileName.optional().describe('In place of the name in the file part.'),
    fileId: fileId.optional(),
    collection: namedCollection,
    metadata: jsonText(metadata.optional()).describe('Flat JSON, as text.').optional(),
    parseOptions: jsonText(parseOptions).describe('As in the JSON form of this call, as text.').optional(),
    teacherId: teacherId.optional(),
  })
  .describe('The file itself is sent in the part named file.')

export const accepted = z.object({ fileId: z.string(), jobId: z.string(), workspace: z.string(), parseStatus }).meta({
  example: { fileId: 'file-7f3a', jobId: '0a4f6c1e-5a0b-4c5e-9a55-0d2f4d2b7a10', workspace: 'teacher-001', parseStatus: 'pending' },
})

export const documentView = z
  .object({
    fileId: z.string(),
    jobId: z.string(),
    workspace: z.string(),
    fileName: z.string(),
    collection: z.string(),
    metadata: storedMetadata,
    parseStatus,
    stage: z.string().describe('What is being done, or was last.'),
    progress: z.number().describe('0 to 1.'),
    attempts: z.number(),
    chunkCount: z.number().describe('Of the version that searches see; 0 until completed.'),
    entityCount: z.number(),
    relationCount: z.number(),
    parseError: z.string().nullable().describe('Begins with the error code.'),
    warnings: z.array(z.string()),
    timings: z.record(z.string(), z.number()).describe('Milliseconds by stage.'),
    models: z.record(z.string(), z.string()).describe('Model by role.'),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({
    example: {
      fileId: 'file-7f3a',
      jobId: '0a4f6c1e-5a0b-4c5e-9a55-0d2f4d2b7a10',
      workspace: 'teacher-001',
      fileName: '教案.pdf',
      collection: 'rag_material',
      metadata: { grade: '九年级' },
      parseStatus: 'completed',
      stage: 'completed',
      progress: 1,
      attempts: 1,
      chunkCount: 15,
      entityCount: 8,
      relationCount: 6,
      parseError: null,
      warnings: [],
      timings: { parse: 420, embed: 31 },
      models: { embed: 'builtin/hashed-lexical-v1' },
      createdAt: '2026-03-01T08:00:00.000Z',
      updatedAt: '2026-03-01T08:00:02.000Z',
    },
  })

export const listQuery = z.object({
  collection: collection.optional(),
  status: parseStatus.optional(),
  q: z.string().trim().min(1).max(200).optional().describe('Part of the file name or fileId.'),
  limit: limit(50),
  cursor: cursor.optional(),
})

const page = { nextCursor }

export const documentList = z.object({ documents: z.array(documentView), ...page }).meta({ example: { documents: [], nextCursor: null } })

export const chunkQuery = z.object({ limit: limit(50), cursor: cursor.optional() })

export const chunkList = z
  .object({
    chunks: z.array(
      z.object({
        chunkId: z.string(),
        ordinal: z.number(),
        content: z.string(),
        headings: z.array(z.string()),
        page: z.number().nullable(),
        tokens: z.number(),
        metadata: storedMetadata,
      }),
    ),
    ...page,
  })
  .meta({
    example: {
      chunks: [
        { chunkId: 'c1', ordinal: 0, content: '形如 y = ax² + bx + c 的函数。', headings: ['二次函数'], page: 1, tokens: 14, metadata: {} },
      ],
      nextCursor: null,
    },
  })

export const blockQuery = z.object({ limit: limit(200), cursor: cursor.optional() })

const tableContent = z.object({
  rows: z.number(),
  columns: z.number(),
  headerRows: z.number(),
  cells: z.array(z.object({ row: z.number(), column: z.number(), rowSpan: z.number(), columnSpan: z.number(), text: z.string() })),
  caption: z.string().optional(),
})

export const blockList = z
  .object({
    blocks: z.array(
      z.object({
        ordinal: z.number(),
        type: z.enum(['heading', 'paragraph', 'list', 'table', 'equation', 'image', 'code', 'note']),
        text: z.string(),
        level: z.number().optional(),
        page: z.number().optional(),
        pageLabel: z.string().optional().describe('What the document itself calls this page, where that is not its number.'),
        links: z
          .array(z.object({ text: z.string(), url: z.string() }))
          .optional()
          .describe('Addresses behind words of the text.'),
        bbox: z.array(z.number()).optional().describe('Left, top, right, bottom in points from the top left corner of the page.'),
        headings: z.array(z.string()),
        table: tableContent.optional(),
        latex: z.string().optional(),
        asset: z.string().optional().describe('SHA-256 of a picture, see …/assets/{sha256}.'),
        description: z.object({ by: z.string(), text: z.string() }).optional().describe('What a vision model said of the picture.'),
        confidence: z.number().optional().describe('Of what OCR read, 0 to 1.'),
        record: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
    ...page,
  })
  .meta({
    example: {
      blocks: [{ ordinal: 0, type: 'heading', level: 1, text: '二次函数', page: 1, headings: [] }],
      nextCursor: null,
    },
  })

export const removed = z.object({ fileId: z.string(), deleted: z.literal(true) }).meta({ example: { fileId: 'file-7f3a', deleted: true } })

export const fileParams = z.object({ fileId })

export const assetParams = fileParams.extend({
  sha256: z
    .string()
    .regex(/^[0-9a-f]{1,64}$/, 'must be a SHA-256 in hex')
    .describe('As blocks name it.'),
})

export const estimate = z
  .object({
    file: z.string(),
    characters: z.number(),
    chunks: z.number(),
    stated: z.number().describe('Chunks that their source or their own shape explains; they need no extractor.'),
    roles: z.array(
      z.object({
        role: z.enum(['extract', 'embed', 'vision']),
        model: z.string(),
        calls: z.number(),
        inputTokens: z.number(),
        outputTokens: z.number(),
        outputFrom: z
          .enum(['workspace', 'service', 'assumption'])
          .optional()
          .describe('Earlier calls of this workspace, of everybody, or an assumption.'),
        costCny: z.number().nullable().describe('Null: the catalogue has no price for the model.'),
      }),
    ),
    costCny: z.number().nullable().describe('Null when a role has no price. What the workspace knows already is not paid for again.'),
  })
  .meta({
    example: {
      file: '教案.pdf',
      characters: 3_000,
      chunks: 10,
      stated: 1,
      roles: [
        { role: 'extract', model: 'qwen-plus', calls: 3, inputTokens: 5_200, outputTokens: 6_900, outputFrom: 'workspace', costCny: 0.018 },
      ],
      costCny: 0.018,
    },
  })
