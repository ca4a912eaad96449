import { createSign, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Principal } from '../../src/core/credentials.ts'
import { createIdentity, type CredentialHeaders, type Identity } from '../../src/services/identity.ts'
import type { IdentitySettings } from '../../src/services/identity/settings.ts'
import { startJavaServer, type JavaServer } from '../support/java-server.ts'
import { makeKey, signRaw, signToken, signWithSecret, teacherToken, TEST_SECRET, unsigned, type TestKey } from '../support/tokens.ts'

const NOW = Date.now()
const seconds = Math.floor(NOW / 1000)
const never = new AbortController().signal

let java: JavaServer
let rsa: TestKey
let ec: TestKey
let ed: TestKey
let stranger: TestKey
let clock = NOW

beforeAll(async () => {
  java = await startJavaServer()
  ;[rsa, ec, ed, stranger] = await Promise.all([makeKey('RS256'), makeKey('ES256'), makeKey('EdDSA'), makeKey('RS256', 'key-RS256')])
})
afterAll(() => java.close())
beforeEach(() => {
  clock = NOW
  java.setOutage(undefined)
  java.keys.splice(0, Infinity, rsa.jwk, ec.jwk, ed.jwk)
  java.users.clear()
  java.requests.length = 0
})

const identity = (settings: Partial<IdentitySettings>): Identity => createIdentity({ development: false, now: () => clock, ...settings })

/** Kind, teacher and workspace in one line, or the error's code. */
async function who(identity: Identity, headers: CredentialHeaders): Promise<string> {
  try {
    const { kind, teacherId, workspace } = await identity.authenticate(headers, never)
    return [kind, teacherId, workspace].filter((part) => part !== undefined).join(' ')
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

const bearer = (token: string): CredentialHeaders => ({ authorization: `Bearer ${token}` })

describe('shared tokens', () => {
  const services = () => identity({ adminToken: 'admin-token', internalTokens: ['first', 'second'], secret: TEST_SECRET })

  test.each<[string, CredentialHeaders, string]>([
    ['nothing', {}, 'unauthorized'],
    ['an admin token', { 'x-admin-token': 'admin-token' }, 'admin'],
    ['a wrong admin token', { 'x-admin-token': 'admin-tokem' }, 'unauthorized'],
    ['a prefix of the admin token', { 'x-admin-token': 'admin' }, 'unauthorized'],
    ['an internal token', { 'x-internal-token': 'first' }, 'service'],
    ['the other internal token', { 'x-internal-token': 'second' }, 'service'],
    ['a wrong internal token', { 'x-internal-token': 'third' }, 'unauthorized'],
    ['the admin token as an internal one', { 'x-internal-token': 'admin-token' }, 'unauthorized'],
    ['an internal token as the admin one', { 'x-admin-token': 'first' }, 'unauthorized'],
    ['a shared token as a bearer', bearer('first'), 'unauthorized'],
    ['a header sent twice', { 'x-internal-token': ['first', 'first'] }, 'unauthorized'],
    ['an empty header, which is none', { 'x-internal-token': '' }, 'unauthorized'],
    ['a good and a bad proof', { 'x-admin-token': 'admin-token', 'x-internal-token': 'third' }, 'unauthorized'],
    ['a good shared token and a bad bearer', { 'x-internal-token': 'first', ...bearer('x') }, 'unauthorized'],
    ['a service on behalf of a teacher', { 'x-internal-token': 'first', ...bearer(teacherToken('7')) }, 'service 7 teacher-7'],
    ['an administrator on behalf of a teacher', { 'x-admin-token': 'admin-token', ...bearer(teacherToken('7')) }, 'admin 7 teacher-7'],
  ])('%s', async (_name, headers, expected) => {
    expect(await who(services(), headers)).toBe(expected)
  })

  test('an empty setting matches no empty or missing header', async () => {
    const none = identity({ adminToken: '', internalTokens: [''], secret: TEST_SECRET })
    expect(await who(none, { 'x-admin-token': '' })).toBe('unauthorized')
    expect(await who(none, { 'x-internal-token': '' })).toBe('unauthorized')
  })
})

describe('development mode', () => {
  const development = () => identity({ development: true })

  test('a call without credentials is the administrator of teacher-dev', async () => {
    expect(await who(development(), {})).toBe('admin dev teacher-dev')
  })

  test.each<CredentialHeaders>([
    bearer(teacherToken('7')),
    { 'x-admin-token': 'x' },
    { 'x-internal-token': 'x' },
    { authorization: 'Basic x' },
  ])('a presented credential that cannot be verified is refused: %j', async (headers) => {
    expect(await who(development(), headers)).toBe('unauthorized')
  })
})

describe('what a good token says', () => {
  const withSecret = (settings: Partial<IdentitySettings> = {}) => identity({ secret: TEST_SECRET, ...settings })

  test.each<[string, Record<string, unknown>, string]>([
    ['a teacher by claim', { teacherId: '001' }, 'teacher 001 teacher-001'],
    ['a teacher by sub', { sub: 'abc' }, 'teacher abc teacher-abc'],
    ['a numeric id', { teacherId: 42 }, 'teacher 42 teacher-42'],
    ['an administrator by list', { teacherId: '1', roles: ['teacher', 'admin'] }, 'admin 1 teacher-1'],
    ['an administrator by string', { sub: '1', roles: 'admin' }, 'admin 1 teacher-1'],
    ['an administrator who is no teacher', { sub: 'root@example.com', roles: ['admin'] }, 'admin'],
    ['a role that only resembles', { sub: '1', roles: ['superadmin', 'Admin'] }, 'teacher 1 teacher-1'],
    ['roles of no known form', { sub: '1', roles: { admin: true } }, 'teacher 1 teacher-1'],
    ['expired within the skew', { sub: '1', exp: seconds - 59 }, 'teacher 1 teacher-1'],
    ['issued within the skew', { sub: '1', iat: seconds + 59, nbf: seconds + 59 }, 'teacher 1 teacher-1'],
  ])('%s', async (_name, claims, expected) => {
    expect(await who(withSecret(), bearer(signWithSecret(TEST_SECRET, claims)))).toBe(expected)
  })

  test('a 64-bit numeric id keeps every digit', async () => {
    const token = signRaw(TEST_SECRET, '{"alg":"HS256"}', `{"exp":${seconds + 60},"teacherId":1234567890123456789}`)
    expect(await who(withSecret(), bearer(token))).toBe('teacher 1234567890123456789 teacher-1234567890123456789')
  })

  test('claim names are settings', async () => {
    const named = withSecret({ teacherClaim: 'uid', rolesClaim: 'authorities' })
    expect(await who(named, bearer(signWithSecret(TEST_SECRET, { uid: 5, sub: '1' })))).toBe('teacher 5 teacher-5')
    expect(await who(named, bearer(signWithSecret(TEST_SECRET, { uid: 5, authorities: ['admin'] })))).toBe('admin 5 teacher-5')
    expect(await who(named, bearer(signWithSecret(TEST_SECRET, { uid: 5, roles: ['admin'] })))).toBe('teacher 5 teacher-5')
    expect(await who(named, bearer(signWithSecret(TEST_SECRET, { sub: '1' })))).toBe('unauthorized')
  })

  test('the raw token travels with the principal, unseen by JSON', async () => {
    const token = teacherToken('7')
    const caller: Principal = await withSecret().authenticate(bearer(token), never)
    expect(caller.token).toBe(token)
    expect(JSON.stringify(caller)).not.toContain(token)
  })

  test('issuer and audience are enforced when set', async () => {
    const strict = withSecret({ issuer: 'https://java.example', audience: 'insight-rag' })
    const good = { sub: '1', iss: 'https://java.example', aud: 'insight-rag' }
    const cases: [Record<string, unknown>, string][] = [
      [good, 'teacher 1 teacher-1'],
      [{ ...good, aud: ['other', 'insight-rag'] }, 'teacher 1 teacher-1'],
      [{ ...good, iss: 'https://java.example/' }, 'unauthorized'],
      [{ ...good, iss: undefined }, 'unauthorized'],
      [{ ...good, iss: ['https://java.example'] }, 'unauthorized'],
      [{ ...good, aud: undefined }, 'unauthorized'],
      [{ ...good, aud: ['other'] }, 'unauthorized'],
      [{ ...good, aud: 'browser-client', nonce: 'an ID token is for the client that asked for it' }, 'unauthorized'],
    ]
    for (const [claims, expected] of cases) expect(await who(strict, bearer(signWithSecret(TEST_SECRET, claims)))).toBe(expected)
  })
})

describe('refused claims', () => {
  test.each<[string, Record<string, unknown>]>([
    ['expired beyond the skew', { sub: '1', exp: seconds - 61 }],
    ['without exp', { sub: '1', exp: undefined }],
    ['exp that is no number', { sub: '1', exp: 'tomorrow' }],
    ['nbf in the future', { sub: '1', nbf: seconds + 62 }],
    ['iat in the future', { sub: '1', iat: seconds + 62 }],
    ['iat that is no number', { sub: '1', iat: 'now' }],
    ['empty sub', { sub: '' }],
    ['no id at all', {}],
    ['an id with a slash', { teacherId: '../public', sub: '1' }],
    ['an id with a null byte', { teacherId: '1\0', sub: '1' }],
    ['an id of 65 characters', { teacherId: 'x'.repeat(65) }],
    ['an id that is an object', { teacherId: { id: '1' }, sub: '1' }],
    ['a negative id', { teacherId: -1 }],
    ['a token above 8 KB', { sub: '1', filler: 'x'.repeat(8 * 1024) }],
  ])('%s', async (_name, claims) => {
    expect(await who(identity({ secret: TEST_SECRET }), bearer(signWithSecret(TEST_SECRET, claims)))).toBe('unauthorized')
  })

  test.each([
    ['a claim said twice', '{"alg":"HS256"}', `{"exp":${seconds + 60},"sub":"1","sub":"2"}`],
    ['a header said twice', '{"alg":"HS256","alg":"HS256"}', `{"exp":${seconds + 60},"sub":"1"}`],
    ['a payload that is a list', '{"alg":"HS256"}', '["1"]'],
    ['a payload that is no JSON', '{"alg":"HS256"}', '{"sub":'],
    ['an unknown critical extension', '{"alg":"HS256","crit":["exotic"],"exotic":true}', `{"exp":${seconds + 60},"sub":"1"}`],
    ['an empty list of critical extensions', '{"alg":"HS256","crit":[]}', `{"exp":${seconds + 60},"sub":"1"}`],
    ['a token for another purpose', '{"alg":"HS256","typ":"logout+jwt"}', `{"exp":${seconds + 60},"sub":"1"}`],
  ])('%s', async (_name, header, payload) => {
    expect(await who(identity({ secret: TEST_SECRET }), bearer(signRaw(TEST_SECRET, header, payload)))).toBe('unauthorized')
  })

  test('a changed signature, payload or part count', async () => {
    const [header = '', payload = '', signature = ''] = teacherToken('1').split('.')
    const other = teacherToken('2').split('.')[1] ?? ''
    const broken = [
      `${header}.${other}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature}.x`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      '..',
      'a.b.c',
    ]
    for (const token of broken) expect(await who(identity({ secret: TEST_SECRET }), bearer(token))).toBe('unauthorized')
  })
})

describe('keys decide over algorithms', () => {
  test.each([['none'], ['None'], ['nOnE'], ['NONE'], [''], [null], [undefined], [1], [['HS256']]])(
    'an unsigned token (alg %j) is refused by every kind of key',
    async (alg) => {
      const everything = identity({
        secret: TEST_SECRET,
        publicKeyPem: rsa.publicPem,
        jwksUrl: java.jwksUrl,
        introspectionUrl: java.introspectionUrl,
      })
      const token = unsigned(alg, { sub: '1', roles: ['admin'] })
      java.users.set(token, { id: 1 })
      expect(await who(everything, bearer(token))).toBe('unauthorized')
      expect(await who(everything, bearer(unsigned(alg, { sub: '1' }, 'AAAA')))).toBe('unauthorized')
    },
  )

  test.each(['HS256', 'HS384', 'HS512', 'RS384', 'PS256', 'ES512', 'XX999'])(
    'an algorithm that no configured key has (%s) is refused',
    async (alg) => {
      expect(await who(identity({ publicKeyPem: ec.publicPem }), bearer(unsigned(alg, { sub: '1' }, 'AAAA')))).toBe('unauthorized')
    },
  )

  test('the public key is never taken for an HMAC secret, in any of its forms', async () => {
    const der = rsa.publicKey.export({ type: 'spki', format: 'der' })
    const pkcs1 = String(rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }))
    const forms = [
      rsa.publicPem,
      rsa.publicPem.trim(),
      rsa.publicPem.replaceAll('\n', ''),
      rsa.publicPem.replaceAll('\n', '\r\n'),
      pkcs1,
      pkcs1.trim(),
      der,
      der.toString('base64'),
      JSON.stringify(rsa.jwk),
    ]
    for (const settings of [
      { publicKeyPem: rsa.publicPem },
      { jwksUrl: java.jwksUrl },
      { publicKeyPem: rsa.publicPem, secret: TEST_SECRET },
    ]) {
      const caller = identity(settings)
      for (const form of forms) expect(await who(caller, bearer(signWithSecret(form, { sub: '1' }, { kid: rsa.kid })))).toBe('unauthorized')
    }
  })

  test('RS256, ES256 and EdDSA each work by PEM, with line breaks or with \\n written out', async () => {
    for (const key of [rsa, ec, ed]) {
      const token = bearer(await signToken(key, { sub: '1' }))
      expect(await who(identity({ publicKeyPem: key.publicPem }), token)).toBe('teacher 1 teacher-1')
      expect(await who(identity({ publicKeyPem: key.publicPem.replaceAll('\n', '\\n') }), token)).toBe('teacher 1 teacher-1')
    }
    expect(await who(identity({ publicKeyPem: ec.publicPem }), bearer(await signToken(rsa, { sub: '1' })))).toBe('unauthorized')
    expect(await who(identity({ publicKeyPem: rsa.publicPem }), bearer(await signToken(stranger, { sub: '1' })))).toBe('unauthorized')
  })

  test('an RSA key signs RS256 and nothing longer', async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part({ alg: 'RS512' })}.${part({ sub: '1', exp: seconds + 60 })}`
    const token = `${signed}.${createSign('sha512').update(signed).sign(rsa.privateKey).toString('base64url')}`
    expect(await who(identity({ publicKeyPem: rsa.publicPem }), bearer(token))).toBe('unauthorized')
  })

  test('several ways stand side by side, each for its own algorithms', async () => {
    const both = identity({ secret: TEST_SECRET, publicKeyPem: rsa.publicPem, jwksUrl: java.jwksUrl })
    expect(await who(both, bearer(teacherToken('1')))).toBe('teacher 1 teacher-1')
    expect(await who(both, bearer(await signToken(rsa, { sub: '2' })))).toBe('teacher 2 teacher-2')
    expect(await who(both, bearer(await signToken(ec, { sub: '3' })))).toBe('teacher 3 teacher-3')
  })

  test('a key offered by the token itself is ignored', async () => {
    const offers = [{ jwk: stranger.jwk }, { jku: 'https://evil.example/jwks' }, { x5u: 'https://evil.example/cert' }, { x5c: ['AAAA'] }]
    for (const settings of [{ publicKeyPem: rsa.publicPem }, { jwksUrl: java.jwksUrl }]) {
      for (const offer of offers) {
        expect(await who(identity(settings), bearer(await signToken(stranger, { sub: '1' }, offer)))).toBe('unauthorized')
        expect(await who(identity(settings), bearer(await signToken(rsa, { sub: '1' }, offer)))).toBe('teacher 1 teacher-1')
      }
    }
    expect(java.requests.every(({ path }) => path === '/.well-known/jwks.json')).toBe(true)
  })

  test.each(['../../etc/passwd', "' or 1=1 --", 'https://evil.example/key', 'key-RS256\0', 'x'.repeat(4000)])(
    'a hostile kid (%.20j) finds no key',
    async (kid) => {
      expect(await who(identity({ jwksUrl: java.jwksUrl }), bearer(await signToken(rsa, { sub: '1' }, { kid })))).toBe('unauthorized')
    },
  )
})

describe('settings that cannot be used stop the start', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'pem' })
  test.each<[string, () => Partial<IdentitySettings>]>([
    ['a secret of 31 bytes', () => ({ secret: 'x'.repeat(31) })],
    ['an empty secret', () => ({ secret: '' })],
    ['a public key as the secret', () => ({ secret: rsa.publicPem })],
    ['no PEM', () => ({ publicKeyPem: 'x'.repeat(400) })],
    ['a private key', () => ({ publicKeyPem: String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })) })],
    ['an RSA key of 1024 bits', () => ({ publicKeyPem: String(weak) })],
    ['a curve other than P-256', () => ({ publicKeyPem: String(p384) })],
    ['a key set that is no URL', () => ({ jwksUrl: 'java/keys' })],
    ['a key set in a file', () => ({ jwksUrl: 'file:///etc/keys.json' })],
    ['an introspection that is no URL', () => ({ introspectionUrl: 'api/auth/me' })],
  ])('%s', (_name, settings) => {
    expect(() => identity(settings())).toThrow(expect.objectContaining({ code: 'invalid_request' }) as Error)
  })
})

describe('a key set', () => {
  const fetches = () => java.requests.filter(({ path }) => path === '/.well-known/jwks.json').length

  test('is fetched once for many tokens of every algorithm', async () => {
    const caller = identity({ jwksUrl: java.jwksUrl })
    const tokens = await Promise.all([rsa, ec, ed, rsa, ec, ed].map((key, at) => signToken(key, { sub: String(at) })))
    expect(await Promise.all(tokens.map((token) => who(caller, bearer(token))))).toEqual(
      [0, 1, 2, 3, 4, 5].map((at) => `teacher ${at} teacher-${at}`),
    )
    expect(fetches()).toBe(1)
  })

  test('picks up a rotation with overlap without refusing one request', async () => {
    const next = await makeKey('RS256', 'next')
    const caller = identity({ jwksUrl: java.jwksUrl })
    const [before, after] = await Promise.all([signToken(rsa, { sub: '1' }), signToken(next, { sub: '1' })])
    expect(await who(caller, bearer(before))).toBe('teacher 1 teacher-1')
    java.keys.push(next.jwk)
    const answers = await Promise.all([before, after, after, before, after].map((token) => who(caller, bearer(token))))
    expect(new Set(answers)).toEqual(new Set(['teacher 1 teacher-1']))
    expect(fetches()).toBe(2)
  })

  test('forgets a key the provider took back, within ten minutes', async () => {
    const caller = identity({ jwksUrl: java.jwksUrl })
    const token = bearer(await signToken(rsa, { sub: '1', exp: seconds + 7200 }))
    expect(await who(caller, token)).toBe('teacher 1 teacher-1')
    java.keys.splice(0, Infinity, ec.jwk)
    clock += 600_000
    expect(await who(caller, token)).toBe('unauthorized')
  })

  test('asks at most once in 30 s about unknown keys', async () => {
    const caller = identity({ jwksUrl: java.jwksUrl })
    const tokens = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((kid) => signToken(rsa, { sub: '1' }, { kid })))
    for (const token of tokens) expect(await who(caller, bearer(token))).toBe('unauthorized')
    expect(fetches()).toBe(2)
    clock += 29_000
    await who(caller, bearer(tokens[0] ?? ''))
    expect(fetches()).toBe(2)
    clock += 1_000
    await who(caller, bearer(tokens[0] ?? ''))
    expect(fetches()).toBe(3)
  })

  test('keeps its keys through an outage of 24 hours and no longer', async () => {
    const caller = identity({ jwksUrl: java.jwksUrl })
    const token = bearer(await signToken(rsa, { sub: '1', exp: seconds + 200_000 }))
    expect(await who(caller, token)).toBe('teacher 1 teacher-1')
    java.setOutage(503)
    clock += 23 * 3_600_000
    expect(await who(caller, token)).toBe('teacher 1 teacher-1')
    java.setOutage('hangUp')
    clock += 3_599_000
    expect(await who(caller, token)).toBe('teacher 1 teacher-1')
    clock += 1_000
    expect(await who(caller, token)).toBe('java_unavailable')
    java.setOutage(undefined)
    clock += 2_000
    expect(await who(caller, token)).toBe('teacher 1 teacher-1')
  })

  test('does not wait for a dead provider at every request', async () => {
    const caller = identity({ jwksUrl: java.jwksUrl })
    const token = bearer(await signToken(rsa, { sub: '1' }))
    await who(caller, token)
    java.setOutage(503)
    clock += 600_000
    for (let request = 0; request < 5; request += 1) expect(await who(caller, token)).toBe('teacher 1 teacher-1')
    expect(fetches()).toBe(2)
  })

  test('that was never obtained is no reason for the caller to throw its token away', async () => {
    java.setOutage(500)
    expect(await who(identity({ jwksUrl: java.jwksUrl }), bearer(await signToken(rsa, { sub: '1' })))).toBe('java_unavailable')
  })

  test('tries every key of the algorithm when the token names none', async () => {
    const second = await makeKey('RS256', 'second')
    java.keys.push(second.jwk)
    const token = await signToken(second, { sub: '1' }, { kid: undefined })
    expect(await who(identity({ jwksUrl: java.jwksUrl }), bearer(token))).toBe('teacher 1 teacher-1')
  })

  test('with symmetric or private members gives no key away to forgers', async () => {
    const oct = { kty: 'oct', k: Buffer.from(TEST_SECRET).toString('base64url'), kid: 'shared', alg: 'HS256' }
    java.keys.splice(0, Infinity, oct)
    const caller = identity({ jwksUrl: java.jwksUrl })
    expect(await who(caller, bearer(signWithSecret(TEST_SECRET, { sub: '1' }, { kid: 'shared' })))).toBe('unauthorized')
    expect(await who(caller, bearer(await signToken(rsa, { sub: '1' }, { kid: 'shared' })))).toBe('unauthorized')
  })
})

describe('introspection', () => {
  const caller = () => identity({ introspectionUrl: java.introspectionUrl })
  const asked = () => java.requests.filter(({ path }) => path === '/api/auth/me').length

  test('an opaque token is whom the backend says it is, roles only from data.roles', async () => {
    java.users.set('opaque', { id: 12, role: 'admin' })
    java.users.set('boss', { id: '9', roles: ['admin'] })
    expect(await who(caller(), bearer('opaque'))).toBe('teacher 12 teacher-12')
    expect(await who(caller(), bearer('boss'))).toBe('admin 9 teacher-9')
    expect(await who(caller(), bearer('unknown'))).toBe('unauthorized')
    expect(java.requests[0]?.headers.authorization).toBe('Bearer opaque')
  })

  test.each([{}, { id: null }, { id: '' }, { id: '../x' }, { id: {} }, { userId: 1 }])(
    'an answer without a usable id (%j) proves nobody',
    async (data) => {
      java.users.set('odd', data)
      expect(await who(caller(), bearer('odd'))).toBe('unauthorized')
    },
  )

  test('an answer counts for 60 s, and many requests at once ask once', async () => {
    java.users.set('opaque', { id: 12 })
    const same = caller()
    await Promise.all(Array.from({ length: 10 }, () => who(same, bearer('opaque'))))
    clock += 59_999
    java.users.clear()
    expect(await who(same, bearer('opaque'))).toBe('teacher 12 teacher-12')
    expect(asked()).toBe(1)
    clock += 1
    expect(await who(same, bearer('opaque'))).toBe('unauthorized')
    expect(asked()).toBe(2)
  })

  test.each([500, 503, 429, 'hangUp'] as const)('a backend that cannot say (%j) leaves the token unjudged', async (outage) => {
    java.users.set('opaque', { id: 12 })
    const same = caller()
    java.setOutage(outage)
    expect(await who(same, bearer('opaque'))).toBe('java_unavailable')
    java.setOutage(undefined)
    expect(await who(same, bearer('opaque'))).toBe('teacher 12 teacher-12')
  })

  test.each([401, 403, 404, 302])('HTTP %i refuses the token', async (status) => {
    java.setOutage(status)
    expect(await who(caller(), bearer('opaque'))).toBe('unauthorized')
  })

  test('a configured key decides over its algorithm; only other tokens are asked about', async () => {
    const both = identity({ secret: TEST_SECRET, introspectionUrl: java.introspectionUrl })
    const forged = signWithSecret('another secret that is long enough too', { sub: '1' })
    java.users.set(forged, { id: 1 })
    expect(await who(both, bearer(forged))).toBe('unauthorized')
    expect(asked()).toBe(0)
    const foreign = await signToken(rsa, { sub: '1' })
    java.users.set(foreign, { id: 3 })
    expect(await who(both, bearer(foreign))).toBe('teacher 3 teacher-3')
  })

  test('a caller who leaves stops waiting, and the answer still serves the others', async () => {
    java.users.set('opaque', { id: 12 })
    const same = caller()
    const leaving = new AbortController()
    const left = same.authenticate(bearer('opaque'), leaving.signal)
    const stays = who(same, bearer('opaque'))
    leaving.abort(new Error('client went away'))
    await expect(left).rejects.toThrow('client went away')
    expect(await stays).toBe('teacher 12 teacher-12')
    expect(asked()).toBe(1)
  })
})
