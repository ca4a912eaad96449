// How the console's files are served: to whom, how long they may be kept, and what happens when they were never built.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mountConsole } from '../../src/http/console.ts'
import { startTestServer, type TestServer } from './support.ts'

let folder: string
let server: TestServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'console-'))
  await mkdir(join(folder, 'built/assets'), { recursive: true })
  await writeFile(join(folder, 'built/index.html'), '<!doctype html><title>console</title>')
  await writeFile(join(folder, 'built/assets/app-abc.js'), 'export {}')
  await writeFile(join(folder, 'secret.txt'), 'not for the world')
  server = await startTestServer({ loopback: false, mounts: [(app) => mountConsole(app, join(folder, 'built'))] })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const get = (path: string): Promise<Response> => fetch(server.base + path, { redirect: 'manual' })

test('the page needs no credential, is always asked for again, and runs only its own scripts', async () => {
  const page = await get('/console/')
  expect([page.status, page.headers.get('content-type'), page.headers.get('cache-control')]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-cache',
  ])
  expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self';/)
  expect(await page.text()).toContain('<title>console</title>')
})

test('without its last slash it leads to the page by a relative address, so that a prefix of a gateway stays', async () => {
  const answer = await get('/console?x=1')
  expect([answer.status, answer.headers.get('location')]).toEqual([302, './console/?x=1'])
})

test('files named by their content are kept for a year', async () => {
  const file = await get('/console/assets/app-abc.js')
  expect([file.status, file.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
})

test.each([
  '/console/../secret.txt',
  '/console/..%2fsecret.txt',
  '/console/assets/..%2f..%2f..%2fsecret.txt',
  '/console/%2e%2e/secret.txt',
  '/console/nothing.js',
])('%s gives nothing away', async (path) => {
  const answer = await get(path)
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(await answer.text()).not.toContain('not for the world')
})

test('an installation that built none says how to, and serves everything else', async () => {
  const bare = await startTestServer({ mounts: [(app) => mountConsole(app, join(folder, 'absent'))] })
  const { status, body } = await bare.call('GET', '/console')
  expect([status, body.error.code, body.error.message]).toEqual([404, 'not_found', expect.stringContaining('npm run build:console')])
  expect((await bare.call('GET', '/healthz')).status).toBe(200)
  await bare.close()
})
