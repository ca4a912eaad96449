// The workspaces a caller may see, and what each is read for.
import { readableWorkspace, visibleWorkspaces, writableWorkspace } from '../authorise.ts'
import { defineRoute, type Route } from '../route.ts'
import { profile, profileParams, profileRequest, workspaceList } from '../schemas/workspaces.ts'

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

const getProfile = defineRoute({
  method: 'GET',
  path: '/api/workspaces/:workspace/profile',
  access: 'read',
  tag: 'workspaces',
  summary: 'What a workspace is read for',
  description: 'Entity types and language of extraction; null where the default of the settings holds.',
  schema: { params: profileParams, reply: profile },
  handle: ({ engine, principal, params }) => engine.profiles.get(readableWorkspace(principal, params)),
})

const setProfile = defineRoute({
  method: 'PUT',
  path: '/api/workspaces/:workspace/profile',
  access: 'write',
  tag: 'workspaces',
  summary: 'Set what a workspace is read for',
  description:
    'By its owner or an administrator. Documents that come afterwards are read so; one that was read under another profile is read anew when it is sent again.',
  schema: { params: profileParams, body: profileRequest, reply: profile },
  handle: ({ engine, principal, params, body }) => engine.profiles.set(writableWorkspace(principal, params), body),
})

export const workspaceRoutes: readonly Route[] = [list, getProfile, setProfile]
