import type { Me } from '../../state/session.ts'
export function ReleasesView(_: { me: Me; workspace: string }) {
  return null
}
