// What goes in and out of the routes of knowledge releases; snake_case, as their callers write it.
import { z } from 'zod'
import { buildReport } from '../../core/release-report.ts'
import { eventEnvelope } from '../../core/release-events.ts'
import { kbVersionId, knowledgeItem, releaseRequest, RELEASE_STATES } from '../../core/release-request.ts'

export const kbId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" or "-"')
  .describe('The knowledge base; its workspace is kb-<id>.')

const outsideId = z.string().trim().min(1).max(200)

const itemExample = {
  knowledge_item_id: 'KI-001',
  content_type: 'rule' as const,
  title: '學習目標寫成可觀察的行為',
  text: '每節課的學習目標必須以可觀察的動詞寫成。',
  role: 'planner',
  tags: ['objectives'],
  strength: 'hard_constraint' as const,
  status: 'active' as const,
  source: '校本教案手冊 1.1',
  subject: 'learning_objectives',
  created_at: '2025-09-01T08:00:00Z',
  updated_at: '2026-01-01T08:00:00Z',
}

const requestExample = {
  manifest: {
    kb_version_id: 'KB_V1_20260226_001',
    project_id: 'lesson-design',
    included_items: ['KI-001'],
    chunking_policy_id: 'CHUNK_POLICY_V1',
    embedding_model_config: { embedding_model_profile_id: 'default', embedding_dim: 1024, is_primary: true },
  },
  knowledge_items: [itemExample],
  preview_queries: [{ query: '學習目標怎樣寫', expected_item_ids: ['KI-001'] }],
}

const traced = { correlation_id: outsideId.optional().describe('Carried by every event of the build.'), trace_id: outsideId.optional() }

export const buildBody = releaseRequest.extend(traced).meta({ example: requestExample })

const acceptedFields = { run_id: z.string(), job_id: z.string(), build_id: z.string(), kb_version_id: z.string(), state: z.literal('INIT') }
const acceptedExample = {
  run_id: 'f0e1',
  job_id: 'a1b2',
  build_id: 'KB_BUILD_0001',
  kb_version_id: 'KB_V1_20260226_001',
  state: 'INIT' as const,
}

export const buildAccepted = z.object(acceptedFields).meta({ example: acceptedExample })
export const proposalAccepted = z
  .object({ ...acceptedFields, proposal_id: z.string() })
  .meta({ example: { ...acceptedExample, proposal_id: 'P-7' } })

const viewFields = {
  build_id: z.string(),
  kb_version_id: z.string(),
  run_id: z.string(),
  job_id: z.string(),
  state: z.enum(RELEASE_STATES),
  error: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  finished_at: z.string().nullable(),
  kb_index_build_report: buildReport.nullable().describe('Present once the build has ended.'),
}

const viewExample = {
  build_id: 'KB_BUILD_0001',
  kb_version_id: 'KB_V1_20260226_001',
  run_id: 'f0e1',
  job_id: 'a1b2',
  state: 'INDEX_READY' as const,
  error: null,
  created_at: '2026-02-26T08:00:00.000Z',
  updated_at: '2026-02-26T08:00:09.000Z',
  finished_at: '2026-02-26T08:00:09.000Z',
  kb_index_build_report: {
    version: '1.0' as const,
    kb_version_id: 'KB_V1_20260226_001',
    build_id: 'KB_BUILD_0001',
    status: 'index_ready' as const,
    chunking_policy_id: 'CHUNK_POLICY_V1',
    embedding_model: 'builtin/hashed-lexical-v1',
    stats: { items: 42, chunks: 318, avg_chunk_chars: 820, embedding_time_sec: 54.2 },
    eval: {
      enabled: true,
      preview_queries: 20,
      recall_at_8: 0.85,
      constraint_conflict_rate: 0.07,
      redundancy_rate: 0.11,
      recommendation: 'promote_to_active' as const,
    },
    warnings: [],
    review_required_items: [],
    extensions: {},
  },
}

export const buildView = z.object(viewFields).meta({ example: viewExample })
export const proposalView = z.object({ ...viewFields, proposal_id: z.string() }).meta({ example: { ...viewExample, proposal_id: 'P-7' } })

export const versionList = z
  .object({
    versions: z.array(
      z.object({
        kb_version_id: z.string(),
        build_id: z.string(),
        live: z.boolean().describe('This one is searched.'),
        passed: z.boolean().nullable().describe('Every gate was passed; null while the version is not judged.'),
        embedding_model_profile_id: z.string(),
        embedding_model: z.string(),
        embedding_dim: z.number(),
        is_primary: z.boolean(),
        created_at: z.string(),
        promoted_at: z.string().nullable(),
      }),
    ),
  })
  .meta({
    example: {
      versions: [
        {
          kb_version_id: 'KB_V1_20260226_001',
          build_id: 'KB_BUILD_0001',
          live: true,
          passed: true,
          embedding_model_profile_id: 'default',
          embedding_model: 'builtin/hashed-lexical-v1',
          embedding_dim: 1024,
          is_primary: true,
          created_at: '2026-02-26T08:00:00.000Z',
          promoted_at: '2026-02-26T09:00:00.000Z',
        },
      ],
    },
  })

const overrideReason = z.string().trim().min(3).max(2_000)

export const promoteBody = z
  .object({
    override: z.object({ reason: overrideReason }).optional().describe('Administrators only: promote although a gate failed.'),
    override_reason: overrideReason.optional().describe('The same, flat.'),
  })
  .nullish()
  .meta({ example: {} })

export const moved = z
  .object({ kb_version_id: z.string().describe('What is live now.'), previous_version_id: z.string().nullable(), overridden: z.boolean() })
  .meta({ example: { kb_version_id: 'KB_V2', previous_version_id: 'KB_V1', overridden: false } })

export const evaluation = z
  .record(z.string(), z.unknown())
  .meta({ example: { kb_version_id: 'KB_V1', passed: true, recommendation: 'promote_to_active' } })

export const versionDeleted = z
  .object({ kb_version_id: z.string(), deleted: z.literal(true) })
  .meta({ example: { kb_version_id: 'KB_V1', deleted: true as const } })

const some = z.union([z.string().min(1).max(200), z.array(z.string().min(1).max(200)).min(1).max(50)])
const FACETS = ['role', 'tags', 'locale', 'culture_pack', 'genre', 'era', 'style_mode', 'subject', 'content_type', 'strength'] as const

export const releaseSearch = z
  .object({
    query: z.string().trim().min(1).max(8_000),
    top_k: z.int().min(1).max(100).default(8),
    ...(Object.fromEntries(FACETS.map((facet) => [facet, some.optional()])) as Record<(typeof FACETS)[number], z.ZodOptional<typeof some>>),
    role_recipe: z
      .union([
        z.string().min(1).max(200),
        z.array(z.string().min(1).max(200)).min(1).max(50),
        z.object({ roles: z.array(z.string().min(1).max(200)).min(1).max(50) }),
      ])
      .optional()
      .describe('A recipe of the version by its id, or roles that are looked up together.'),
    include_deprecated: z.boolean().default(false),
    kb_version_id: kbVersionId.optional().describe('Reads one version, whatever is live.'),
  })
  .transform(({ query, top_k, role_recipe: recipe, include_deprecated, kb_version_id, ...facets }) => ({
    query,
    top_k,
    include_deprecated,
    ...(kb_version_id === undefined ? {} : { kb_version_id }),
    ...(recipe === undefined ? {} : { role_recipe: typeof recipe === 'object' && !Array.isArray(recipe) ? recipe.roles : recipe }),
    facets: Object.fromEntries(Object.entries(facets).flatMap(([facet, value]) => (value === undefined ? [] : [[facet, value] as const]))),
  }))
  .meta({ example: { query: '教案怎樣寫目標', top_k: 8, role: 'planner', locale: 'zh-Hant' } })

export const releaseAnswer = z
  .object({
    kb_version_id: z.string().describe('Every result is of this version.'),
    results: z.array(
      z.object({
        knowledge_item_id: z.string(),
        chunk_id: z.string(),
        text: z.string(),
        score: z.number(),
        strength: z.string(),
        role: z.union([z.string(), z.array(z.string())]),
        tags: z.array(z.string()),
        metadata: z.record(z.string(), z.unknown()),
      }),
    ),
    conflicts: z
      .array(z.object({ items: z.array(z.string()), reason: z.string() }))
      .describe('Pairs of items that contradict each other, for the caller to settle.'),
  })
  .meta({
    example: {
      kb_version_id: 'KB_V1',
      results: [
        {
          knowledge_item_id: 'KI-001',
          chunk_id: 'c_1',
          text: itemExample.text,
          score: 0.8,
          strength: 'hard_constraint',
          role: 'planner',
          tags: ['objectives'],
          metadata: { content_type: 'rule' },
        },
      ],
      conflicts: [{ items: ['KI-003', 'KI-004'], reason: 'opposing_hard_constraints' }],
    },
  })

export const eventsQuery = z.object({
  after: z.int().min(0).default(0).describe('The sequence of the last event that is known; 0 for all.'),
  limit: z.int().min(1).max(500).default(100),
})

export const eventList = z.object({ events: z.array(eventEnvelope.extend({ sequence: z.int() })), next_after: z.int() }).meta({
  example: {
    events: [
      {
        sequence: 1,
        event_id: '0b9f2a44-6c1e-4f7a-9d55-0f6a4c0e8d11',
        event_type: 'rag.index.ready' as const,
        schema_version: '1.0' as const,
        occurred_at: '2026-02-26T08:00:00.000Z',
        tenant_id: 'kb-lessons',
        project_id: 'lesson-design',
        trace_id: 't-1',
        correlation_id: 'KB_BUILD_0001',
        idempotency_key: 'KB_BUILD_0001:rag.index.ready:',
        run_id: 'f0e1',
        job_id: 'a1b2',
        stage: 'BUILDING_INDEX',
        artifact: null,
        payload: { kb_version_id: 'KB_V1', build_id: 'KB_BUILD_0001', chunks: 3, vectors: 3 },
      },
    ],
    next_after: 1,
  },
})

export const proposalBody = z
  .object({
    changed_items: z.array(knowledgeItem).max(10_000).default([]),
    removed_item_ids: z.array(z.string().max(128)).max(10_000).default([]),
    kb_version_id: kbVersionId.optional().describe('Of the version to build; derived from the live one when it is left out.'),
    ...traced,
  })
  .refine((body) => body.changed_items.length + body.removed_item_ids.length > 0, 'must change or remove at least one item')
  .meta({ example: { changed_items: [itemExample] } })
