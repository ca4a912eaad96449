// Tools as agents see them: a name, words, two schemas and one call. Made from the HTTP routes by the HTTP way in, spoken by
// the MCP way in; neither knows the other.
import type { CallKind } from '../core/call-kinds.ts'
import type { Principal } from '../core/credentials.ts'

export type JsonSchema = { [keyword: string]: unknown }

/** `done` of `total` (unknown when absent), with a word on what is going on. */
export type Progress = (message: string, done: number, total?: number) => void

export type ToolCall = {
  principal: Principal
  /** As `X-Workspace` named it; an argument of the call counts instead. */
  workspace: string | undefined
  requestId: string
  signal: AbortSignal
  progress: Progress
}

export type Tool = {
  name: string
  title: string
  description: string
  kind: CallKind | undefined
  /** Of the arguments: an object. */
  input: JsonSchema
  /** Of the result: an object. */
  output: JsonSchema
  /** @throws AppError as the use case does, and `invalid_request` for arguments that break the schema. */
  call(args: Record<string, unknown>, call: ToolCall): Promise<Record<string, unknown>>
}
