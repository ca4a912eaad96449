// The tenant as a type: a branded id for every write and a non-empty scope for every read.
// Both are made only here, from strings that an authenticated caller is entitled to.
import { AppError } from './errors.ts'

declare const brand: unique symbol
/** `public`, `teacher-<id>`, `course-<id>` or `kb-<id>`; made only by `workspaceId`. */
export type WorkspaceId = string & { readonly [brand]: 'WorkspaceId' }
/** The workspaces one read may see; never empty, no repeats, in the order of the caller's preference. */
export type WorkspaceScope = readonly [WorkspaceId, ...WorkspaceId[]] & { readonly [brand]: 'WorkspaceScope' }

export type WorkspaceKind = 'public' | 'teacher' | 'course' | 'kb'

const PATTERN = /^(?:public|(?:teacher|course|kb)-[A-Za-z0-9_-]{1,64})$/

/** @throws AppError `invalid_request` when the name is not one of the four kinds. */
export function workspaceId(name: string): WorkspaceId {
  if (!PATTERN.test(name)) {
    throw new AppError(
      'invalid_request',
      'A workspace is public, teacher-<id>, course-<id> or kb-<id>, where <id> is 1 to 64 letters, digits, _ or -.',
    )
  }
  return name as WorkspaceId
}

export const PUBLIC_WORKSPACE = workspaceId('public')

export function workspaceKind(workspace: WorkspaceId): WorkspaceKind {
  return workspace.split('-', 1)[0] as WorkspaceKind
}

export function workspaceScope(first: WorkspaceId, ...more: WorkspaceId[]): WorkspaceScope {
  return [...new Set([first, ...more])] as unknown as WorkspaceScope
}
