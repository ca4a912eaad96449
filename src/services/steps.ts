// What the service is doing, told to whoever measures: steps with a beginning and an end, and things that happened. Published on Node's
// own diagnostics channels, so that no signature has to carry a meter and nothing is done while nobody listens. No content, ever.
import { channel, tracingChannel } from 'node:diagnostics_channel'

/** `request`: one HTTP call. `job`: one attempt. `stage`: a part of ingesting. `leg`: one search that a mode asks for. */
export type Step = {
  name: 'request' | 'job' | 'stage' | 'leg'
  /** What it is one of; few values, as metrics are kept by them. */
  of: string
  /** Ids and codes, for traces. */
  attributes: Record<string, string | number>
  /** W3C traceparent of whoever asked. */
  parent?: string | undefined
  error?: unknown
}

export type Happening =
  | {
      kind: 'model'
      role: string
      model: string
      ok: boolean
      ms: number
      inputTokens: number
      cachedTokens: number
      outputTokens: number
      costCny: number
    }
  | { kind: 'cache'; cache: 'extraction' | 'embedding'; hits: number; misses: number }
  /** Chunks that needed no extractor, by what explained them. */
  | { kind: 'explained'; by: string; chunks: number }
  | { kind: 'tier'; moved: 'promoted' | 'demoted'; workspaces: number }

export const STEPS = tracingChannel<unknown, Step>('insight-rag:step')
export const HAPPENINGS = channel('insight-rag:happening')

export function step<T>(name: Step['name'], of: string, work: () => Promise<T>, attributes: Step['attributes'] = {}): Promise<T> {
  return STEPS.tracePromise(work, { name, of, attributes })
}

/** For what ends in another callback than it began: everything that `work` starts belongs to the step; the result ends it. */
export function beginStep(begun: Step, work: () => void): () => void {
  STEPS.start.runStores(begun, work)
  return () => STEPS.asyncEnd.publish(begun)
}

export function happened(happening: Happening): void {
  HAPPENINGS.publish(happening)
}
