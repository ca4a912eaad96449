// Which workspace used how much of which model: what a bill would be made of.
import { useState } from 'preact/hooks'
import { type Budget, modelUse, type ModelUse, USE_BY, type UseBy } from '../../api/operations.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Banner, Empty } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { cny, number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'

const SPANS = [1, 7, 30, 365] as const

export function ModelUseCard() {
  const words = useWords()
  const [by, setBy] = useState<UseBy>('workspace')
  const [days, setDays] = useState(30)
  const loaded = useLoad((signal) => modelUse(by, days, signal), [by, days])
  const choices = (
    <div class="page-actions">
      <select aria-label={words.operations.by} value={by} onChange={(event) => setBy(event.currentTarget.value as UseBy)}>
        {USE_BY.map((one) => (
          <option key={one} value={one}>
            {words.operations.useBy[one]}
          </option>
        ))}
      </select>
      <select aria-label={words.operations.span} value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
        {SPANS.map((one) => (
          <option key={one} value={one}>
            {words.operations.days(one)}
          </option>
        ))}
      </select>
    </div>
  )
  return (
    <Card title={words.operations.modelUse} actions={choices}>
      <Shown loaded={loaded} lines={1}>
        {({ budget }) => <NearBudget budget={budget} />}
      </Shown>
      <Shown loaded={loaded}>
        {({ use }) =>
          use.length === 0 ? (
            <Empty title={words.operations.noUse} />
          ) : (
            <UseTable use={use} by={by} label={words.operations.modelUse} workspaces />
          )
        }
      </Shown>
    </Card>
  )
}

type TableProps = { use: ModelUse[]; by: UseBy; label: string; workspaces?: boolean }

export function UseTable({ use, by, label, workspaces = false }: TableProps) {
  const words = useWords()
  const language = useLanguage()
  const named: Record<UseBy, Column<ModelUse>[]> = {
    workspace: [],
    model: [
      { name: words.operations.role, cell: ({ role = '' }) => words.operations.roles[role] ?? role },
      { name: words.documents.model, cell: ({ model }) => model },
    ],
    day: [{ name: words.operations.day, cell: ({ day }) => day }],
    document: [{ name: 'fileId', cell: ({ fileId }) => fileId }],
  }
  const figure = (name: string, read: (row: ModelUse) => number): Column<ModelUse> => ({
    name,
    figure: true,
    cell: (row) => number(read(row), language),
  })
  return (
    <DataTable
      label={label}
      rows={use}
      keyOf={({ workspace, role, model, day, fileId }) => [workspace, role, model, day, fileId].join(' ')}
      columns={[
        ...(workspaces ? [{ name: words.workspace, cell: ({ workspace }: ModelUse) => workspace }] : []),
        ...named[by],
        figure(words.operations.calls, (row) => row.calls),
        figure(words.operations.failed, (row) => row.failed),
        figure(words.operations.inputTokens, (row) => row.inputTokens),
        figure(words.operations.outputTokens, (row) => row.outputTokens),
        { name: words.operations.cost, figure: true, cell: (row) => cny(row.costCny) },
      ]}
    />
  )
}

/** Who will soon have to wait for models, or does already. */
function NearBudget({ budget: { monthlyCny, near } }: { budget: Budget }) {
  const words = useWords()
  if (monthlyCny === null || near.length === 0) return null
  const named = near.map(({ workspace, share }) => `${workspace} ${Math.floor(share * 100)} %`).join(' · ')
  return <Banner tone="warning">{`${words.operations.nearBudget(monthlyCny)} ${named}`}</Banner>
}
