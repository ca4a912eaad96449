// What administrators do is written down before it is done; what cannot be written down is not done.
import * as store from '../store/audit.ts'
import type { EngineDeps } from './deps.ts'

export type Act = store.Act

export type AuditEntry = {
  entry: number
  at: string
  actor: string
  action: string
  workspace: string | null
  subject: Record<string, unknown>
  requestId: string | null
}

export type Trail = {
  entries: AuditEntry[]
  /** First entry that is not as it was written, or after which one is missing. */
  brokenAt: number | null
}

export type Audit = {
  record(act: Act): Promise<void>
  /** The newest entries first, and whether the whole trail is as it was written. */
  trail(limit: number, before?: number): Promise<Trail>
}

/** Of what a caller wrote; what an entry is about is told in less. */
const LONGEST = 200

export function createAudit({ database: { db } }: Pick<EngineDeps, 'database'>): Audit {
  return {
    record: (act) =>
      store.append(db, {
        ...act,
        workspace: act.workspace === undefined ? undefined : plain(act.workspace),
        subject: Object.fromEntries(Object.entries(act.subject).map(([name, value]) => [name, plain(String(value))])),
      }),
    trail: async (limit, before) => {
      const [rows, brokenAt] = await Promise.all([store.list(db, limit, before), store.firstBroken(db)])
      return { entries: rows.map(toEntry), brokenAt: brokenAt ?? null }
    },
  }
}

/** What PostgreSQL can keep and a terminal can show. */
const plain = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, '?')
    .slice(0, LONGEST)
    .toWellFormed()

const toEntry = ({ request_id, ...row }: store.AuditRow): AuditEntry => ({
  ...row,
  entry: Number(row.entry),
  at: row.at.toISOString(),
  requestId: request_id,
})
