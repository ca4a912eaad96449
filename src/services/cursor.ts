// Cursors of paged lists: opaque to callers, checked when they come back.
import { AppError } from '../core/errors.ts'

export function encodeCursor(fields: Record<string, string>): string {
  return Buffer.from(JSON.stringify(fields)).toString('base64url')
}

/** @throws AppError `invalid_request` when the cursor is not one of ours. */
export function decodeCursor<Name extends string>(cursor: string, names: readonly Name[]): Record<Name, string> {
  try {
    const fields = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Record<string, unknown> | null
    if (names.every((name) => typeof fields?.[name] === 'string')) return fields as Record<Name, string>
  } catch (cause) {
    throw new AppError('invalid_request', 'cursor is not one that this service gave.', { cause })
  }
  throw new AppError('invalid_request', 'cursor is not one that this service gave.')
}
