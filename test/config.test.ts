import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isLoopback, readConfig } from '../src/config.ts'
import { SETTING_NAMES } from '../src/settings.ts'

test('nothing set is development mode on loopback with the embedded database and the built-in models', () => {
  const config = readConfig({})
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 8000,
    loopback: true,
    development: true,
    dataDir: './data',
    role: 'all',
    secretsKey: undefined,
    uploadMaxBytes: 52_428_800,
    rateLimits: { all: undefined, kinds: {} },
    java: { baseUrl: undefined, callbackMethod: 'PUT', ossHosts: [] },
  })
  expect(config.database.url).toBeUndefined()
  expect(config.models.embedding?.provider).toBeUndefined()
})

test('empty and blank values count as not set', () => {
  expect(readConfig({ PORT: '', ADMIN_TOKEN: '  ', INTERNAL_TOKENS: ' , ', DATABASE_URL: '' })).toEqual(readConfig({}))
})

test.each([
  ['PORT', '80x', 'PORT must be a whole number from 0 to 65535.'],
  ['PORT', '65536', 'PORT must be a whole number from 0 to 65535.'],
  ['ROLE', 'boss', 'ROLE must be one of all, api, worker.'],
  ['JAVA_BASE_URL', 'backend:8080', 'JAVA_BASE_URL must be an http or https address.'],
  ['DATABASE_URL', 'mysql://x', 'DATABASE_URL must start with postgres:// or postgresql://.'],
  ['LLM_OPTIONS', '[1]', 'LLM_OPTIONS must be a JSON object.'],
  ['LLM_OPTIONS', '{secret', 'LLM_OPTIONS must be a JSON object.'],
  ['EMBEDDING_DIM', '4001', 'EMBEDDING_DIM must be a whole number from 1 to 4000.'],
  ['RATE_LIMITS', 'search=0', 'RATE_LIMITS must be a list of kind=calls with the kinds search, answer, ingest, embed.'],
  ['RATE_LIMITS', 'searches=5', 'RATE_LIMITS must be a list of kind=calls with the kinds search, answer, ingest, embed.'],
  ['UPLOAD_MAX_BYTES', '0', 'UPLOAD_MAX_BYTES must be a whole number from 1 to 2000000000.'],
])('%s=%s is refused by name and without its value', (name, value, sentence) => {
  expect(() => readConfig({ [name]: value })).toThrow(expect.objectContaining({ code: 'invalid_request', message: sentence }))
})

test('everything that is wrong is told at once', () => {
  expect(() => readConfig({ PORT: 'x', ROLE: 'y' })).toThrow(/^PORT .*\nROLE .*$/)
})

test.each(['0.0.0.0', '::', '192.168.1.4', 'rag.example', '127.example'])(
  'without an auth setting HOST=%s does not start, and the sentence says what to do',
  (HOST) => {
    expect(() => readConfig({ HOST })).toThrow(/HOST is reachable.*ADMIN_TOKEN.*127\.0\.0\.1/)
    expect(readConfig({ HOST, ADMIN_TOKEN: 't' })).toMatchObject({
      loopback: false,
      development: false,
      rateLimits: { all: 600, kinds: {} },
    })
  },
)

test('an issuer alone is no auth setting', () => {
  expect(readConfig({ JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'rag' }).development).toBe(true)
})

test('PostgreSQL needs SECRETS_KEY to serve, but not for a command', () => {
  const env = { DATABASE_URL: 'postgres://localhost/rag' }
  expect(() => readConfig(env)).toThrow(/^SECRETS_KEY must be set/)
  expect(readConfig(env, 'command').database.url).toBe(env.DATABASE_URL)
  expect(readConfig({ ...env, SECRETS_KEY: 'k' }).secretsKey).toBe('k')
})

test('roles keep their own server, key and model', () => {
  const { models } = readConfig({
    DASHSCOPE_API_KEY: 'd',
    LLM_MODEL: 'm',
    SUMMARY_BASE_URL: 'http://localhost:1/v1',
    VISION_API_KEY: 'v',
    LLM_OPTIONS: '{"a":1}',
  })
  expect(models).toMatchObject({
    dashscopeApiKey: 'd',
    llm: { model: 'm', options: { a: 1 } },
    summarise: { baseUrl: 'http://localhost:1/v1' },
    vision: { apiKey: 'v' },
  })
})

test('a PEM may be written on one line, and lists by commas', () => {
  const config = readConfig({ JWT_PUBLIC_KEY: '-----BEGIN\\nabc\\n-----END', INTERNAL_TOKENS: 'a, b,,', OSS_HOSTS: 'aliyuncs.com' })
  expect(config.identity.publicKeyPem).toBe('-----BEGIN\nabc\n-----END')
  expect([config.identity.internalTokens, config.java.ossHosts]).toEqual([['a', 'b'], ['aliyuncs.com']])
})

test('a limit on loopback is one that was asked for', () => {
  expect(readConfig({ RATE_LIMIT_PER_MINUTE: '10' }).rateLimits.all).toBe(10)
  expect(readConfig({ HOST: '0.0.0.0', ADMIN_TOKEN: 't', RATE_LIMIT_PER_MINUTE: '0' }).rateLimits.all).toBeUndefined()
})

test.each([
  ['localhost', true],
  ['127.8.8.8', true],
  ['::1', true],
  ['[::1]', true],
  ['127.evil.example', false],
  ['0.0.0.0', false],
])('whether %s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

test('.env.example documents every setting and no other', () => {
  const text = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  const named = [...text.matchAll(/^#?([A-Z][A-Z_]*)=/gm)].map(([, name]) => name)
  expect(new Set(named)).toEqual(new Set(SETTING_NAMES))
  expect(named).toHaveLength(SETTING_NAMES.length)
})

test('limits of reading are told in seconds and megabytes, and what is not set is left to the reader', () => {
  expect(Object.values(readConfig({}).parsing).every((limit) => limit === undefined)).toBe(true)
  const env = { PARSE_TIMEOUT_SECONDS: '60', PARSE_MEMORY_MB: '512', OCR_PAGE_SECONDS: '5', IMAGE_MAX_MEGAPIXELS: '2', PDF_MAX_PAGES: '7' }
  expect(readConfig(env).parsing).toMatchObject({
    timeoutMs: 60_000,
    memoryBytes: 536_870_912,
    ocrPageMs: 5000,
    imagePixels: 2_000_000,
    pdfPages: 7,
  })
  expect(
    [readConfig({ LIBREOFFICE_PATH: 'none' }), readConfig({ LIBREOFFICE_PATH: '/opt/soffice' })].map(({ parsing }) => parsing.libreOffice),
  ).toEqual([false, '/opt/soffice'])
})
