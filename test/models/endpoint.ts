// An endpoint of the local model server for tests.
import type { Endpoint } from '../../src/models/roles.ts'
import type { ModelServer } from '../support/model-server.ts'

export function endpointOf(server: Pick<ModelServer, 'url'>, over: Partial<Endpoint> = {}): Endpoint {
  return {
    role: 'extract',
    baseUrl: server.url,
    apiKey: 'test-key-1234567890',
    model: 'qwen-plus',
    concurrency: 8,
    timeoutMs: 60_000,
    options: {},
    settings: { baseUrl: 'EXTRACT_BASE_URL', apiKey: 'EXTRACT_API_KEY', model: 'EXTRACT_MODEL' },
    ...over,
  }
}
