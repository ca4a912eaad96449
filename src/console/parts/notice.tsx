// What stands where content would be: it is coming, there is none, it could not be had. Never a blank page.
import type { ComponentChildren } from 'preact'
import { ApiError } from '../api/client.ts'
import { type Words, useWords } from '../words/words.ts'
import { Icon, type IconName } from './icons.tsx'

export function Skeleton({ lines = 5 }: { lines?: number }) {
  const words = useWords()
  return (
    <div class="skeleton" role="status" aria-label={words.loading}>
      {Array.from({ length: lines }, (_, at) => (
        <span key={at} />
      ))}
    </div>
  )
}

export function Empty({ icon = 'empty', title, children }: { icon?: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <Icon name={icon} />
      <p class="notice-title">{title}</p>
      {children}
    </div>
  )
}

/** An error in words: by its code where the console can say more than the service, else the service's own sentence. */
export function sayError(error: unknown, words: Words): string {
  if (!(error instanceof ApiError)) return words.errors.unexpected
  const known = (words.errors as Record<string, string>)[error.code]
  return known ?? (error.message === '' ? words.errors.unexpected : error.message)
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const words = useWords()
  const id = error instanceof ApiError ? error.requestId : undefined
  return (
    <div class="notice notice-error" role="alert">
      <Icon name="warning" />
      <p class="notice-title">{sayError(error, words)}</p>
      {id === undefined ? null : (
        <p class="quiet small">
          {words.requestId} <code>{id}</code>
        </p>
      )}
      {onRetry === undefined ? null : (
        <button type="button" class="button" onClick={onRetry}>
          {words.retry}
        </button>
      )}
    </div>
  )
}

/** One line above content that is still good, for instance when a refresh failed. */
export function Banner({ tone = 'warning', children }: { tone?: 'warning' | 'info' | 'good'; children: ComponentChildren }) {
  return (
    <div class={`banner banner-${tone}`} role="status">
      {children}
    </div>
  )
}
