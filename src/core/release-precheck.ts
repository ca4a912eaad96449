// Whether a release can be built at all: every item there once, every policy and model known. Nothing is guessed or left out silently.
import { CHUNKING_POLICIES } from './release-chunking.ts'
import type { KnowledgeItem, ReleaseRequest } from './release-request.ts'

export type ReviewItem = {
  /** The item concerned, or '' when it is the release as a whole. */
  knowledge_item_id: string
  reason:
    | 'missing_item'
    | 'duplicate_item'
    | 'empty_item'
    | 'item_too_large'
    | 'no_items'
    | 'unknown_chunking_policy'
    | 'unknown_vector_store'
    | 'unknown_embedding_profile'
    | 'embedding_dim_mismatch'
    | 'preview_query_expects_unknown_item'
    | 'constraint_conflict'
    | 'missed_by_preview_query'
    | 'gate_failed'
  message: string
  /** Nothing is built while one of these stands; the others only keep a version from being promoted by itself. */
  blocking: boolean
}

export type Precheck = { /** In the order of the manifest. */ items: KnowledgeItem[]; review: ReviewItem[]; warnings: string[] }

/** Characters of one item; a file of megabytes is no knowledge item. */
export const MAX_ITEM_CHARACTERS = 500_000

const VECTOR_STORES = new Set(['pgvector', 'postgres', 'postgresql'])

export function precheck(request: ReleaseRequest): Precheck {
  const { manifest, knowledge_items: given } = request
  const review: ReviewItem[] = []
  const warnings: string[] = []
  const block = (knowledge_item_id: string, reason: ReviewItem['reason'], message: string): void => {
    review.push({ knowledge_item_id, reason, message, blocking: true })
  }
  const byId = Map.groupBy(given, (item) => item.knowledge_item_id)
  const included = [...new Set(manifest.included_items)]
  for (const id of repeated(manifest.included_items)) block(id, 'duplicate_item', 'The manifest names this item more than once.')
  if (included.length === 0) block('', 'no_items', 'The manifest includes no item.')
  if (!CHUNKING_POLICIES.includes(manifest.chunking_policy_id)) {
    block('', 'unknown_chunking_policy', `The chunking policy is not known; known are ${CHUNKING_POLICIES.join(', ')}.`)
  }
  const store = storeOf(manifest.vector_store_config)
  if (store !== undefined && !VECTOR_STORES.has(store))
    block('', 'unknown_vector_store', 'The vector store is not known; known is pgvector.')
  const items = included.flatMap((id) => {
    const [item, second] = byId.get(id) ?? []
    if (item === undefined) block(id, 'missing_item', 'The manifest includes this item, but it was not handed over.')
    if (second !== undefined) block(id, 'duplicate_item', 'Two items have this id.')
    return item === undefined ? [] : [item]
  })
  for (const item of items) {
    const id = item.knowledge_item_id
    if (item.text.trim() === '') block(id, 'empty_item', 'The item has no text.')
    if (item.text.length > MAX_ITEM_CHARACTERS) block(id, 'item_too_large', `The item has more than ${MAX_ITEM_CHARACTERS} characters.`)
  }
  const known = new Set(items.map((item) => item.knowledge_item_id))
  const deprecated = new Set(items.filter((item) => item.status === 'deprecated').map((item) => item.knowledge_item_id))
  request.preview_queries.forEach(({ expected_item_ids: expected }, index) => {
    for (const id of expected) {
      const message = `Preview query ${index} expects this item, which the manifest does not include.`
      if (!known.has(id)) review.push({ knowledge_item_id: id, reason: 'preview_query_expects_unknown_item', message, blocking: false })
      else if (deprecated.has(id)) warnings.push(`Preview query ${index} expects ${id}, which is deprecated and not searched.`)
    }
  })
  const left = given.filter((item) => !included.includes(item.knowledge_item_id)).length
  if (left > 0) warnings.push(`${left} items were handed over that the manifest does not include; they are not part of this version.`)
  if (deprecated.size > 0) warnings.push(`${deprecated.size} items are deprecated: kept to be traced, not searched.`)
  return { items, review, warnings }
}

function repeated(ids: readonly string[]): Set<string> {
  return new Set(ids.filter((id, index) => ids.indexOf(id) !== index))
}

function storeOf(config: Record<string, unknown> | undefined): string | undefined {
  const named = ['kind', 'type', 'provider', 'store'].map((key) => config?.[key]).find((value) => typeof value === 'string')
  return typeof named === 'string' ? named.toLowerCase() : undefined
}
