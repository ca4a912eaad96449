// What goes in and out of the one-off reading of pictures.
import { z } from 'zod'
import { wireNames } from '../wire.ts'
import { fileId, teacherId } from './common.ts'

const prompt = z.string().max(4_000).optional().describe('What the vision model is asked, where one is configured.')

export const analyzeRequest = z
  .object({
    fileId: fileId.optional().describe('A file that the Java backend knows.'),
    signedUrl: z
      .string()
      .min(1)
      .max(8_192)
      .optional()
      .register(wireNames, { synonyms: ['ossUrl', 'downloadUrl', 'url'] })
      .describe('Where the picture can be fetched.'),
    prompt,
    teacherId: teacherId.optional(),
  })
  .refine(
    (body) => body.fileId !== undefined || body.signedUrl !== undefined,
    'send fileId, signedUrl, or the picture itself as multipart/form-data',
  )
  .meta({ example: { signedUrl: 'https://files.example.com/scores.png?signature=abc' } })

export const analyzeForm = z
  .object({ prompt, teacherId: teacherId.optional() })
  .describe('The picture itself is sent in the part named file.')

const value = z.union([z.string(), z.number(), z.null()])

export const analysis = z
  .object({
    text: z.string(),
    tables: z.array(z.object({ columns: z.array(z.string()), rows: z.array(z.array(value)), confidence: z.number().nullable() })),
    rows: z.array(z.record(z.string(), value)).describe('Every row of every table as an object of its columns.'),
    engine: z.string().describe('What read the picture.'),
    description: z.string().nullable().describe('The answer of the vision model; null without one.'),
    checks: z
      .array(
        z.object({
          table: z.number(),
          row: z.number(),
          column: z.string(),
          check: z.enum(['sum', 'range', 'duplicate']),
          message: z.string(),
        }),
      )
      .describe('What somebody should look at again.'),
    warnings: z.array(z.string()),
  })
  .meta({
    example: {
      text: '成績表',
      tables: [{ columns: ['學號', '數學'], rows: [['101', 92]], confidence: 0.95 }],
      rows: [{ 學號: '101', 數學: 92 }],
      engine: 'ocr',
      description: null,
      checks: [],
      warnings: [],
    },
  })
