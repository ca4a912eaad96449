import { expect, test } from 'vitest'
import { AppError } from '../src/core/errors.ts'
import { createLog, describeError } from '../src/log.ts'

function lines(): { written: string[]; write: (line: string) => void } {
  const written: string[] = []
  return { written, write: (line) => written.push(line) }
}

test('a foreign error is logged by kind, code and place, without its message, stack or path', () => {
  const sink = lines()
  const error = Object.assign(new TypeError('select * from secrets where key = /etc/passwd'), { code: '42P01' })
  createLog('info', sink).error({ err: error, requestId: 'r1' }, 'a request failed unexpectedly')
  const [line = ''] = sink.written
  expect(JSON.parse(line)).toMatchObject({
    requestId: 'r1',
    msg: 'a request failed unexpectedly',
    err: { type: 'TypeError', code: '42P01', where: expect.stringMatching(/^log\.test\.ts:\d+$/) },
  })
  for (const secret of ['select', 'passwd', import.meta.dirname, '    at ']) expect(line).not.toContain(secret)
})

test('our own sentences are logged, with what caused them', () => {
  const cause = new Error('private')
  expect(describeError(new AppError('download_failed', 'The host answered 403.', { cause }))).toEqual({
    type: 'AppError',
    code: 'download_failed',
    message: 'The host answered 403.',
    cause: { type: 'Error', where: expect.stringMatching(/^log\.test\.ts:\d+$/) },
  })
})

test('fields that hold credentials are crossed out, one level down too', () => {
  const sink = lines()
  createLog('info', sink).info({ token: 'abc', headers: { authorization: 'Bearer abc' }, signedUrl: 'abc', fileId: 'f1' }, 'm')
  expect(sink.written[0]).not.toContain('abc')
  expect(sink.written[0]).toContain('f1')
})

test('what is thrown and no error is told by its type alone', () => {
  expect(describeError('secret text')).toEqual({ type: 'string' })
})

test('levels below the chosen one are not written', () => {
  const sink = lines()
  const log = createLog('warn', sink)
  log.info({}, 'no')
  log.warn({}, 'yes')
  expect(sink.written).toHaveLength(1)
})
