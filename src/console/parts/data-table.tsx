// A plain table of rows with named columns, in a frame that scrolls where the screen is narrow.
import type { ComponentChildren } from 'preact'

export type Column<R> = { name: string; figure?: boolean; cell: (row: R) => ComponentChildren }

type Props<R> = { label: string; columns: readonly Column<R>[]; rows: readonly R[]; keyOf: (row: R) => string }

export function DataTable<R>({ label, columns, rows, keyOf }: Props<R>) {
  return (
    <div class="table-frame" role="group" tabIndex={0} aria-label={label}>
      <table class="table">
        <thead>
          <tr>
            {columns.map(({ name, figure }) => (
              <th key={name} scope="col" class={figure === true ? 'figure' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, figure, cell }) => (
                <td key={name} class={figure === true ? 'figure' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
