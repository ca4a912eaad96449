// What the engine asks of the Java backend: facts about a file, a signed address for it, and to be told how parsing went.
// Implementation: src/java/backend.ts.

/** What the backend knows of a file; each may be missing. */
export type JavaFileInfo = {
  fileName?: string
  /** A media type such as `application/pdf`; a hint, never trusted over the content. */
  mediaType?: string
  /** Bytes, as the backend has them on record. */
  size?: number
}

/** Body of the parse-status report. */
export type ParseStatusBody = {
  parseStatus: 'processing' | 'completed' | 'failed'
  chunkCount: number
  entityCount: number
  /** Starts with the error code; null unless failed. */
  parseError: string | null
  /** The same for backends that read this name; cut to 500 characters on the wire. */
  errorMessage: string | null
}

export type ParseStatusReport = {
  fileId: string
  /** Stays the same over every retry, so that the backend can drop a repeat. */
  eventId: string
  body: ParseStatusBody
  /** The JWT that came in with the parse; without it the backend's own service token is used. */
  token?: string | undefined
  /** Unix seconds of this try; part of what is signed. */
  timestamp: number
}

/** What became of one try. `reason` is safe to store and to show. */
/** One address that is told the events of knowledge releases. */
export type EventWebhook = {
  deliver(event: { eventId: string; body: Record<string, unknown>; timestamp: number }, signal: AbortSignal): Promise<CallbackOutcome>
}

export type CallbackOutcome =
  | { status: 'delivered' }
  /** Network, 408, 429, 5xx: the same event may be sent again later. */
  | { status: 'retry'; retryAfterSeconds?: number; reason: string }
  /** 401 or 403, with the service token too if one is set. */
  | { status: 'unauthorized'; reason: string }
  /** Any other answer; sending it again changes nothing. */
  | { status: 'rejected'; reason: string }

export type JavaBackend = {
  /** @throws AppError `forbidden` | `not_found` (permanent) | `java_unavailable` (transient) */
  fileInfo(fileId: string, token: string | undefined, signal: AbortSignal): Promise<JavaFileInfo>
  /**
   * An absolute address that answers with the file's bytes for a while. It comes from outside: fetch it only with the guarded download.
   * @throws AppError `forbidden` | `not_found` (permanent) | `java_unavailable` (transient)
   */
  downloadUrl(fileId: string, token: string | undefined, signal: AbortSignal): Promise<string>
  /** One try, including the second one with the service token after 401 or 403. Throws only when `signal` is aborted. */
  reportParseStatus(report: ParseStatusReport, signal: AbortSignal): Promise<CallbackOutcome>
  close(): Promise<void>
}

export type DownloadedFile = {
  bytes: Uint8Array
  /** Content-Type without parameters, lower case, when the host gave one. */
  mediaType?: string
  /** Lower-case hex. */
  sha256: string
}

/** The guarded download with its settings bound; implementation: src/java/download.ts. */
export type FileDownload = (url: string, signal: AbortSignal) => Promise<DownloadedFile>
