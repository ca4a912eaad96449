// A written answer as it is being written, with citations that open the place they cite, and further questions about it.
import type { TargetedEvent } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { answer, type Question, type Turn } from '../../api/search.ts'
import type { Answer, Reference } from '../../api/types.ts'
import { Banner, Failure } from '../../parts/notice.tsx'
import { RichText } from '../../parts/rich-text.tsx'
import { number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'
import type { ChunkPlace } from './chunk-sheet.tsx'

type Opens = { onOpen: (place: ChunkPlace) => void }
type Exchange = { query: string; text: string; references: Reference[]; done: Answer | undefined; error: unknown }

const begun = (query: string): Exchange => ({ query, text: '', references: [], done: undefined, error: undefined })

export function AnswerPanel({ question, onOpen }: { question: Question } & Opens) {
  const words = useWords()
  const [exchanges, setExchanges] = useState<readonly Exchange[]>([begun(question.query)])
  const controller = useRef<AbortController | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const [further, setFurther] = useState('')

  const write = (before: readonly Exchange[], query: string): void => {
    controller.current?.abort()
    const writing = new AbortController()
    controller.current = writing
    const change = (fields: (last: Exchange) => Partial<Exchange>): void => {
      if (!writing.signal.aborted) setExchanges((all) => all.map((one, at) => (at === before.length ? { ...one, ...fields(one) } : one)))
    }
    setExchanges([...before, begun(query)])
    setBusy(true)
    const listener = {
      references: (references: Reference[]) => change(() => ({ references })),
      token: (text: string) => change((last) => ({ text: last.text + text })),
      done: (done: Answer) => change(() => ({ done, text: done.answer, references: done.references })),
    }
    answer({ ...question, query }, historyOf(before), listener, writing.signal)
      .catch((error: unknown) => change(() => ({ error })))
      .finally(() => {
        if (controller.current === writing) setBusy(false)
      })
  }
  useEffect(() => {
    write([], question.query)
    return () => controller.current?.abort()
  }, [])
  const stop = (): void => {
    controller.current?.abort()
    setBusy(false)
  }
  const askFurther = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    write(exchanges, further.trim())
    setFurther('')
  }
  return (
    <section class="talk" aria-label={words.search.ways.answer}>
      {exchanges.map((exchange, at) => {
        const last = at === exchanges.length - 1
        return (
          <Written
            key={at}
            exchange={exchange}
            writing={busy && last}
            onOpen={onOpen}
            onRetry={last ? () => write(exchanges.slice(0, -1), exchange.query) : undefined}
          />
        )
      })}
      {busy ? (
        <button type="button" class="button" onClick={stop}>
          {words.stop}
        </button>
      ) : (
        <form class="ask" onSubmit={askFurther}>
          <input
            aria-label={words.search.further}
            placeholder={words.search.further}
            maxLength={8000}
            value={further}
            onInput={(event) => setFurther(event.currentTarget.value)}
          />
          <button type="submit" class="button" disabled={further.trim() === ''}>
            {words.search.submit.answer}
          </button>
        </form>
      )}
    </section>
  )
}

const historyOf = (exchanges: readonly Exchange[]): Turn[] =>
  exchanges
    .filter(({ done }) => done !== undefined)
    .flatMap(({ query, text }): Turn[] => [
      { role: 'user', content: query },
      { role: 'assistant', content: text },
    ])

type WrittenProps = { exchange: Exchange; writing: boolean; onRetry: (() => void) | undefined } & Opens

function Written({ exchange: { query, text, references, done, error }, writing, onOpen, onRetry }: WrittenProps) {
  const words = useWords()
  const language = useLanguage()
  const citations = useMemo(() => {
    const byId = new Map(references.map((reference) => [reference.id, reference]))
    return {
      ids: new Set(byId.keys()),
      open: (id: number) => {
        const reference = byId.get(id)
        if (reference !== undefined) onOpen(reference)
      },
      label: (id: number) => words.search.citation(id, byId.get(id)?.source ?? ''),
    }
  }, [references, words])
  return (
    <article class="exchange" aria-busy={writing}>
      <p class="exchange-question">{query}</p>
      {error === undefined ? null : <Failure error={error} {...(onRetry === undefined ? {} : { onRetry })} />}
      {text === '' && writing ? <p class="quiet">{references.length > 0 ? words.search.writing : words.search.looking}</p> : null}
      <div class={writing ? 'answer answer-writing' : 'answer'}>
        <RichText text={text} citations={citations} />
      </div>
      {done?.searchedFor === undefined ? null : <p class="quiet small">{words.search.searchedFor(done.searchedFor)}</p>}
      {done?.cached === true ? <p class="quiet small">{words.search.cached}</p> : null}
      {done?.noEvidence === true ? <Banner tone="info">{words.search.noEvidence}</Banner> : null}
      {done?.degraded === true ? <Banner>{done.degradedReason ?? words.search.degraded}</Banner> : null}
      {references.length === 0 ? null : (
        <ol class="references" aria-label={words.search.references}>
          {references.map((reference) => (
            <li key={reference.id} value={reference.id}>
              <button type="button" class="link" onClick={() => onOpen(reference)}>
                {reference.source}
              </button>{' '}
              <span class="quiet small">
                {[reference.page === null ? '' : words.pageNumber(reference.page), reference.headings.join(' › ')]
                  .filter((part) => part !== '')
                  .join(' · ')}
              </span>
            </li>
          ))}
        </ol>
      )}
      {done === undefined || done.usage.inputTokens + done.usage.outputTokens === 0 ? null : (
        <p class="quiet small">{words.search.usage(number(done.usage.inputTokens, language), number(done.usage.outputTokens, language))}</p>
      )}
    </article>
  )
}
