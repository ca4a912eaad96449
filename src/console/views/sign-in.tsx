// Signing in with a token that the backend or the administrator has given out.
import type { TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import { sayError } from '../parts/notice.tsx'
import type { Credential } from '../state/session.ts'
import { signIn } from '../state/start.ts'
import { useWords } from '../words/words.ts'

export function SignInForm({ reason }: { reason?: string | undefined }) {
  const words = useWords()
  const [kind, setKind] = useState<Credential['kind']>('bearer')
  const [token, setToken] = useState('')
  const [problem, setProblem] = useState(reason)
  const [busy, setBusy] = useState(false)
  const submit = async (event: TargetedEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      await signIn({ kind, token: token.trim() })
    } catch (error) {
      setBusy(false)
      setProblem(error instanceof ApiError && error.status === 401 ? words.signIn.refused : sayError(error, words))
    }
  }
  const choice = (value: Credential['kind'], label: string) => (
    <label class="choice">
      <input type="radio" name="kind" checked={kind === value} onChange={() => setKind(value)} />
      {label}
    </label>
  )
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      {problem === undefined ? null : (
        <p class="banner banner-warning" role="alert">
          {problem}
        </p>
      )}
      <fieldset class="choices">
        <legend>{words.signIn.kind}</legend>
        {choice('bearer', words.signIn.user)}
        {choice('admin', words.signIn.admin)}
      </fieldset>
      <label class="field">
        <span>{words.signIn.token}</span>
        <input
          type="password"
          aria-describedby="kept"
          required
          autoComplete="off"
          spellcheck={false}
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <small id="kept" class="quiet">
        {words.signIn.kept}
      </small>
      <button type="submit" class="button primary" disabled={busy || token.trim() === ''}>
        {busy ? words.signIn.checking : words.signIn.submit}
      </button>
    </form>
  )
}

export function SignInPage({ reason }: { reason: string | undefined }) {
  const words = useWords()
  return (
    <main class="gate">
      <div class="gate-card">
        <p class="brand">insight-rag</p>
        <h1>{words.signIn.title}</h1>
        <p class="quiet">{words.signIn.lead}</p>
        <SignInForm reason={reason === 'expired' ? words.signIn.expired : reason} />
      </div>
    </main>
  )
}
