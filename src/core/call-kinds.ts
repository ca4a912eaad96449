// Kinds of calls that cost more than a look-up, and may have a limit of their own.
export const CALL_KINDS = ['search', 'answer', 'ingest', 'embed'] as const
export type CallKind = (typeof CALL_KINDS)[number]
