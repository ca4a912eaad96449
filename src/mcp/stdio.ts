// MCP on standard input and output, for an agent on the same machine: whoever starts the process is the caller.
import { serveStdio as serve, type StdioServerHandle } from '@modelcontextprotocol/server/stdio'
import type { Transport } from '@modelcontextprotocol/server'
import type { Principal } from '../core/credentials.ts'
import type { McpOptions } from './caller.ts'
import { createMcpServer } from './server.ts'

export type StdioOptions = McpOptions & {
  principal: Principal
  /** The workspace to act on; undefined: the principal's own. */
  workspace: string | undefined
  /** In place of this process's standard input and output. */
  transport?: Transport
}

/** Serves until the other side closes its end. Nothing else may write to standard output meanwhile. */
export function serveStdio({ principal, workspace, transport, ...options }: StdioOptions): StdioServerHandle {
  const caller = { principal, workspace, gone: undefined, requestId: undefined }
  return serve(() => createMcpServer(options, caller), transport === undefined ? {} : { transport })
}
