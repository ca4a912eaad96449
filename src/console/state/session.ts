// Who is signed in and which workspace is worked in. The token lives as long as the tab: sessionStorage, never a cookie.
import { createStore } from './store.ts'

export type Credential = { kind: 'bearer' | 'admin'; token: string }

export type Me = { kind: 'teacher' | 'admin' | 'service'; workspace: string | null; development: boolean; uploadMaxBytes: number }

/**
 * `asking`: it is not known yet whether a credential is needed. `out`: it is. `expired`: it was good once; what is on
 * the screen stays until the same person signs in again.
 */
export type Session =
  | { state: 'asking' }
  | { state: 'unreachable'; reason: string }
  | { state: 'out'; reason: string | undefined }
  | { state: 'in' | 'expired'; me: Me; workspace: string }

const CREDENTIAL = 'insight-rag.credential'
const WORKSPACE = 'insight-rag.workspace'

export const session = createStore<Session>({ state: 'asking' })

export function keptCredential(): Credential | undefined {
  const kept = sessionStorage.getItem(CREDENTIAL)
  return kept === null ? undefined : (JSON.parse(kept) as Credential)
}

export function keepCredential(credential: Credential | undefined): void {
  if (credential === undefined) sessionStorage.removeItem(CREDENTIAL)
  else sessionStorage.setItem(CREDENTIAL, JSON.stringify(credential))
}

export function enter(me: Me): void {
  const before = session.get()
  const workspace = before.state === 'expired' ? before.workspace : sessionStorage.getItem(WORKSPACE)
  const readable = me.kind === 'teacher' ? [me.workspace, 'public'] : [workspace]
  const fallback = me.workspace ?? 'public'
  session.set({ state: 'in', me, workspace: workspace !== null && readable.includes(workspace) ? workspace : fallback })
}

export function leave(reason?: string): void {
  keepCredential(undefined)
  sessionStorage.removeItem(WORKSPACE)
  session.set({ state: 'out', reason })
}

/** The service no longer accepts the credential: ask for a new one over what is on the screen. */
export function expire(): void {
  const now = session.get()
  if (now.state === 'in') session.set({ ...now, state: 'expired' })
}

export function switchWorkspace(workspace: string): void {
  const now = session.get()
  if (now.state !== 'in') return
  sessionStorage.setItem(WORKSPACE, workspace)
  session.set({ ...now, workspace })
}

/** May this person change what is in this workspace? The service decides again at every call. */
export function mayWrite(me: Me, workspace: string): boolean {
  return me.kind === 'admin' || workspace === me.workspace
}
