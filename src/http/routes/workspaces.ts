// The workspaces a caller may see.
import { visibleWorkspaces } from '../authorise.ts'
import { defineRoute, type Route } from '../route.ts'
import { workspaceList } from '../schemas/workspaces.ts'

const list = defineRoute({
  method: 'GET',
  path: '/api/workspaces',
  access: 'browse',
  tag: 'workspaces',
  summary: 'List workspaces',
  description: "Those the caller may see, with their counts: a teacher's own and public, all of them for administrators.",
  schema: { reply: workspaceList },
  handle: async ({ engine, principal, named }) => ({ workspaces: await engine.workspaces.list(visibleWorkspaces(principal, named)) }),
})

export const workspaceRoutes: readonly Route[] = [list]
