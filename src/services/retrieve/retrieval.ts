// The pipe out as one use case: plan → gather → rank → pack → answer, each in the file of its name.
import type { Retrieval } from '../api.ts'
import { query, queryContext } from './answer.ts'
import { newMemory } from './memory.ts'
import { type RetrievalDeps, search } from './search.ts'

export function createRetrieval({ database, models }: Omit<RetrievalDeps, 'remembered'>): Retrieval {
  const deps: RetrievalDeps = { database, models, remembered: newMemory() }
  return {
    search: (scope, request, signal) => search(deps, scope, request, signal),
    query: (scope, request, signal) => query(deps, scope, request, signal),
    context: (scope, request, signal) => queryContext(deps, scope, request, signal),
  }
}
