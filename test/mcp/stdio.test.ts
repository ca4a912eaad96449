// MCP on standard input and output: the same tools, for whoever started the process.
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { asAppError } from '../../src/core/errors.ts'
import { principal } from '../../src/core/credentials.ts'
import { serveStdio } from '../../src/mcp/stdio.ts'
import { fakeEngine } from '../support/fake-engine.ts'
import { testTools } from './support.ts'

type Message = { id?: number; result?: Record<string, unknown>; error?: { message: string } }

/** Speaks line by line, as a client that starts the process does. */
function speak(workspace: string | undefined) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const engine = fakeEngine()
  const handle = serveStdio({
    tools: testTools(engine),
    version: '0.0.0',
    principal: principal('admin'),
    workspace,
    report: (error) => asAppError(error),
    transport: new StdioServerTransport(input, output),
  })
  const waiting = new Map<number, (message: Message) => void>()
  let rest = ''
  output.on('data', (part: Buffer) => {
    const lines = (rest + part.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const message = JSON.parse(line) as Message
      if (message.id !== undefined) waiting.get(message.id)?.(message)
    }
  })
  let last = 0
  const send = (message: object): void => void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const ask = (method: string, params: object = {}): Promise<Message> => {
    const id = (last += 1)
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve))
    send({ id, method, params })
    return answer
  }
  return { engine, handle, ask, send }
}

test('a local agent gets the same tools and acts on the workspace it was started for', async () => {
  const { engine, handle, ask, send } = speak('teacher-007')
  const opened = await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } })
  expect(opened.result).toMatchObject({ serverInfo: { name: 'insight-rag', version: '0.0.0' } })
  send({ method: 'notifications/initialized' })
  const { result: listed } = await ask('tools/list')
  expect(listed?.['tools']).toHaveLength(7)
  const { result } = await ask('tools/call', { name: 'get_prerequisites', arguments: { entity: '頂點公式' } })
  expect(result).toMatchObject({ structuredContent: { entity: '頂點公式', chain: [], cycles: [] } })
  expect(engine.last()).toMatchObject({ about: ['prerequisites', ['teacher-007', 'public'], { entity: '頂點公式', depth: 5 }] })
  const { result: refused } = await ask('tools/call', { name: 'get_subgraph', arguments: {} })
  expect(refused).toMatchObject({ isError: true })
  await handle.close()
})
