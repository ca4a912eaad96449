import { expect, test } from 'vitest'
import { principal } from '../../src/core/credentials.ts'
import { AppError } from '../../src/core/errors.ts'
import { type Named, readableWorkspace, searchScope, visibleWorkspaces, writableWorkspace } from '../../src/http/authorise.ts'

const TEACHER = principal('teacher', { teacherId: '001' })
const ADMIN = principal('admin')
const ADMIN_TEACHER = principal('admin', { teacherId: '007' })
const SERVICE = principal('service')
const SERVICE_FOR = principal('service', { teacherId: '001' })

const NOBODY: Named = {}
const OWN: Named = { workspace: 'teacher-001' }
const OTHER: Named = { workspace: 'teacher-002' }
const PUBLIC: Named = { workspace: 'public' }
const COURSE: Named = { workspace: 'course-1' }
const BY_ID: Named = { teacherId: '001' }
const OTHER_BY_ID: Named = { teacherId: '002' }
const CLASH: Named = { workspace: 'teacher-001', teacherId: '002' }
const NONSENSE: Named = { workspace: 'teacher-../001' }

const outcome = (decide: () => unknown): unknown => {
  try {
    return decide()
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

test.each([
  ['a teacher without a wish', TEACHER, NOBODY, 'teacher-001', 'teacher-001'],
  ['a teacher who names the own workspace', TEACHER, OWN, 'teacher-001', 'teacher-001'],
  ['a teacher who names the own id', TEACHER, BY_ID, 'teacher-001', 'teacher-001'],
  ['a teacher who names another', TEACHER, OTHER, 'forbidden', 'forbidden'],
  ['a teacher who names another id', TEACHER, OTHER_BY_ID, 'forbidden', 'forbidden'],
  ['a teacher who names public', TEACHER, PUBLIC, 'forbidden', 'public'],
  ['a teacher who names a course', TEACHER, COURSE, 'forbidden', 'forbidden'],
  ['a teacher who names two', TEACHER, CLASH, 'invalid_request', 'invalid_request'],
  ['an administrator without a wish', ADMIN, NOBODY, 'invalid_request', 'public'],
  ['an administrator who is a teacher', ADMIN_TEACHER, NOBODY, 'teacher-007', 'teacher-007'],
  ['an administrator who names a teacher', ADMIN, OTHER, 'teacher-002', 'teacher-002'],
  ['an administrator who names public', ADMIN_TEACHER, PUBLIC, 'public', 'public'],
  ['an administrator who names nonsense', ADMIN, NONSENSE, 'invalid_request', 'invalid_request'],
  ['a service without a teacher', SERVICE, NOBODY, 'invalid_request', 'invalid_request'],
  ['a service with a teacher id', SERVICE, BY_ID, 'teacher-001', 'teacher-001'],
  ['a service with a workspace', SERVICE, OTHER, 'teacher-002', 'teacher-002'],
  ['a service that names public', SERVICE, PUBLIC, 'forbidden', 'public'],
  ['a service that names two', SERVICE, CLASH, 'invalid_request', 'invalid_request'],
  ['a service that passes a user token', SERVICE_FOR, NOBODY, 'teacher-001', 'teacher-001'],
])('%s writes and reads where the table says', (_who, caller, named, writes, reads) => {
  expect(outcome(() => writableWorkspace(caller, named))).toBe(writes)
  expect(outcome(() => readableWorkspace(caller, named))).toBe(reads)
})

test('a search sees public beside the own workspace only when that is wanted', () => {
  expect(searchScope(TEACHER, NOBODY, true)).toEqual(['teacher-001', 'public'])
  expect(searchScope(TEACHER, NOBODY, false)).toEqual(['teacher-001'])
  expect(searchScope(TEACHER, PUBLIC, true)).toEqual(['public'])
})

test('only administrators list every workspace', () => {
  expect(visibleWorkspaces(ADMIN, NOBODY)).toBeUndefined()
  expect(visibleWorkspaces(TEACHER, NOBODY)).toEqual(['teacher-001', 'public'])
  expect(visibleWorkspaces(SERVICE, NOBODY)).toEqual(['public'])
  expect(outcome(() => visibleWorkspaces(TEACHER, OTHER))).toBe('forbidden')
})
