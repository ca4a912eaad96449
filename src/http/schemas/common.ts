// Fields that many routes share, each with its rule in words.
import { z } from 'zod'
import { asTeacherId } from '../../core/credentials.ts'

export const fileId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/, 'must be 1 to 128 letters, digits, ".", "_", ":" or "-"')
  .refine((value) => value !== '.' && value !== '..', 'must not be "." or "..", which no address can hold')
  .describe('The name the caller gave the document; the same fileId in two workspaces is two documents.')
  .meta({ example: 'file-7f3a' })

/** A whole number or its text, as claims carry it too. */
export const teacherId = z
  .union([z.string(), z.int()], 'must be 1 to 64 letters, digits, "_" or "-"')
  .transform((value, context) => {
    const id = asTeacherId(value)
    if (id !== undefined) return id
    context.addIssue('must be 1 to 64 letters, digits, "_" or "-"')
    return z.NEVER
  })
  .describe('With X-Internal-Token: the teacher on whose behalf the call is made.')
  .meta({ example: '001' })

export const collection = z.string().trim().min(1).max(128).describe('A named part of a workspace.').meta({ example: 'rag_material' })

export const cursor = z.string().min(1).max(512).describe('nextCursor of the page before.')

export const limit = (fallback: number) => z.int().min(1).max(200).default(fallback).describe('Entries on one page.')

export const nextCursor = z.string().nullable().describe('Names the next page; null on the last one.')

const scalar = z.union([z.string(), z.number(), z.boolean()])

const FLAT = 'must be a text, a number, true or false, null, or a list of those'

export const metadata = z
  .record(z.string().min(1).max(200), z.union([z.string().max(8_000), z.number(), z.boolean(), z.null(), z.array(scalar).max(200)], FLAT))
  .refine((value) => Object.keys(value).length <= 100, 'must have at most 100 keys')
  .describe('Flat JSON of the caller, kept with the document and its chunks; searches can filter by it.')
  .meta({ example: { grade: '九年级', year: 2024, tags: ['函数'] } })

export const storedMetadata = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(scalar)]))

export const parseStatus = z.enum(['pending', 'processing', 'completed', 'failed']).describe('Of the latest attempt.')

export const errorReply = z
  .object({
    error: z.object({
      code: z.string().describe('Stable; docs/errors.md lists all of them.'),
      message: z.string().describe('One sentence a person can act on.'),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
    requestId: z.string(),
  })
  .describe('Every answer that is not a success.')
  .meta({ example: { error: { code: 'not_found', message: 'There is no document with this fileId.' }, requestId: '5b1d7a52' } })
