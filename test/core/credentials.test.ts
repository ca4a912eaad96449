import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import {
  asTeacherId,
  bearerToken,
  hasRepeatedKey,
  MAX_TOKEN_LENGTH,
  parseExactJson,
  principal,
  rolesOf,
  teacherIdOf,
} from '../../src/core/credentials.ts'

test('a principal holds its token but shows it to no logger, spread or JSON', () => {
  const caller = principal('teacher', { teacherId: '7', roles: ['x'], token: 'top-secret' })
  expect(caller.token).toBe('top-secret')
  expect(caller).toMatchObject({ kind: 'teacher', teacherId: '7', workspace: 'teacher-7', roles: ['x'] })
  expect(
    [JSON.stringify({ caller }), inspect(caller, { depth: 9 }), JSON.stringify({ ...caller }), Object.keys(caller).join()].join(),
  ).not.toContain('secret')
})

test('a principal without a teacher id has no workspace', () => {
  expect(Object.keys(principal('service'))).toEqual(['kind', 'roles'])
})

test.each([
  ['001', '001'],
  ['a_B-9', 'a_B-9'],
  ['x'.repeat(64), 'x'.repeat(64)],
  [0, '0'],
  [12345, '12345'],
  ['1234567890123456789', '1234567890123456789'],
])('%j is the teacher id %j', (value, id) => {
  expect(asTeacherId(value)).toBe(id)
})

test.each([
  '',
  'x'.repeat(65),
  'a b',
  'a/b',
  '../x',
  'a\0',
  '1\n',
  'ａ',
  '老师',
  -1,
  1.5,
  NaN,
  2 ** 53,
  1e21,
  true,
  null,
  undefined,
  {},
  ['1'],
])('%j is no teacher id', (value) => {
  expect(asTeacherId(value)).toBeUndefined()
})

test('only the default claim falls back to sub, and only when it is absent', () => {
  expect(teacherIdOf({ teacherId: 't', sub: 's' })).toBe('t')
  expect(teacherIdOf({ sub: 's' })).toBe('s')
  expect(teacherIdOf({ teacherId: null, sub: 's' })).toBe('s')
  expect(teacherIdOf({ teacherId: '', sub: 's' })).toBeUndefined()
  expect(teacherIdOf({ sub: '' })).toBeUndefined()
  expect(teacherIdOf({ uid: 5, sub: 's' }, 'uid')).toBe('5')
  expect(teacherIdOf({ sub: 's' }, 'uid')).toBeUndefined()
})

test('roles are a list or a string of words', () => {
  expect(rolesOf('teacher admin')).toEqual(['teacher', 'admin'])
  expect(rolesOf('teacher,admin')).toEqual(['teacher', 'admin'])
  expect(rolesOf(['admin', 3, null])).toEqual(['admin'])
  expect([undefined, null, 1, { admin: true }, ''].map(rolesOf)).toEqual([[], [], [], [], []])
})

test.each([
  ['Bearer abc.def-_~+/=', 'abc.def-_~+/='],
  ['bearer   x', 'x'],
  ['BEARER x ', 'x'],
  [`Bearer ${'x'.repeat(MAX_TOKEN_LENGTH)}`, 'x'.repeat(MAX_TOKEN_LENGTH)],
])('%.20j carries a token', (header, token) => {
  expect(bearerToken(header)).toBe(token)
})

test.each([
  '',
  'Bearer',
  'Bearer ',
  'Basic abc',
  'abc',
  'Bearer a b',
  'Bearer a,b',
  'Bearer a\r\nX: y',
  'Bearer é',
  'Bearer =',
  `Bearer ${'x'.repeat(MAX_TOKEN_LENGTH + 1)}`,
  'Bearerabc',
])('%.20j carries none', (header) => {
  expect(bearerToken(header)).toBeUndefined()
})

test('a 64-bit id in JSON is not rounded, other numbers stay numbers', () => {
  expect(parseExactJson('{"id":1234567890123456789,"n":[1,1.5,-2,1e3],"s":"9"}')).toEqual({
    id: '1234567890123456789',
    n: [1, 1.5, -2, 1000],
    s: '9',
  })
})

test.each([
  ['{"a":1,"a":2}', true],
  ['{"a":1,"\\u0061":2}', true],
  ['{"x":[{"a":{"b":1, "b" :2}}]}', true],
  ['{"a":{"a":1},"b":[{"a":1},{"a":2}]}', false],
  ['{"a":"a","b":"\\"a\\":","c":["a","a"]}', false],
  ['[]', false],
])('%s repeats a key: %j', (json, repeats) => {
  expect(hasRepeatedKey(json)).toBe(repeats)
})
