// What administrators did and how it ended, a page at a time; whether the trail is as it was written is asked for.
import { useState } from 'preact/hooks'
import { type AuditEntry, auditTrail, verifyTrail } from '../../api/operations.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Banner, Empty, sayError } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { moment } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'

const PAGE = 20

export function AuditTrail() {
  const words = useWords()
  const pages = usePages()
  const [said, setSaid] = useState<{ tone: 'good' | 'warning'; text: string }>()
  const loaded = useLoad((signal) => auditTrail(PAGE, pages.cursor, signal), [pages.cursor])
  const verify = (): void => {
    verifyTrail().then(
      ({ brokenAt }) =>
        setSaid(
          brokenAt === null
            ? { tone: 'good', text: words.operations.trailWhole }
            : { tone: 'warning', text: words.operations.trailBroken(brokenAt) },
        ),
      (error: unknown) => setSaid({ tone: 'warning', text: sayError(error, words) }),
    )
  }
  const actions = (
    <button type="button" class="button small" onClick={verify}>
      {words.operations.verifyTrail}
    </button>
  )
  return (
    <Card title={words.operations.trail} actions={actions}>
      {said === undefined ? null : <Banner tone={said.tone}>{said.text}</Banner>}
      <Shown loaded={loaded}>
        {({ entries }) =>
          entries.length === 0 ? (
            <Empty title={words.operations.trailEmpty} />
          ) : (
            <>
              <Entries rows={entries} />
              <Pager
                pages={pages}
                next={entries.length === PAGE ? String(entries.at(-1)?.entry) : null}
                back={words.operations.newer}
                on={words.operations.older}
              />
            </>
          )
        }
      </Shown>
    </Card>
  )
}

function Entries({ rows }: { rows: AuditEntry[] }) {
  const words = useWords()
  const language = useLanguage()
  return (
    <DataTable
      label={words.operations.trail}
      rows={rows}
      keyOf={({ entry }) => String(entry)}
      columns={[
        { name: words.operations.entry, figure: true, cell: ({ entry }) => entry },
        { name: words.releases.when, cell: ({ at }) => moment(at, language) },
        { name: words.operations.actor, cell: ({ actor }) => actor },
        { name: words.operations.act, cell: ({ action }) => action },
        { name: words.workspace, cell: ({ workspace }) => workspace ?? '–' },
        { name: words.operations.subject, cell: ({ subject }) => Object.values(subject).join(' ') || '–' },
        {
          name: words.operations.outcome,
          cell: ({ outcome }) => (outcome === null ? words.operations.unknownOutcome : (words.operations.outcomes[outcome] ?? outcome)),
        },
      ]}
    />
  )
}
