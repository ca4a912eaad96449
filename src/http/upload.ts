// Reads a multipart form into memory, never more of it than one file may be.
import type { FastifyRequest } from 'fastify'
import { AppError } from '../core/errors.ts'

export type ReceivedFile = { fileName: string; mediaType: string; bytes: Uint8Array }
export type ReceivedForm = { file: ReceivedFile | undefined; fields: Record<string, string> }

const FIELD_BYTES = 64 * 1024
const FIELDS = 16

/**
 * @param maxBytes the largest file; reading stops where it is exceeded, whatever length was announced.
 * @throws AppError `payload_too_large` | `invalid_request` when the form is broken or holds more than one file.
 */
export async function readForm(request: FastifyRequest, maxBytes: number): Promise<ReceivedForm> {
  const form: ReceivedForm = { file: undefined, fields: {} }
  const limits = { fileSize: maxBytes, files: 1, fields: FIELDS, fieldSize: FIELD_BYTES, fieldNameSize: 100, parts: FIELDS + 1 }
  try {
    for await (const part of request.parts({ limits })) {
      if (part.type === 'file') {
        if (part.fieldname !== 'file') throw new AppError('invalid_request', 'Send the file in the field named file.')
        form.file = { fileName: part.filename, mediaType: part.mimetype, bytes: await part.toBuffer() }
      } else {
        if (part.valueTruncated) throw new AppError('payload_too_large', `A field of the form is larger than ${FIELD_BYTES} bytes.`)
        form.fields[part.fieldname] = String(part.value)
      }
    }
  } catch (error) {
    // What still arrives is read and dropped, or the connection would stay blocked and the answer might not get through.
    request.raw.resume()
    throw refused(error, maxBytes)
  }
  return form
}

/** The form reader's own errors carry a code of the framework, except where the form itself is broken. */
function refused(error: unknown, maxBytes: number): unknown {
  if (error instanceof AppError) return error
  const code = (error as { code?: unknown }).code
  if (code === 'FST_REQ_FILE_TOO_LARGE')
    return new AppError('payload_too_large', `The file is larger than ${maxBytes} bytes.`, { cause: error })
  if (typeof code === 'string' && code.startsWith('FST_')) return error
  return new AppError('invalid_request', 'The multipart form is broken or incomplete.', { cause: error })
}
