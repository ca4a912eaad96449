// Something asked from the API: still coming, here, or refused. While it is asked again the old answer stays.
import { useCallback, useEffect, useState } from 'preact/hooks'

export type Loaded<T> = {
  value: T | undefined
  error: unknown
  loading: boolean
  reload: () => void
}

/**
 * Asks whenever a dependency changes; the answer to an older question is dropped.
 *
 * @param everyMs asks again this long after each answer; undefined: only when told.
 */
export function useLoad<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  dependencies: readonly unknown[],
  everyMs?: (value: T) => number | undefined,
): Loaded<T> {
  const [turn, setTurn] = useState(0)
  const [state, setState] = useState<{ value: T | undefined; error: unknown; loading: boolean }>({
    value: undefined,
    error: undefined,
    loading: true,
  })
  const reload = useCallback(() => setTurn((last) => last + 1), [])
  useEffect(() => setState({ value: undefined, error: undefined, loading: true }), dependencies)
  useEffect(() => {
    const controller = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    setState((before) => ({ ...before, loading: true }))
    ask(controller.signal).then(
      (value) => {
        if (controller.signal.aborted) return
        setState({ value, error: undefined, loading: false })
        const pause = everyMs?.(value)
        if (pause !== undefined) timer = setTimeout(reload, pause)
      },
      (error: unknown) => {
        if (!controller.signal.aborted) setState((before) => ({ value: before.value, error, loading: false }))
      },
    )
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [...dependencies, turn])
  return { ...state, reload }
}
