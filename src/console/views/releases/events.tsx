// What happened to a knowledge base, the latest first, and which builds are under way.
import type { ReleaseEvent } from '../../api/releases.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { moment } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'

const SHOWN = 30
const ENDS: ReadonlySet<string> = new Set(['job.succeeded', 'job.failed'])

const buildOf = ({ payload }: ReleaseEvent): string | undefined =>
  typeof payload['build_id'] === 'string' ? payload['build_id'] : undefined

/** The first of these fields that holds a text. */
const said = (payload: Record<string, unknown>, ...names: string[]): string =>
  names.map((name) => payload[name]).find((value) => typeof value === 'string') ?? '–'

/** Builds with a beginning and no end. */
export function runningBuilds(events: readonly ReleaseEvent[]): string[] {
  const ended = new Set(events.filter(({ event_type }) => ENDS.has(event_type)).map(buildOf))
  return [...new Set(events.map(buildOf))].filter((build): build is string => build !== undefined && !ended.has(build))
}

export function Events({ events }: { events: ReleaseEvent[] }) {
  const words = useWords()
  const language = useLanguage()
  const running = runningBuilds(events)
  return (
    <Card title={words.releases.events}>
      {running.length === 0 ? null : (
        <p>
          <span class="badge badge-processing">{words.releases.running}</span> {running.join(', ')}
        </p>
      )}
      {events.length === 0 ? (
        <Empty title={words.releases.noEvents} />
      ) : (
        <DataTable
          label={words.releases.events}
          rows={events.slice(0, SHOWN)}
          keyOf={({ event_id }) => event_id}
          columns={[
            { name: words.releases.when, cell: ({ occurred_at }) => moment(occurred_at, language) },
            { name: words.releases.event, cell: ({ event_type }) => event_type },
            { name: words.releases.version, cell: ({ payload }) => said(payload, 'kb_version_id') },
            {
              name: words.releases.state,
              cell: ({ payload }) => said(payload, 'state', 'recommendation', 'error'),
            },
          ]}
        />
      )}
    </Card>
  )
}
