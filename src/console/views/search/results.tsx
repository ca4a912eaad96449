// What a search found: chunks with their score and why each is there, entities and relations beside them.
import { search, type Question } from '../../api/search.ts'
import type { PathStep, SearchResponse, SearchResult } from '../../api/types.ts'
import { Banner, Empty, Failure, sayError, Skeleton } from '../../parts/notice.tsx'
import { InlineText, RichText } from '../../parts/rich-text.tsx'
import { useLoad } from '../../state/load.ts'
import { href } from '../../state/route.ts'
import { useWords } from '../../words/words.ts'
import { ChunkHead } from '../documents/chunks.tsx'
import type { ChunkPlace } from './chunk-sheet.tsx'

type Opens = { onOpen: (place: ChunkPlace) => void }

export function Results({ question, onOpen }: { question: Question } & Opens) {
  const words = useWords()
  const { value, error, loading, reload } = useLoad((signal) => search(question, signal), [JSON.stringify(question)])
  if (value === undefined) return error === undefined ? <Skeleton lines={8} /> : <Failure error={error} onRetry={reload} />
  return (
    <div class="found" aria-busy={loading}>
      <section aria-label={words.search.results}>
        {error === undefined ? null : <Banner>{sayError(error, words)}</Banner>}
        <Summary response={value} />
        {value.results.length === 0 ? (
          <Empty icon="search" title={question.mode === 'bypass' ? words.search.bypass : words.search.nothing} />
        ) : (
          <ol class="hits">
            {value.results.map((result) => (
              <Hit key={`${result.workspace} ${result.chunkId}`} result={result} onOpen={onOpen} />
            ))}
          </ol>
        )}
      </section>
      <GraphHits response={value} />
    </div>
  )
}

export function Summary({ response }: { response: SearchResponse }) {
  const words = useWords()
  const { results, timings, degraded, degradedReason, keywords } = response
  const found = [...keywords.lowLevel, ...keywords.highLevel]
  return (
    <>
      <p class="quiet small" role="status">
        {words.search.summary(results.length, Math.round(timings.totalMs))}
        {found.length === 0 ? null : ` · ${words.search.keywords}: ${found.join(' / ')}`}
      </p>
      {degraded === true ? <Banner>{degradedReason ?? words.search.degraded}</Banner> : null}
    </>
  )
}

function Hit({ result, onOpen }: { result: SearchResult } & Opens) {
  const words = useWords()
  const { source, workspace, fileId, chunkId, score, content, section, explain } = result
  const ways = [...new Set(Object.values(explain ?? {}).map(({ path }) => wayOf(path ?? [])))].filter((way) => way !== '')
  return (
    <li class="hit">
      <header>
        <button type="button" class="link" onClick={() => onOpen({ workspace, fileId, chunkId, source })}>
          {source}
        </button>
        <Score score={score} />
      </header>
      <ChunkHead chunk={result} />
      <div class="hit-text">
        <RichText text={content} />
      </div>
      {section === undefined ? null : (
        <details>
          <summary class="small">{words.search.section}</summary>
          <RichText text={section.content} />
        </details>
      )}
      {explain === undefined ? null : (
        <p class="legs">
          <span class="quiet small">{words.search.because}</span>
          {Object.entries(explain)
            .sort(([, a], [, b]) => a.rank - b.rank)
            .map(([leg, { rank, score: legScore }]) => (
              <span key={leg} class={`tag leg leg-${leg}`} title={words.search.legScore(legScore.toFixed(3))}>
                {(words.search.legs as Record<string, string>)[leg] ?? leg} <b>#{rank}</b>
              </span>
            ))}
        </p>
      )}
      {ways.map((way) => (
        <p key={way} class="quiet small">
          {words.search.path(way)}
        </p>
      ))}
    </li>
  )
}

/** The names that were walked over. */
const wayOf = (path: readonly PathStep[]): string =>
  path.flatMap(({ entity, relation }) => entity ?? (relation === undefined ? [] : `${relation.source} – ${relation.target}`)).join(' → ')

export function Score({ score }: { score: number }) {
  const words = useWords()
  return (
    <span class="score" title={words.search.score}>
      <span class="score-bar" aria-hidden="true">
        <span style={{ width: `${Math.round(score * 100)}%` }} />
      </span>
      {score.toFixed(3)}
    </span>
  )
}

function GraphHits({ response: { entities, relations } }: { response: SearchResponse }) {
  const words = useWords()
  if (entities.length === 0 && relations.length === 0) return null
  return (
    <aside aria-label={words.search.graph}>
      {entities.length === 0 ? null : (
        <section class="card">
          <h2>{words.search.entities}</h2>
          <ul class="entities">
            {entities.map(({ name, type, description, workspace, score }) => (
              <li key={`${workspace} ${name}`}>
                <a href={href(['graph'], { entity: name })}>{name}</a> <span class="tag">{type}</span>
                <span class="quiet small"> {score.toFixed(2)}</span>
                <p class="small clamp">
                  <InlineText text={description} />
                </p>
              </li>
            ))}
          </ul>
        </section>
      )}
      {relations.length === 0 ? null : (
        <section class="card">
          <h2>{words.search.relations}</h2>
          <ul class="entities">
            {relations.map(({ source, target, keywords, description, workspace, score }) => (
              <li key={`${workspace} ${source} ${target} ${keywords}`}>
                <span>
                  {source} <span class="arrow">→</span> {target}
                </span>{' '}
                <span class="tag">{keywords}</span>
                <span class="quiet small"> {score.toFixed(2)}</span>
                <p class="small clamp">
                  <InlineText text={description} />
                </p>
              </li>
            ))}
          </ul>
        </section>
      )}
    </aside>
  )
}
