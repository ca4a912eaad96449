// Which workspace is worked in. Teachers choose between their own and public, administrators any, also one not made yet.
import type { TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import { ask } from '../api/client.ts'
import type { WorkspaceView } from '../api/types.ts'
import { Dialog } from '../parts/dialog.tsx'
import { useLoad } from '../state/load.ts'
import { switchWorkspace, type Me } from '../state/session.ts'
import { useWords } from '../words/words.ts'

const OTHER = ''
export const WORKSPACE_PATTERN = '(public|(teacher|course|kb)-[A-Za-z0-9_\\-]{1,64})'

export const listWorkspaces = (signal: AbortSignal): Promise<{ workspaces: WorkspaceView[] }> =>
  ask('/api/workspaces', { workspace: '', signal })

export function WorkspaceSwitch({ me, workspace }: { me: Me; workspace: string }) {
  const words = useWords()
  const [naming, setNaming] = useState(false)
  const { value } = useLoad(listWorkspaces, [me, workspace])
  const names = new Set([
    workspace,
    ...(me.workspace === null ? [] : [me.workspace]),
    'public',
    ...(value?.workspaces ?? []).map((one) => one.workspace),
  ])
  const choose = (event: TargetedEvent<HTMLSelectElement>): void => {
    const chosen = event.currentTarget.value
    if (chosen !== OTHER) return switchWorkspace(chosen)
    event.currentTarget.value = workspace
    setNaming(true)
  }
  return (
    <>
      <label class="workspace-switch">
        <span>{words.workspace}</span>
        <select value={workspace} onChange={choose}>
          {[...names].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
          {me.kind === 'admin' ? <option value={OTHER}>{words.otherWorkspace}</option> : null}
        </select>
      </label>
      {naming ? <NameWorkspace onClose={() => setNaming(false)} /> : null}
    </>
  )
}

function NameWorkspace({ onClose }: { onClose: () => void }) {
  const words = useWords()
  const [name, setName] = useState('')
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    switchWorkspace(name)
    onClose()
  }
  return (
    <Dialog title={words.otherWorkspace} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <label class="field">
          <span>{words.workspace}</span>
          <input
            required
            aria-describedby="workspace-hint"
            pattern={WORKSPACE_PATTERN}
            placeholder="teacher-001"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <small id="workspace-hint" class="quiet">
          {words.workspaceHint}
        </small>
        <button type="submit" class="button primary">
          {words.open}
        </button>
      </form>
    </Dialog>
  )
}
