// The MCP way in over real HTTP, spoken to by the protocol's own client.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { FastifyInstance } from 'fastify'
import type { Tool } from '../../src/services/tools.ts'
import { createTools } from '../../src/http/tools.ts'
import { toAppError } from '../../src/http/errors.ts'
import { mountMcp } from '../../src/mcp/mount.ts'
import { createIdentity, type Identity } from '../../src/services/identity.ts'
import { fakeEngine, type FakeEngine } from '../support/fake-engine.ts'
import { memoryLog } from '../support/engine.ts'
import { ADMIN, SERVICE, startTestServer, type TestServer } from '../http/support.ts'
import { TEST_SECRET } from '../support/tokens.ts'
import type { Engine } from '../../src/services/api.ts'

export type McpTestServer = {
  server: TestServer
  engine: FakeEngine
  log: ReturnType<typeof memoryLog>
  connect(headers?: Record<string, string>, mode?: 'auto' | 'legacy'): Promise<Client>
}

const SETTINGS = { loopback: false, development: false, uploadMaxBytes: 1000 }

export function testTools(engine: Engine): ReadonlyMap<string, Tool> {
  return createTools(engine, SETTINGS)
}

/** With an engine of its own for the tools, so that a test can put the real one there. */
export async function startMcpServer(
  options: { engine?: Engine; admit?: (calls: number, kind: string | undefined) => Promise<void> } = {},
): Promise<McpTestServer> {
  const engine = fakeEngine()
  const log = memoryLog()
  const identity: Identity = createIdentity({
    secret: TEST_SECRET,
    adminToken: ADMIN['x-admin-token'],
    internalTokens: [SERVICE['x-internal-token']],
    development: false,
    now: Date.now,
  })
  let calls = 0
  const mount = (app: FastifyInstance): Promise<void> =>
    mountMcp(app, {
      tools: testTools(options.engine ?? engine),
      version: '0.0.0',
      identity,
      log,
      admit: async (_principal, _headers, kind) => options.admit?.((calls += 1), kind),
      issuer: 'https://id.example.com',
      report: (error, tool) => {
        const known = toAppError(error)
        if (known.code === 'internal_error') log.error({ tool }, 'a tool failed')
        return known
      },
    })
  const server = await startTestServer({ loopback: false, mounts: [mount], engine })
  return {
    server,
    engine,
    log,
    connect: async (headers = {}, mode = 'auto') => {
      const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } })
      await client.connect(new StreamableHTTPClientTransport(new URL(`${server.base}/mcp`), { requestInit: { headers } }))
      return client
    },
  }
}
