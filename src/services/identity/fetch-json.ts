// Reads from the identity provider (a trusted, configured address): bounded in time and size, redirects not followed.

/** One GET. Resolves for every HTTP status; rejects on network errors, after `timeoutMs`, and past `maxBytes`. */
export async function fetchText(
  url: string,
  options: { headers?: Record<string, string>; maxBytes: number; timeoutMs: number },
): Promise<{ status: number; text: string }> {
  const response = await fetch(url, {
    headers: { accept: 'application/json', ...options.headers },
    redirect: 'manual',
    signal: AbortSignal.timeout(options.timeoutMs),
  })
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > options.maxBytes) throw new Error(`answer of more than ${options.maxBytes} bytes`)
    parts.push(part)
  }
  return { status: response.status, text: Buffer.concat(parts).toString('utf8') }
}

/** Work that several requests wait for: each stops waiting when its own signal says so, the work itself goes on for the others. */
export async function whileWanted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: gone, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([work, gone])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
