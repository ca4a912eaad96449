// How the Java backend's answers are read: bare objects or `{code, message, data}` envelopes, several spellings of one field.
import { STATUS_CODES } from 'node:http'
import { AppError } from '../core/errors.ts'
import type { CallbackOutcome, JavaFileInfo } from '../ports/java.ts'
import { isTransient } from './http.ts'

/** A JSON object, or undefined for anything else. */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return asObject(value)
  } catch {
    return undefined // Not JSON; whether that matters is the caller's to say.
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

/** The status that counts: a `code` of 400 or more in the body of a success stands above the HTTP status. */
export function effectiveStatus(httpStatus: number, body: Record<string, unknown> | undefined): number {
  const code = Number(body?.['code'])
  return httpStatus < 300 && Number.isInteger(code) && code >= 400 ? code : httpStatus
}

/** What is inside the envelope, or the object itself when there is none. */
function payload(body: Record<string, unknown>): Record<string, unknown> {
  return asObject(body['data']) ?? body
}

const text = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined)

/** The first usable value among several spellings. */
function firstOf<T>(from: Record<string, unknown>, names: readonly string[], read: (value: unknown) => T | undefined): T | undefined {
  return names.map((name) => read(from[name])).find((value) => value !== undefined)
}

function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** Only `type/subtype` counts: some backends call an extension or a category the file type. */
const mediaTypeOf = (value: unknown) =>
  text(value)
    ?.toLowerCase()
    .match(/^[\w.+-]+\/[\w.+-]+/)?.[0]

export function fileInfoFrom(body: Record<string, unknown>): JavaFileInfo {
  const facts = payload(body)
  const fileName = firstOf(facts, ['fileName', 'file_name', 'originalFilename', 'originalName', 'name'], text)
  const mediaType = firstOf(
    facts,
    ['mimeType', 'mime_type', 'fileType', 'file_type', 'contentType', 'content_type', 'mediaType'],
    mediaTypeOf,
  )
  const size = firstOf(facts, ['fileSize', 'file_size', 'size'], wholeNumber)
  return {
    ...(fileName === undefined ? {} : { fileName }),
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(size === undefined ? {} : { size }),
  }
}

export function signedUrlFrom(body: Record<string, unknown>): string | undefined {
  const names = ['signedUrl', 'signed_url', 'downloadUrl', 'download_url', 'url', 'ossUrl', 'oss_url']
  return text(body['data']) ?? firstOf(payload(body), names, text)
}

/** `403 Forbidden`; the backend's own words stay out, they may hold anything. */
export function named(status: number): string {
  const words = STATUS_CODES[status]
  return words === undefined ? String(status) : `${status} ${words}`
}

/** An unsuccessful answer to a question about a file. */
export function lookupError(status: number): AppError {
  const details = { status }
  if (status === 401 || status === 403)
    return new AppError('forbidden', `The Java backend does not give out this file (${named(status)}).`, { details })
  if (status === 404) return new AppError('not_found', 'The Java backend does not know this file.', { details })
  return new AppError('java_unavailable', `The Java backend answered ${named(status)}.`, { details })
}

/** What an answer to a report means for its delivery. */
export function callbackOutcome(status: number, retryAfterSeconds?: number): CallbackOutcome {
  const reason = `the Java backend answered ${named(status)}`
  if (status >= 200 && status < 300) return { status: 'delivered' }
  if (status === 401 || status === 403) return { status: 'unauthorized', reason }
  if (isTransient(status)) return { status: 'retry', reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
  return { status: 'rejected', reason: status >= 300 && status < 400 ? `${reason}; redirects are not followed` : reason }
}

/**
 * Seconds to wait from a Retry-After header, as a number or as a date; never negative.
 * @param nowSeconds unix seconds
 */
export function retryAfter(value: string | undefined, nowSeconds: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil(date / 1000 - nowSeconds))
}
