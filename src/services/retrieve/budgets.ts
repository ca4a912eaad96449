// Budgets in tokens: what of a search a caller wants to read, and what of it a model is given.
import { prefixWithin } from '../../core/budget.ts'
import type { EntityHit, RelationHit, SearchRequest, SearchResponse } from '../api.ts'

/** As a model is given it: one JSON object a line. */
export function factLine(fact: EntityHit | RelationHit): string {
  if ('source' in fact) {
    const { source, target, keywords, description } = fact
    return JSON.stringify({ source, target, keywords, description })
  }
  const { name, type, description } = fact
  return JSON.stringify({ entity: name, type, description })
}

/** The first of them, whole, whose lines fit; all without a budget. */
export function factsWithin<T extends EntityHit | RelationHit>(facts: readonly T[], maxTokens: number | undefined): T[] {
  return facts.slice(0, maxTokens === undefined ? facts.length : prefixWithin(facts.map(factLine), maxTokens))
}

/** A search's answer with as much of it as the caller's budgets allow; what they do not name is not cut. */
export function withinBudgets(found: SearchResponse, request: SearchRequest): SearchResponse {
  const { maxEntityTokens, maxRelationTokens, maxTotalTokens } = request
  const { results } = found
  return {
    ...found,
    results:
      maxTotalTokens === undefined
        ? results
        : results.slice(
            0,
            prefixWithin(
              results.map((result) => result.content),
              maxTotalTokens,
            ),
          ),
    entities: factsWithin(found.entities, maxEntityTokens),
    relations: factsWithin(found.relations, maxRelationTokens),
  }
}
