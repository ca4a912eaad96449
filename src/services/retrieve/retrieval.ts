// The pipe out as one use case: plan → gather → rank → pack → answer, each in the file of its name.
import type { Retrieval } from '../api.ts'
import { AnswerCache } from './answer-cache.ts'
import { query, queryContext } from './answer.ts'
import { withinBudgets } from './budgets.ts'
import { newMemory } from './memory.ts'
import { ResultCache } from './result-cache.ts'
import { type RetrievalDeps, search } from './search.ts'

export type RetrievalOptions = { answerCacheEntries?: number; rewriteFollowUps?: boolean }

export function createRetrieval(
  { database, models }: Pick<RetrievalDeps, 'database' | 'models'>,
  { answerCacheEntries = 0, rewriteFollowUps = false }: RetrievalOptions = {},
): Retrieval {
  const deps: RetrievalDeps = {
    database,
    models,
    remembered: newMemory(),
    answers: new AnswerCache(answerCacheEntries),
    results: new ResultCache(),
    rewriteFollowUps,
  }
  return {
    search: async (scope, request, signal) => withinBudgets(await search(deps, scope, request, signal), request),
    query: (scope, request, signal) => query(deps, scope, request, signal),
    context: (scope, request, signal) => queryContext(deps, scope, request, signal),
  }
}
