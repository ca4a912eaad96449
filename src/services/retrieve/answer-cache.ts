// Answers that need not be paid for twice. A key holds everything an answer depends on: the state of every workspace it may be drawn
// from, the models and their prompts, the question and all options. History is never part of a talk that is kept: such a question is
// always answered anew.
import { createHash } from 'node:crypto'
import type { WorkspaceScope } from '../../core/workspace.ts'
import type { Database } from '../../ports/database.ts'
import type { Models } from '../../ports/models.ts'
import { stamps } from '../../store/workspaces.ts'
import type { QueryEvent, QueryRequest } from '../api.ts'
import { Memory } from './memory.ts'

export type GivenAnswer = Extract<QueryEvent, { event: 'references' | 'done' }>[]

/** Longer answers than this, in characters, are not kept; with the number of entries it bounds the memory. */
const MAX_CHARACTERS = 50_000

export class AnswerCache {
  readonly #answers: Memory<GivenAnswer> | undefined

  /** @param entries 0 keeps nothing. */
  constructor(entries: number) {
    this.#answers = entries > 0 ? new Memory(entries) : undefined
  }

  /** Undefined where nothing may be kept: without a language model, which costs, with a history, or while the database does not say its state. */
  async keyFor(deps: { database: Database; models: Models }, scope: WorkspaceScope, request: QueryRequest): Promise<string | undefined> {
    const { models, database } = deps
    if (this.#answers === undefined || !models.hasLanguageModel || request.mode === 'bypass' || request.history.length > 0) return undefined
    const { history: _none, onlyContext: _unused, ...asked } = request
    const options = Object.entries(asked).toSorted(([one], [other]) => (one < other ? -1 : 1))
    // Whether there can be an answer without the primary database is for the search to say.
    const state = await stamps(database.db, scope).catch(() => undefined)
    if (state === undefined) return undefined
    const parts = [state, models.answerer.id, models.describe(), options]
    return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
  }

  get(key: string): GivenAnswer | undefined {
    return this.#answers?.get(key)
  }

  set(key: string, answer: GivenAnswer): void {
    const size = answer.reduce((sum, event) => sum + (event.event === 'done' ? event.answer.length : 0), 0)
    if (size <= MAX_CHARACTERS) this.#answers?.set(key, answer)
  }
}
