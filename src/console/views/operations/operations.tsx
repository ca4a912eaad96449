// How the service is: health, workspaces, waiting work with its reason and age, undeliverable callbacks, use of models.
import { readiness } from '../../api/operations.ts'
import type { Readiness, WorkspaceView } from '../../api/types.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Banner, Empty } from '../../parts/notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import type { Me } from '../../state/session.ts'
import { number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'
import { listWorkspaces } from '../workspace-switch.tsx'
import { AuditTrail } from './audit-trail.tsx'
import { Callbacks } from './callbacks.tsx'
import { ModelUseCard } from './model-use.tsx'
import { QueueCard } from './queue.tsx'

const HEALTH_MS = 5_000

export function OperationsView({ me }: { me: Me }) {
  const words = useWords()
  const health = useLoad(readiness, [], () => HEALTH_MS)
  const workspaces = useLoad(listWorkspaces, [])
  return (
    <Page title={words.view.operations} lead={words.operations.lead}>
      <Card title={words.operations.health}>
        <Shown loaded={health} lines={3}>
          {(value) => <Health readiness={value} />}
        </Shown>
      </Card>
      {me.kind === 'admin' ? (
        <>
          <QueueCard />
          <Callbacks />
          <ModelUseCard />
          <AuditTrail />
        </>
      ) : (
        <Banner tone="info">{words.operations.adminsOnly}</Banner>
      )}
      <Card title={words.operations.workspaces}>
        <Shown loaded={workspaces}>{(value) => <Workspaces rows={value.workspaces} />}</Shown>
      </Card>
    </Page>
  )
}

function Health({ readiness: { ready, seeding, reasons, checks } }: { readiness: Readiness }) {
  const words = useWords()
  return (
    <>
      <p>
        <span class={`badge badge-${ready ? 'completed' : 'failed'}`}>{ready ? words.operations.ready : words.operations.notReady}</span>{' '}
        {seeding ? <span class="badge badge-processing">{words.operations.seeding}</span> : null}
      </p>
      {reasons.map((reason) => (
        <p key={reason} class="error">
          {reason}
        </p>
      ))}
      <dl class="facts facts-rows">
        {Object.entries(checks).map(([name, value]) => (
          <div key={name}>
            <dt>{(words.operations.checks as Record<string, string>)[name] ?? name}</dt>
            <dd>{words.operations.fine[value] ?? value}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

function Workspaces({ rows }: { rows: WorkspaceView[] }) {
  const words = useWords()
  const language = useLanguage()
  if (rows.length === 0) return <Empty title={words.operations.noWorkspaces} />
  const figure = (name: string, read: (row: WorkspaceView) => number) => ({
    name,
    figure: true,
    cell: (row: WorkspaceView) => number(read(row), language),
  })
  return (
    <DataTable
      label={words.operations.workspaces}
      rows={rows}
      keyOf={({ workspace }) => workspace}
      columns={[
        { name: words.workspace, cell: ({ workspace }) => workspace },
        figure(words.view.documents, (row) => row.documents),
        figure(words.documents.chunks, (row) => row.chunks),
        figure(words.documents.entities, (row) => row.entities),
        figure(words.documents.relations, (row) => row.relations),
        { name: words.operations.embedding, cell: ({ embedding }) => `${embedding.model} · ${embedding.dim}` },
      ]}
    />
  )
}
