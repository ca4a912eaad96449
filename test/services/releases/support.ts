// The sample knowledge base and a place to build it in.
import { readFileSync } from 'node:fs'
import { releaseRequest, type ReleaseRequest } from '../../../src/core/release-request.ts'
import { workspaceId, type WorkspaceId } from '../../../src/core/workspace.ts'
import type { Database } from '../../../src/ports/database.ts'
import type { EmbeddingModel, Models } from '../../../src/ports/models.ts'
import type { BuildView, ReleaseQuery, Releases } from '../../../src/services/releases/api.ts'
import { createReleases } from '../../../src/services/releases/releases.ts'
import { startTestEngine, testModels, type TestEngine } from '../../support/engine.ts'

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/kb-sample/${name}.json`, import.meta.url), 'utf8'))

/** The sample, with whatever a test wants changed; every call is a copy of its own. */
export function sample(change: (request: ReleaseRequest) => void = () => undefined): ReleaseRequest {
  const request = releaseRequest.parse({
    manifest: read('kb_release_manifest'),
    knowledge_items: read('knowledge_items'),
    preview_queries: read('preview_queries'),
    role_recipes: [{ role_recipe_id: 'authoring', roles: ['planner', 'writer'] }],
  })
  change(request)
  return request
}

export type Counted = Models & { embedded: string[]; gate: Promise<void> | undefined; failing: boolean }

/** Built-in vectors under other names, so that replies are stored and every embedded text is seen. */
export function countedModels(): Counted {
  const plain = testModels(undefined)
  const models = { ...plain, embedded: [], gate: undefined, failing: false } as unknown as Counted
  const named = (model: string): EmbeddingModel => ({
    model,
    dim: plain.embedding.dim,
    maxBatch: 64,
    // A reply that is on its way when a stop begins still arrives.
    embed: async (texts, kind) => {
      await models.gate
      if (models.failing) throw new Error('the model broke')
      if (kind === 'document') models.embedded.push(...texts)
      return plain.embedding.embed(texts, kind, signal)
    },
  })
  const known = ['remote/first', 'remote/second'].map(named)
  models.embedding = known[0] ?? plain.embedding
  models.embeddingFor = (model, dim) => [...known, plain.embedding].find((one) => one.model === model && one.dim === dim)
  return models
}

export type Place = {
  engine: TestEngine
  releases: Releases
  models: Counted
  kb: WorkspaceId
  /** Builds and waits for the end. */
  built(request: ReleaseRequest): Promise<BuildView>
  ended(buildId: string): Promise<BuildView>
  ask(query: string, more?: Partial<ReleaseQuery>): ReturnType<Releases['search']>
}

export const traced = { trace_id: 'trace-1', correlation_id: 'correlation-1' }
export const signal = new AbortController().signal

export function openPlace(database: Database, id: string, options: { backoffMs?: number } = {}): Place {
  const models = countedModels()
  const engine = startTestEngine(database, { ...options, models })
  const releases = createReleases(engine.deps)
  const kb = workspaceId(`kb-${id}`)
  const ended = async (buildId: string): Promise<BuildView> => {
    for (;;) {
      const view = await releases.getBuild(kb, buildId)
      if (view.finished_at !== null) return view
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  return {
    engine,
    releases,
    models,
    kb,
    ended,
    built: async (request) => ended((await releases.build(kb, request, traced)).build_id),
    ask: (query, more = {}) => releases.search(kb, { query, top_k: 8, facets: {}, include_deprecated: false, ...more }, signal),
  }
}
