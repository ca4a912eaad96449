// The smallest shared state: a value, who listens, and a hook that follows it.
import { useEffect, useState } from 'preact/hooks'

export type Store<T> = { get(): T; set(value: T): void; subscribe(listener: () => void): () => void }

export function createStore<T>(initial: T): Store<T> {
  const listeners = new Set<() => void>()
  let current = initial
  return {
    get: () => current,
    set: (value) => {
      if (Object.is(value, current)) return
      current = value
      for (const listener of listeners) listener()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState(0)
  // The value may have changed between drawing and listening.
  useEffect(() => {
    redraw((times) => times + 1)
    return store.subscribe(() => redraw((times) => times + 1))
  }, [store])
  return store.get()
}
