// The three states of something loaded, once and for all: skeleton, failure with a way to ask again, content.
import type { ComponentChildren } from 'preact'
import type { Loaded } from '../state/load.ts'
import { useWords } from '../words/words.ts'
import { Banner, Failure, sayError, Skeleton } from './notice.tsx'

type Props<T> = { loaded: Loaded<T>; lines?: number; children: (value: T) => ComponentChildren }

/** A failed refresh keeps the last good content and says so above it. */
export function Shown<T>({ loaded: { value, error, reload }, lines, children }: Props<T>) {
  const words = useWords()
  if (value === undefined)
    return error === undefined ? <Skeleton {...(lines === undefined ? {} : { lines })} /> : <Failure error={error} onRetry={reload} />
  return (
    <>
      {error === undefined ? null : <Banner>{sayError(error, words)}</Banner>}
      {children(value)}
    </>
  )
}
