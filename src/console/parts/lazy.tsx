// Views that are fetched when they are first opened, with a way out when the network fails meanwhile.
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import { Failure, Skeleton } from './notice.tsx'

/** A component whose code comes by `load`. Loaded once; a failed load can be tried again. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let kept: ComponentType<P> | undefined
  return function Lazy(properties: P) {
    const [state, setState] = useState<{ component?: ComponentType<P> | undefined; failed: boolean }>({ component: kept, failed: false })
    const fetchIt = (): void => {
      setState({ failed: false })
      load().then(
        (component) => {
          kept = component
          setState({ component, failed: false })
        },
        () => setState({ failed: true }),
      )
    }
    useEffect(() => {
      if (kept === undefined) fetchIt()
    }, [])
    const Component = state.component
    if (Component !== undefined) return <Component {...properties} />
    return state.failed ? <Failure error={new ApiError(0, 'unreachable', '')} onRetry={fetchIt} /> : <Skeleton />
  }
}
