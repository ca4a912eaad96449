// From rows to what callers read: results, entities and relations as the contract shows them.
import { joinDescriptions } from '../../core/fold.ts'
import { fullName } from '../../core/fusion.ts'
import { PUBLIC_WORKSPACE } from '../../core/workspace.ts'
import type { EntityCard, RelationCard } from '../../store/search-cards.ts'
import type { FoundChunk } from '../../store/search-chunks.ts'
import type { EntityHit, Metadata, RelationHit, SearchResult } from '../api.ts'
import type { FoundEntity, FoundRelation } from './graph-legs.ts'
import type { Ranked } from './rank.ts'
import type { SectionText } from './sections.ts'

/** `public/<file name>` for the shared workspace, `user/<file name>` for every other. */
export function sourceOf(workspace: string, fileName: string): string {
  return `${workspace === PUBLIC_WORKSPACE ? 'public' : 'user'}/${fileName}`
}

/** Candidates in their order; one whose chunk is gone is left out. */
export function showResults(
  ranked: readonly Ranked[],
  chunks: ReadonlyMap<string, FoundChunk>,
  sections: ReadonlyMap<string, SectionText>,
  explain: boolean,
): SearchResult[] {
  return ranked.flatMap((candidate) => {
    const chunk = chunks.get(fullName(candidate))
    if (!chunk) return []
    const section = sections.get(fullName(candidate))
    return [
      {
        content: chunk.content,
        source: sourceOf(chunk.workspace_id, chunk.file_name),
        workspace: chunk.workspace_id,
        fileId: chunk.file_id,
        chunkId: chunk.chunk_id,
        score: candidate.score,
        page: chunk.page,
        headings: chunk.headings,
        metadata: chunk.metadata as Metadata,
        ...(section ? { section } : {}),
        ...(explain ? { explain: candidate.why } : {}),
      },
    ]
  })
}

/** Best first, as callers read scores; what was found by equal scores stays in the order in which the legs found it. */
const bestFirst = <T extends { score: number }>(found: readonly T[]): T[] => found.toSorted((a, b) => b.score - a.score)

export function showEntities(found: readonly FoundEntity[], cards: readonly EntityCard[]): EntityHit[] {
  const byName = new Map(cards.map((card) => [fullName({ workspaceId: card.workspace_id, id: card.entity_id }), card]))
  return bestFirst(found).flatMap((entity) => {
    const card = byName.get(fullName(entity))
    if (!card) return []
    const description = card.descriptions ? joinDescriptions(card.descriptions) : card.description
    return [{ name: card.name, type: card.type, description, workspace: card.workspace_id, score: entity.score, chunkIds: card.chunk_ids }]
  })
}

export function showRelations(found: readonly FoundRelation[], cards: readonly RelationCard[]): RelationHit[] {
  const byName = new Map(cards.map((card) => [fullName({ workspaceId: card.workspace_id, id: card.relation_id }), card]))
  return bestFirst(found).flatMap((relation) => {
    const card = byName.get(fullName(relation))
    if (!card) return []
    const [source, target] = card.forward ? [card.a_name, card.b_name] : [card.b_name, card.a_name]
    return [
      {
        source,
        target,
        keywords: card.keywords.join(', '),
        description: card.descriptions ? joinDescriptions(card.descriptions) : card.description,
        weight: card.weight,
        workspace: card.workspace_id,
        score: relation.score,
        chunkIds: card.chunk_ids,
      },
    ]
  })
}
