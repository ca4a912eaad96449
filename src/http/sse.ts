// Server-sent events: frames, heartbeats, and the end of the stream when the reader goes away.
import { Readable } from 'node:stream'

export type SseEvent = { event: string; data: unknown }

/** What a route returns instead of a body. */
export class EventStream {
  readonly events: AsyncGenerator<SseEvent, void>

  constructor(events: AsyncGenerator<SseEvent, void>) {
    this.events = events
  }

  /** Frames as bytes, with a comment after every `heartbeatMs` of silence so that proxies keep the connection. */
  bytes(heartbeatMs: number): Readable {
    return Readable.from(framed(this.events, heartbeatMs), { objectMode: false })
  }
}

export const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Tells nginx not to collect the stream before passing it on.
  'x-accel-buffering': 'no',
}

/** JSON has no raw line ends, so one data line is always enough. */
export function frame({ event, data }: SseEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

async function* framed(events: AsyncGenerator<SseEvent, void>, heartbeatMs: number): AsyncGenerator<Buffer, void> {
  let next = events.next()
  try {
    for (;;) {
      const arrived = await firstOf(next, heartbeatMs)
      if (arrived === undefined) {
        yield Buffer.from(': still here\n\n')
        continue
      }
      if (arrived.done === true) return
      yield Buffer.from(frame(arrived.value))
      next = events.next()
    }
  } finally {
    // A reader that left while an event was awaited must not leave its rejection unheard.
    next.catch(() => undefined)
    await events.return()
  }
}

async function firstOf<T>(awaited: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined)
  })
  try {
    return await Promise.race([awaited, silence])
  } finally {
    clearTimeout(timer)
  }
}
