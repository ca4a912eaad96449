// What administrators do is written down before it is done, and after it how it ended; what cannot be written down is not done.
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
  /** `done`, `accepted` or the code of an error; null where nothing says how it ended. */
  outcome: string | null
}

export type Audit = {
  /** Writes an act down. What it returns writes down how the act ended, and fails for nothing: what is done is done. */
  begin(act: Act): Promise<(outcome: string) => Promise<void>>
  /** Acts, the newest first. */
  trail(limit: number, before?: number): Promise<AuditEntry[]>
  /** The first entry that is not as it was written, or after which one is missing; null when the whole trail is. Reads all of it. */
  verify(): Promise<number | null>
}

/** Of what a caller wrote; what an entry is about is told in less. */
const LONGEST = 200

export function createAudit({ database: { db }, log }: Pick<EngineDeps, 'database' | 'log'>): Audit {
  return {
    begin: async (asked) => {
      const act = {
        ...asked,
        workspace: asked.workspace === undefined ? undefined : plain(asked.workspace),
        subject: Object.fromEntries(Object.entries(asked.subject).map(([name, value]) => [name, plain(String(value))])),
      }
      const entry = await store.append(db, act)
      return async (outcome) => {
        try {
          await store.append(db, { ...act, subject: {} }, { ends: entry, outcome })
        } catch (error) {
          log.error({ err: error, entry, outcome }, 'how an act of an administrator ended could not be written down')
        }
      }
    },
    trail: async (limit, before) => (await store.list(db, limit, before)).map(toEntry),
    verify: async () => (await store.firstBroken(db)) ?? null,
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
