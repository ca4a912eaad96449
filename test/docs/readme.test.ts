// What the README promises: its links lead somewhere, its settings exist, and its first steps work as they are written.
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SETTING_NAMES } from '../../src/settings.ts'
import { type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'

const run = promisify(execFile)
const readme = readFileSync('README.md', 'utf8')

test('every relative link of every page leads to a file', () => {
  const broken = ['README.md', 'ARCHITECTURE.md', ...globSync('docs/*.md'), 'bench/README.md', 'models/README.md'].flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)]
      .map((match) => join(dirname(page), match[1] ?? ''))
      .filter((target) => !existsSync(target))
      .map((target) => `${page} -> ${target}`),
  )
  expect(broken).toEqual([])
})

test('every test that a page names as its proof exists', () => {
  const named = ['ARCHITECTURE.md', ...globSync('docs/*.md')].flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/`(test\/[^` ]+\.ts)`/g)].map((match) => match[1] ?? ''),
  )
  expect(named.length).toBeGreaterThan(50)
  expect(named.filter((file) => !existsSync(file))).toEqual([])
})

test('every setting the README names exists', () => {
  const table = readme.slice(readme.indexOf('## Settings'), readme.indexOf('## Operations'))
  const named = [...table.matchAll(/`([A-Z][A-Z0-9_]{3,})`/g)].map((match) => match[1] ?? '').filter((name) => !name.endsWith('_'))
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !(SETTING_NAMES as string[]).includes(name))).toEqual([])
})

describe('the first search in two minutes', () => {
  let place: ServicePlace
  let service: Service | undefined
  beforeAll(async () => {
    place = await servicePlace()
    service = await startService(place)
  }, 120_000)
  afterAll(async () => {
    await service?.stop()
    await place.clear()
  })

  test('ends in an answer that cites its source', async () => {
    const section = readme.slice(readme.indexOf('## A first search'), readme.indexOf('## What it reads'))
    const commands = [...section.matchAll(/```sh\n([\s\S]*?)```/g)]
      .flatMap((match) => (match[1] ?? '').split(/\n\n/))
      .map((command) => command.trim())
    expect(commands).toHaveLength(3)
    const running = service as Service
    const call = async (command: string): Promise<Record<string, unknown>> => {
      const { stdout } = await run('bash', ['-c', command.replaceAll('localhost:8000', running.url.replace('http://', ''))])
      return JSON.parse(stdout) as Record<string, unknown>
    }
    const accepted = await call(commands[0] ?? '')
    expect(accepted).toMatchObject({ parseStatus: 'pending', workspace: 'teacher-dev' })
    for (;;) {
      const { json } = await running.call('GET', `/api/documents/${String(accepted['fileId'])}`)
      if (json['parseStatus'] === 'completed') break
      expect(json['parseStatus']).not.toBe('failed')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const found = await call(commands[1] ?? '')
    expect((found['results'] as { source: string }[]).map((result) => result.source)).toContain('user/教案.md')
    const answered = await call(commands[2] ?? '')
    expect(answered['answer']).toMatch(/\[1\]/)
    expect((answered['references'] as unknown[]).length).toBeGreaterThan(0)
  })
})
