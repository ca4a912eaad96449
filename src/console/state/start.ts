// Finding out who one is: with the credential of this tab, or without one where the service wants none.
import { ApiError, ask } from '../api/client.ts'
import { enter, keepCredential, keptCredential, leave, session, type Credential, type Me } from './session.ts'

export async function start(): Promise<void> {
  session.set({ state: 'asking' })
  try {
    enter(await ask<Me>('/api/me'))
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) leave(keptCredential() === undefined ? undefined : 'expired')
    else session.set({ state: 'unreachable', reason: error instanceof Error ? error.message : '' })
  }
}

/** @throws ApiError when the service does not accept it. */
export async function signIn(credential: Credential): Promise<void> {
  const me = await ask<Me>('/api/me', { credential, workspace: '' })
  keepCredential(credential)
  enter(me)
}
