// On whose behalf models are called: carried along the asynchronous calls, so that no signature has to name it.
import { AsyncLocalStorage } from 'node:async_hooks'

export type UsageContext = { workspace: string; fileId?: string; jobId?: string; /** One for each question. */ queryId?: string }

const storage = new AsyncLocalStorage<UsageContext>()

export function onBehalfOf<T>(context: UsageContext, work: () => Promise<T>): Promise<T> {
  return storage.run(context, work)
}

/** The same for a stream: whatever runs between two of its pieces runs on that behalf. */
export async function* streamOnBehalfOf<T>(context: UsageContext, stream: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  try {
    for (;;) {
      const piece = await storage.run(context, () => stream.next())
      if (piece.done) return
      yield piece.value
    }
  } finally {
    await storage.run(context, () => stream.return())
  }
}

export function usageContext(): UsageContext | undefined {
  return storage.getStore()
}
