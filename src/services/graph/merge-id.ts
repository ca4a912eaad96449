// The id of a merge follows from what is merged, so that the same merge is the same row however often it is made.
import { createHash } from 'node:crypto'
import { compareCodePoints } from '../../core/names.ts'

export function mergeId(from: readonly string[], into: string): string {
  const content = JSON.stringify([into, ...from.toSorted(compareCodePoints)])
  return `m_${createHash('sha256').update(content).digest('base64url').slice(0, 20)}`
}
