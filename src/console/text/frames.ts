// Server-sent events out of a byte stream. EventSource cannot send a credential, so the stream is read from fetch.

export type Frame = { event: string; data: unknown }

/** Yields every complete frame; what stands unfinished at the end is dropped, as the standard says. */
export async function* frames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    const parts = rest.split(/\r?\n\r?\n/)
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const read = frameOf(part)
      if (read !== undefined) yield read
    }
  }
}

function frameOf(text: string): Frame | undefined {
  let event = 'message'
  const data: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('event:')) event = line.slice(6).trim()
    else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
  }
  return data.length === 0 ? undefined : { event, data: JSON.parse(data.join('\n')) as unknown }
}
