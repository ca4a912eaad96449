// A route as data: where it is, who may call it, what goes in and out, and the one service call it makes.
// Validation, types, OpenAPI and the list of routes all follow from these definitions.
import type { Registry } from 'prom-client'
import type { z } from 'zod'
import type { CallKind } from '../core/call-kinds.ts'
import type { Principal } from '../core/credentials.ts'
import type { AppError } from '../core/errors.ts'
import type { Engine } from '../services/api.ts'
import type { Named } from './authorise.ts'
import type { EventStream } from './sse.ts'
import type { ReceivedForm } from './upload.ts'

/**
 * `open`: anybody. `operator`: anybody where the server listens on loopback only, else administrators. `read` and `write`:
 * whoever may read or write the workspace concerned. `browse`: every proven caller, as far as they may see. `service`: other
 * services and administrators. `admin`: administrators. `account`: every proven caller, about nothing but themselves.
 */
export type Access = 'open' | 'operator' | 'read' | 'write' | 'browse' | 'service' | 'admin' | 'account'

export type RouteSchemas = { params?: z.ZodObject; query?: z.ZodObject; body?: z.ZodType; form?: z.ZodObject; reply?: z.ZodType }

type Parsed<S extends z.ZodType | undefined> = S extends z.ZodType ? z.output<S> : undefined

export type Call<S extends RouteSchemas = RouteSchemas> = {
  engine: Engine
  settings: HttpSettings
  metrics: Registry
  requestId: string
  principal: Principal
  /** Feeds `authorise.ts`; the teacher in a body or form is added by the handler through `Named`. */
  named: Named
  params: Parsed<S['params']>
  query: Parsed<S['query']>
  /** Undefined when a form came instead. */
  body: Parsed<S['body']>
  /** The multipart form, read when it is asked for; undefined when the request is none. */
  form: (() => Promise<ReceivedForm>) | undefined
  /** Aborted when the caller goes away, and some seconds after the server began to stop. */
  signal: AbortSignal
  /** Aborted as soon as the server begins to stop; ends streams that have no end of their own. */
  stopping: AbortSignal
  /** Logs what deserves it and gives the error as callers see it; for failures after the answer has begun. */
  report: (error: unknown) => AppError
}

export type HttpSettings = {
  /** The server cannot be reached from another machine. */
  loopback: boolean
  /** A call without credentials is an administrator. */
  development: boolean
  uploadMaxBytes: number
  /** How often the progress of a document is looked at. Default 300. */
  progressPollMs?: number
  /** Longest silence of an event stream. Default 15,000. */
  heartbeatMs?: number
}

/** A body that is not JSON. */
export type PlainText = { contentType: string; text: string }

/** A file as it is, with headers of its own. */
export type FileReply = { contentType: string; bytes: Uint8Array; headers: Record<string, string> }

type Reply<S extends RouteSchemas> = S['reply'] extends z.ZodType ? z.output<S['reply']> | EventStream : EventStream | PlainText | FileReply

export type RouteDefinition<S extends RouteSchemas> = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With `:name` for parameters. */
  path: string
  access: Access
  tag: string
  summary: string
  description: string
  schema: S
  /** Of a good answer. Default 200. */
  status?: 200 | 202
  /** Bytes of a JSON body. Default 1 MiB. */
  bodyLimit?: (settings: HttpSettings) => number
  /** What limits of their own it counts against. Default none. */
  kind?: CallKind
  /** Changes nothing, although who calls it must be allowed to write. */
  looks?: true
  handle(call: Call<S>): Promise<Reply<S>>
}

export type Route = RouteDefinition<RouteSchemas>

/** Checks one definition's handler against its schemas and forgets the difference. */
export function defineRoute<S extends RouteSchemas>(definition: RouteDefinition<S>): Route {
  return definition as unknown as Route
}
