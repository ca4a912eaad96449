// Reads a multipart form into memory, never more of it than one file and its fields may be. It is cut here, without copies of what
// the parts hold and without more of them than a form may have; their heads are read by Node, names after RFC 5987 (filename*, as
// Java writes Chinese ones) included.
import { MIMEType } from 'node:util'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../core/errors.ts'

export type ReceivedFile = { fileName: string; mediaType: string; bytes: Uint8Array }
export type ReceivedForm = { file: ReceivedFile | undefined; fields: Record<string, string> }

const FIELD_BYTES = 64 * 1024
const FIELDS = 16
/** All fields, and the lines between the parts. */
const AROUND_FILE_BYTES = (FIELDS + 1) * FIELD_BYTES
/** Of one part, names included. */
const HEAD_BYTES = 16 * 1024

export const isForm = ({ headers }: FastifyRequest): boolean => /^multipart\/form-data/i.test(headers['content-type'] ?? '')

/**
 * @param maxBytes the largest file; reading stops where it is exceeded, whatever length was announced.
 * @throws AppError `payload_too_large` | `invalid_request` when the form is broken or holds more than one file.
 */
export async function readForm(request: FastifyRequest, maxBytes: number): Promise<ReceivedForm> {
  const form: ReceivedForm = { file: undefined, fields: {} }
  for (const { head, content } of cut(await received(request, maxBytes), boundaryOf(request))) {
    const { name, file } = await readHead(head)
    if (file === undefined) {
      if (content.length > FIELD_BYTES) {
        throw new AppError('payload_too_large', `A field of the form is larger than ${FIELD_BYTES} bytes.`)
      }
      form.fields[name] = content.toString()
    } else {
      if (name !== 'file') throw new AppError('invalid_request', 'Send the file in the field named file.')
      if (form.file !== undefined) throw new AppError('invalid_request', 'Send one file at a time, in the field file.')
      if (content.length > maxBytes) throw tooLarge(maxBytes)
      // Some programs send the whole path.
      form.file = { fileName: file.name.replace(/^.*[\\/]/s, ''), mediaType: file.type, bytes: content }
    }
  }
  return form
}

async function received(request: FastifyRequest, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += piece.length
      if (size > maxBytes + AROUND_FILE_BYTES) throw tooLarge(maxBytes)
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  } catch (error) {
    // What still arrives is read and dropped, or the connection would stay blocked and the answer might not get through.
    request.raw.resume()
    throw error instanceof AppError ? error : broken(error)
  }
}

function boundaryOf({ headers }: FastifyRequest): string {
  try {
    const boundary = new MIMEType(headers['content-type'] ?? '').params.get('boundary')
    if (boundary !== null && boundary !== '') return boundary
  } catch (error) {
    throw broken(error)
  }
  throw broken()
}

type CutPart = { /** From behind the boundary to the blank line. */ head: Buffer; content: Buffer }

/** The parts between the boundary lines, as views of the body. */
function cut(body: Buffer, boundary: string): CutPart[] {
  const line = Buffer.from(`\r\n--${boundary}`)
  const parts: CutPart[] = []
  const first = body.indexOf(line.subarray(2))
  if (first === -1) throw broken()
  let at = first + line.length - 2
  while (body.toString('latin1', at, at + 2) !== '--') {
    if (parts.length > FIELDS) throw new AppError('invalid_request', 'The form has too many fields.')
    const blank = body.subarray(at, at + HEAD_BYTES).indexOf('\r\n\r\n')
    const start = at + blank + 4
    const end = blank === -1 ? -1 : body.indexOf(line, start)
    if (end === -1) throw broken()
    parts.push({ head: body.subarray(at, start), content: body.subarray(start, end) })
    at = end + line.length
  }
  return parts
}

/** Node reads the head as that of a form with one empty part. */
async function readHead(head: Buffer): Promise<{ name: string; file: File | undefined }> {
  const alone = Buffer.concat([Buffer.from('--head'), head, Buffer.from('\r\n--head--\r\n')])
  try {
    const [entry] = await new Response(alone, { headers: { 'content-type': 'multipart/form-data; boundary=head' } }).formData()
    if (entry === undefined) throw broken()
    const [name, value] = entry
    return { name, file: typeof value === 'string' ? undefined : value }
  } catch (error) {
    throw broken(error)
  }
}

const tooLarge = (maxBytes: number): AppError => new AppError('payload_too_large', `The file is larger than ${maxBytes} bytes.`)

const broken = (cause?: unknown): AppError => new AppError('invalid_request', 'The multipart form is broken or incomplete.', { cause })
