// Small pieces both halves of this folder need around undici: bounded reading and what went wrong in words.
import type { Dispatcher } from 'undici'

/** The body as bytes, or undefined once it is longer than `maxBytes`; the connection is dropped then. */
export async function readAtMost(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength
    if (bytes > maxBytes) return undefined // leaving the loop destroys the stream
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Lets go of an answer nobody will read. */
export function discard(body: Dispatcher.ResponseData['body']): void {
  body.on('error', () => {
    // The answer is not wanted, so neither is the news that it was cut off.
  })
  body.destroy()
}

export function header(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

export const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status)

/** Statuses that speak of the moment and not of the request. */
export const isTransient = (status: number) => status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599)

/** The system's or the client's name for a network fault (`ECONNREFUSED`, `UND_ERR_SOCKET`, `TimeoutError`); holds no address. */
export function faultName(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown fault'
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : error.name
}
