// Searches that were answered twice before. A key holds everything a result depends on: the scope and the state of every workspace in it, the
// models, the question and all options. What one caller may see is never shown to another, because the scope is theirs.
import { createHash } from 'node:crypto'
import type { WorkspaceScope } from '../../core/workspace.ts'
import type { Models } from '../../ports/models.ts'
import type { WorkspaceRow } from '../../store/workspaces.ts'
import type { SearchRequest, SearchResponse } from '../api.ts'
import { HotMemory } from './memory.ts'

const ENTRIES = 300
/** Longer replies, written out, are not kept; with the number of entries it bounds the memory. */
const MAX_CHARACTERS = 100_000

export class ResultCache {
  readonly #replies = new HotMemory<SearchResponse>(ENTRIES)

  /** @param workspaces as they are now; each row says by its stamp whether anything in it has changed. */
  keyFor(models: Models, scope: WorkspaceScope, workspaces: readonly WorkspaceRow[], request: SearchRequest): string {
    const options = Object.entries(request).toSorted(([one], [other]) => (one < other ? -1 : 1))
    return createHash('sha256')
      .update(JSON.stringify([scope, workspaces, models.describe(), options]))
      .digest('base64url')
  }

  get(key: string): SearchResponse | undefined {
    return this.#replies.get(key)
  }

  /** A degraded reply is not kept: the model may be back at the next question. */
  set(key: string, reply: SearchResponse): void {
    if (!reply.degraded && JSON.stringify(reply).length <= MAX_CHARACTERS) this.#replies.set(key, reply)
  }
}
