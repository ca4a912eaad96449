// Stage: cleaned items as chunks with everything a search filters by; what says the same is said once where that is asked for.
import { chunkItem, isShortened } from '../../core/release-chunking.ts'
import { normaliseItem } from '../../core/release-normalise.ts'
import { rolesOf, type FeatureFlags, type KnowledgeItem } from '../../core/release-request.ts'
import { comparablePairs, isNearDuplicate, profileOf } from '../../core/release-similarity.ts'
import type { ReadyChunk } from '../ingest/ready.ts'

export type CleanItem = KnowledgeItem & { text: string }

/** Items with their cleaned texts, and a sentence for each that lost something. */
export function normaliseItems(items: readonly KnowledgeItem[]): { items: CleanItem[]; warnings: string[] } {
  const warnings: string[] = []
  const cleaned = items.map((item) => {
    const { text, removed } = normaliseItem(item.text)
    const lost = Object.entries(removed).filter(([kind]) => kind === 'repeat' || kind === 'contents')
    if (lost.length > 0)
      warnings.push(`${item.knowledge_item_id}: ${lost.map(([kind, count]) => `${count} ${kind}`).join(', ')} lines were taken out.`)
    return { ...item, text }
  })
  return { items: cleaned, warnings }
}

const FACETS = ['locale', 'culture_pack', 'genre', 'era', 'style_mode', 'subject', 'quality'] as const

function metadataOf(item: KnowledgeItem, kbVersionId: string): Record<string, unknown> {
  const facets = FACETS.flatMap((facet) => (item[facet] === undefined || item[facet] === null ? [] : [[facet, item[facet]] as const]))
  return {
    kb_version_id: kbVersionId,
    knowledge_item_id: item.knowledge_item_id,
    title: item.title,
    role: item.role,
    tags: item.tags,
    strength: item.strength,
    status: item.status,
    content_type: item.content_type,
    source: item.source,
    created_at: item.created_at,
    updated_at: item.updated_at,
    ...Object.fromEntries(facets),
  }
}

export function cutItems(
  items: readonly CleanItem[],
  kbVersionId: string,
  flags: FeatureFlags,
  maxTokens: number,
): { chunks: ReadyChunk[]; merged: number; /** Items in more chunks than the policy alone would make. */ shortened: number } {
  const all = items.flatMap((item) =>
    chunkItem(item, { semantic: flags.enable_semantic_chunking, maxTokens }).map((chunk, index) => ({
      item,
      ready: {
        key: `${item.knowledge_item_id}#${index}`,
        content: chunk.content,
        header: chunk.header,
        headings: chunk.headings,
        metadata: metadataOf(item, kbVersionId),
      },
    })),
  )
  const cut = Map.groupBy(all, ({ item }) => item)
  const shortened = items.filter((item) => (cut.get(item)?.length ?? 0) > 1 && isShortened(item.content_type, maxTokens)).length
  if (!flags.enable_dedup) return { chunks: all.map(({ ready }) => ready), merged: 0, shortened }
  const profiles = all.map(({ ready }) => profileOf(ready.content))
  const into = new Map<number, number>()
  for (const [i, j] of comparablePairs(profiles)) {
    const [a, b, first, second] = [all[i], all[j], profiles[i], profiles[j]]
    if (a === undefined || b === undefined || first === undefined || second === undefined || into.has(i) || into.has(j)) continue
    if (a.item !== b.item && isNearDuplicate(first, second, 0.9) && sameFacets(a.item, b.item)) into.set(j, i)
  }
  const chunks = all.flatMap(({ ready }, index): ReadyChunk[] => {
    if (into.has(index)) return []
    const merged = [...into].filter(([, kept]) => kept === index).flatMap(([gone]) => all[gone]?.item.knowledge_item_id ?? [])
    return [merged.length === 0 ? ready : { ...ready, metadata: { ...ready.metadata, merged_item_ids: [...new Set(merged)] } }]
  })
  return { chunks, merged: into.size, shortened }
}

/** Only what every filter treats alike may be one chunk. */
function sameFacets(a: KnowledgeItem, b: KnowledgeItem): boolean {
  const keys = ['strength', 'status', 'content_type', 'locale', 'culture_pack', 'genre', 'era', 'style_mode'] as const
  return keys.every((key) => (a[key] ?? null) === (b[key] ?? null)) && rolesOf(a).join() === rolesOf(b).join()
}
