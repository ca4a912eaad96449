// Who may touch which workspace: the decision table of the HTTP and MCP ways in, pure. It is the only place outside
// core where a caller's wish becomes a WorkspaceId, so a route cannot reach a workspace without passing here.
import type { Principal } from '../core/credentials.ts'
import { AppError } from '../core/errors.ts'
import { PUBLIC_WORKSPACE, workspaceId, workspaceScope, type WorkspaceId, type WorkspaceScope } from '../core/workspace.ts'

/** What a request names beside its credentials: `X-Workspace`, and `teacherId` in the body or the query. */
export type Named = { workspace?: string | undefined; teacherId?: string | undefined }

const NAME_THE_TEACHER = 'Name the teacher: teacherId in the body or the query, or X-Workspace.'

/**
 * The one workspace a call writes to.
 *
 * @throws AppError `forbidden` for a workspace that is not the caller's to write; `invalid_request` when none is named or two are.
 */
export function writableWorkspace(principal: Principal, named: Named): WorkspaceId {
  const wished = wishedWorkspace(named)
  switch (principal.kind) {
    case 'admin':
      if (wished === undefined && principal.workspace === undefined) {
        throw new AppError('invalid_request', 'Name the workspace to write to in the header X-Workspace.')
      }
      return wished ?? own(principal)
    case 'service':
      if (wished === PUBLIC_WORKSPACE) throw new AppError('forbidden', 'Only administrators may write to the workspace public.')
      return wished ?? own(principal)
    case 'teacher':
      if (wished !== undefined && wished !== principal.workspace)
        throw new AppError('forbidden', 'This credential may write only to its own workspace.')
      return own(principal)
  }
}

/**
 * The one workspace a call reads from. An administrator who names none and has none reads `public`.
 *
 * @throws AppError as `writableWorkspace`
 */
export function readableWorkspace(principal: Principal, named: Named): WorkspaceId {
  const wished = wishedWorkspace(named)
  if (principal.kind === 'teacher' && wished !== undefined && wished !== principal.workspace && wished !== PUBLIC_WORKSPACE) {
    throw new AppError('forbidden', 'This credential may read only its own workspace and public.')
  }
  if (principal.kind === 'admin') return wished ?? principal.workspace ?? PUBLIC_WORKSPACE
  return wished ?? own(principal)
}

/**
 * What a search sees: the one workspace, and `public` unless it is not wanted.
 *
 * @throws AppError as `readableWorkspace`
 */
export function searchScope(principal: Principal, named: Named, includePublic: boolean): WorkspaceScope {
  const workspace = readableWorkspace(principal, named)
  return includePublic ? workspaceScope(workspace, PUBLIC_WORKSPACE) : workspaceScope(workspace)
}

/** The workspaces a caller may list; undefined means all of them. */
export function visibleWorkspaces(principal: Principal, named: Named): WorkspaceScope | undefined {
  const wished = wishedWorkspace(named)
  if (wished !== undefined) return workspaceScope(readableWorkspace(principal, named))
  if (principal.kind === 'admin') return undefined
  return principal.workspace === undefined ? workspaceScope(PUBLIC_WORKSPACE) : workspaceScope(principal.workspace, PUBLIC_WORKSPACE)
}

/** @throws AppError `forbidden` for everybody but administrators. */
export function requireAdmin(principal: Principal): void {
  if (principal.kind !== 'admin') throw new AppError('forbidden', 'Only administrators may do that.')
}

/** @throws AppError `forbidden` for teachers. */
export function requireService(principal: Principal): void {
  if (principal.kind === 'teacher') throw new AppError('forbidden', 'Only other services and administrators may do that.')
}

/**
 * The workspace of a course, for services and administrators.
 *
 * @throws AppError `forbidden` for teachers; `invalid_request` for an id that names no workspace.
 */
export function courseWorkspace(principal: Principal, courseId: string): WorkspaceId {
  requireService(principal)
  return workspaceId(`course-${courseId}`)
}

/** The workspace of a knowledge base; otherwise as `courseWorkspace`. */
export function knowledgeBaseWorkspace(principal: Principal, kbId: string): WorkspaceId {
  requireService(principal)
  return workspaceId(`kb-${kbId}`)
}

function own(principal: Principal): WorkspaceId {
  if (principal.workspace === undefined) throw new AppError('invalid_request', NAME_THE_TEACHER)
  return principal.workspace
}

function wishedWorkspace({ workspace, teacherId }: Named): WorkspaceId | undefined {
  const byHeader = workspace === undefined ? undefined : workspaceId(workspace)
  const byTeacher = teacherId === undefined ? undefined : workspaceId(`teacher-${teacherId}`)
  if (byHeader !== undefined && byTeacher !== undefined && byHeader !== byTeacher) {
    throw new AppError('invalid_request', 'X-Workspace and teacherId name two different workspaces.')
  }
  return byHeader ?? byTeacher
}
