// What an MCP server is made from, and on whose behalf it acts.
import { randomUUID } from 'node:crypto'
import type { Principal } from '../core/credentials.ts'
import type { AppError } from '../core/errors.ts'
import type { Progress, Tool, ToolCall } from '../services/tools.ts'

export type McpOptions = {
  /** By name; those without a title are what resources are read with. */
  tools: ReadonlyMap<string, Tool>
  version: string
  /** Logs what deserves it and gives the error as callers see it. */
  report: (error: unknown, tool: string) => AppError
}

/** On whose behalf a server acts. */
export type Caller = {
  principal: Principal
  workspace: string | undefined
  /** Aborted when the caller goes away. */
  gone: AbortSignal | undefined
  requestId: string | undefined
}

export function toolCall(caller: Caller, signal: AbortSignal, progress: Progress): ToolCall {
  const { principal, workspace, gone, requestId = randomUUID() } = caller
  return { principal, workspace, requestId, progress, signal: gone === undefined ? signal : AbortSignal.any([gone, signal]) }
}
