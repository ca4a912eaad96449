// What a knowledge release is built from, with its rules: the manifest, the items, the questions it is judged by. Names as on the wire.
import { z } from 'zod'

export const RELEASE_STATES = [
  'INIT',
  'PRECHECKING',
  'NORMALIZING',
  'CHUNKING',
  'EMBEDDING',
  'BUILDING_INDEX',
  'EVALUATING',
  'INDEX_READY',
  'REVIEW_REQUIRED',
  'FAILED',
] as const
export type ReleaseState = (typeof RELEASE_STATES)[number]

export const CONTENT_TYPES = ['rule', 'checklist', 'template', 'long_doc', 'anti_pattern'] as const
export type ContentType = (typeof CONTENT_TYPES)[number]

const id = z.string().trim().min(1).max(128)
export const kbVersionId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,100}$/, 'must be 1 to 100 letters, digits, ".", "_", ":" or "-"')
  .describe('One built state of a knowledge base.')
const facet = z.string().max(200).nullish()
const words = z.union([z.string().max(200), z.array(z.string().max(200)).max(50)])

export const knowledgeItem = z.object({
  knowledge_item_id: id,
  content_type: z.enum(CONTENT_TYPES),
  title: z.string().max(1_000).default(''),
  text: z.string(),
  role: words,
  tags: z.array(z.string().max(200)).max(200).default([]),
  strength: z.enum(['hard_constraint', 'soft_preference']),
  status: z.enum(['active', 'deprecated']).default('active'),
  source: z.string().max(2_000).default(''),
  locale: facet,
  culture_pack: facet,
  genre: facet,
  era: facet,
  style_mode: facet,
  subject: facet.describe('What the item is about, as a key: two active items with one subject may contradict each other.'),
  quality: z.number().min(0).max(1).nullish().describe('How good the item is, 0..1; 0.5 when nobody said.'),
  created_at: z.string().max(64).default(''),
  updated_at: z.string().max(64).default(''),
})
export type KnowledgeItem = z.output<typeof knowledgeItem>

const flags = z.object({
  enable_semantic_chunking: z.boolean().optional(),
  enable_dedup: z.boolean().optional(),
  enable_eval_suite: z.boolean().optional(),
  enable_conflict_scan: z.boolean().optional(),
})
export type FeatureFlags = Record<'enable_semantic_chunking' | 'enable_dedup' | 'enable_eval_suite' | 'enable_conflict_scan', boolean>

const share = z.number().min(0).max(1)

export const releaseManifest = z.object({
  kb_version_id: kbVersionId,
  project_id: id,
  included_items: z
    .array(z.union([id, z.object({ knowledge_item_id: id }).transform((item) => item.knowledge_item_id)]))
    .max(100_000)
    .describe('Ids of the items.'),
  chunking_policy_id: id,
  embedding_model_config: z.object({
    embedding_model_profile_id: id,
    embedding_model: id.optional().describe('The model that a profile name of your own stands for; needed at its first use.'),
    embedding_dim: z.int().min(1).max(4_000),
    is_primary: z.boolean().default(true),
  }),
  vector_store_config: z.record(z.string(), z.unknown()).optional(),
  thresholds: z
    .object({
      recall_at_k: share.optional(),
      k: z.int().min(1).max(100).optional(),
      constraint_conflict_rate: share.optional(),
      redundancy_rate: share.optional(),
    })
    .optional(),
  feature_flags: flags.optional(),
})
export type ReleaseManifest = z.output<typeof releaseManifest>

const filterValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number(), z.boolean()])).max(100)])

export const previewQuery = z.object({
  query: z.string().trim().min(1).max(8_000),
  expected_item_ids: z.array(id).max(100).default([]),
  k: z.int().min(1).max(100).optional(),
  filters: z.record(z.string(), filterValue).optional(),
})
export type PreviewQuery = z.output<typeof previewQuery>

export const roleRecipe = z.object({ role_recipe_id: id, roles: z.array(z.string().min(1).max(200)).min(1).max(50) })
export type RoleRecipe = z.output<typeof roleRecipe>

export const releaseRequest = z.object({
  manifest: releaseManifest,
  knowledge_items: z.array(knowledgeItem).max(100_000),
  preview_queries: z.array(previewQuery).max(2_000).default([]),
  role_recipes: z.array(roleRecipe).max(200).default([]),
  feature_flags: flags.optional(),
})
export type ReleaseRequest = z.output<typeof releaseRequest>

/** Those of the request win over those of the manifest; everything is on unless it is turned off, semantic breaks the other way round. */
export function flagsOf(request: Pick<ReleaseRequest, 'manifest' | 'feature_flags'>): FeatureFlags {
  const given = { ...request.manifest.feature_flags, ...request.feature_flags }
  return {
    enable_semantic_chunking: given.enable_semantic_chunking ?? false,
    enable_dedup: given.enable_dedup ?? true,
    enable_eval_suite: given.enable_eval_suite ?? true,
    enable_conflict_scan: given.enable_conflict_scan ?? true,
  }
}

export const rolesOf = (item: Pick<KnowledgeItem, 'role'>): string[] => (Array.isArray(item.role) ? item.role : [item.role])
