// The error table, its rendering in HTTP and docs/errors.md: one truth in three places.
import { expect, test } from 'vitest'
import { AppError, ERRORS, type ErrorCode, type ErrorDefinition } from '../../src/core/errors.ts'
import { errorBody, retryAfter, toAppError } from '../../src/http/errors.ts'

const definitions = Object.entries(ERRORS) as [ErrorCode, ErrorDefinition][]

const INTRODUCTION = `# Errors

Every answer that is not a success has this body, over HTTP and inside event streams:

    {"error": {"code": "not_found", "message": "There is no document with this fileId.", "details": {}}, "requestId": "5b1d7a52"}

\`code\` is stable and is what programs should look at. \`message\` is one sentence for people and may change; \`details\` is there
when there is more to say. \`requestId\` is also in the header \`X-Request-Id\` and in the log. An answer with 429 or 503 carries
\`Retry-After\` in seconds.

Retry says how a job treats the error, and how a caller should: *permanent* will fail again until something is changed, *transient*
is worth another try after a while, *quota* waits until there is room again and costs no attempt. Exit is the exit number of the
command line. A failed document shows the code at the start of its \`parseError\`.

`

test('docs/errors.md is the error table; vitest -u writes it anew', async () => {
  const rows = definitions.map(
    ([code, { status, retry, exit, sentence }]) => `| \`${code}\` | ${status} | ${retry} | ${exit} | ${sentence} |\n`,
  )
  const table = `| Code | HTTP | Retry | Exit | Meaning |\n| --- | --- | --- | --- | --- |\n${rows.join('')}`
  await expect(INTRODUCTION + table).toMatchFileSnapshot('../../docs/errors.md')
})

test.each([
  ['invalid_request', 400],
  ['unauthorized', 401],
  ['budget_exhausted', 402],
  ['forbidden', 403],
  ['not_found', 404],
  ['already_running', 409],
  ['not_retryable', 409],
  ['gate_failed', 409],
  ['payload_too_large', 413],
  ['unsupported_file_type', 415],
  ['unprocessable_document', 422],
  ['rate_limited', 429],
  ['forbidden_url', 400],
  ['embedding_not_ready', 400],
  ['download_failed', 502],
  ['java_unavailable', 502],
  ['embedding_service_unavailable', 503],
  ['vector_store_error', 503],
  ['llm_unavailable', 503],
  ['not_ready', 503],
  ['internal_error', 500],
] as const)('%s keeps the status that callers rely on: %i', (code, status) => {
  expect(ERRORS[code].status).toBe(status)
})

test('exit numbers go with the kind of error, so that scripts can tell them apart', () => {
  const kinds: Record<number, number[]> = {
    2: [400, 413, 415],
    3: [401, 403],
    4: [404],
    5: [409],
    6: [422],
    7: [402, 429, 502, 503],
    8: [503],
    70: [500],
  }
  for (const [code, { exit, status }] of definitions) expect([code, kinds[exit]?.includes(status)]).toEqual([code, true])
})

test('every sentence ends like one and names no setting, path or statement', () => {
  for (const [code, { sentence }] of definitions) expect([code, sentence]).toEqual([code, expect.stringMatching(/^[A-Z][^/_]*\.$/)])
})

test('details are left out when there are none, and a cause never shows', () => {
  const cause = new Error('select secret')
  expect(JSON.stringify(errorBody(new AppError('forbidden', undefined, { cause }), 'r1'))).toBe(
    '{"error":{"code":"forbidden","message":"This credential may not do that."},"requestId":"r1"}',
  )
})

test.each([
  ['rate_limited', 0.2, 1],
  ['rate_limited', 12.1, 13],
  ['llm_unavailable', undefined, 5],
  ['download_failed', 30, undefined],
  ['not_found', undefined, undefined],
] as const)('%s after %s s says Retry-After %s', (code, retryAfterSeconds, expected) => {
  expect(retryAfter(new AppError(code, undefined, retryAfterSeconds === undefined ? {} : { retryAfterSeconds }))).toBe(expected)
})

test.each([
  ['a bug', new TypeError('x is undefined'), 'internal_error'],
  ['something thrown that is no error', 'text', 'internal_error'],
  ['nothing', undefined, 'internal_error'],
  [
    "the framework's size limit",
    Object.assign(new Error('x'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }),
    'payload_too_large',
  ],
  [
    "the framework's media type rule",
    Object.assign(new Error('x'), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }),
    'invalid_request',
  ],
  [
    'another refusal of the framework',
    Object.assign(new Error('x'), { code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH', statusCode: 400 }),
    'invalid_request',
  ],
  ['a status that some library attached', Object.assign(new Error('x'), { statusCode: 401 }), 'internal_error'],
])('%s becomes what callers should see', (_what, error, code) => {
  expect(toAppError(error).code).toBe(code)
})
