// Reads a multipart form into memory, never more of it than one file and its fields may be. Node itself takes it apart, names after
// RFC 5987 (filename*, as Java writes Chinese ones) included.
import type { FastifyRequest } from 'fastify'
import { AppError } from '../core/errors.ts'

export type ReceivedFile = { fileName: string; mediaType: string; bytes: Uint8Array }
export type ReceivedForm = { file: ReceivedFile | undefined; fields: Record<string, string> }

const FIELD_BYTES = 64 * 1024
const FIELDS = 16
/** All fields, and the lines between the parts. */
const AROUND_FILE_BYTES = (FIELDS + 1) * FIELD_BYTES

export const isForm = ({ headers }: FastifyRequest): boolean => /^multipart\/form-data/i.test(headers['content-type'] ?? '')

/**
 * @param maxBytes the largest file; reading stops where it is exceeded, whatever length was announced.
 * @throws AppError `payload_too_large` | `invalid_request` when the form is broken or holds more than one file.
 */
export async function readForm(request: FastifyRequest, maxBytes: number): Promise<ReceivedForm> {
  const form: ReceivedForm = { file: undefined, fields: {} }
  const parts = [...(await takenApart(request, maxBytes))]
  if (parts.length > FIELDS + 1) throw new AppError('invalid_request', 'The form has too many fields.')
  for (const [name, value] of parts) {
    if (typeof value === 'string') {
      if (Buffer.byteLength(value) > FIELD_BYTES) {
        throw new AppError('payload_too_large', `A field of the form is larger than ${FIELD_BYTES} bytes.`)
      }
      form.fields[name] = value
    } else {
      if (name !== 'file') throw new AppError('invalid_request', 'Send the file in the field named file.')
      if (form.file !== undefined) throw new AppError('invalid_request', 'Send one file at a time, in the field file.')
      if (value.size > maxBytes) throw tooLarge(maxBytes)
      // Some programs send the whole path.
      form.file = { fileName: value.name.replace(/^.*[\\/]/, ''), mediaType: value.type, bytes: Buffer.from(await value.arrayBuffer()) }
    }
  }
  return form
}

async function takenApart(request: FastifyRequest, maxBytes: number): Promise<FormData> {
  const received: Buffer[] = []
  let size = 0
  try {
    for await (const piece of request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += piece.length
      if (size > maxBytes + AROUND_FILE_BYTES) throw tooLarge(maxBytes)
      received.push(piece)
    }
    return await new Response(Buffer.concat(received), { headers: { 'content-type': request.headers['content-type'] ?? '' } }).formData()
  } catch (error) {
    // What still arrives is read and dropped, or the connection would stay blocked and the answer might not get through.
    request.raw.resume()
    if (error instanceof AppError) throw error
    throw new AppError('invalid_request', 'The multipart form is broken or incomplete.', { cause: error })
  }
}

const tooLarge = (maxBytes: number): AppError => new AppError('payload_too_large', `The file is larger than ${maxBytes} bytes.`)
