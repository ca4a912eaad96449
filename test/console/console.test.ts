// The console as people use it: every main path, what goes wrong on the way, and hostile documents.
import { readFileSync } from 'node:fs'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'
import { TEST_SECRET, teacherToken } from '../support/tokens.ts'
import { accessibilityFindings, buildConsole, type Credential, openPage, RULES, startBrowser, visit, type Watched } from './support.ts'

const ADMIN: Credential = { kind: 'admin', token: 'an-admin-token' }
const teacher = (id: string): Credential => ({ kind: 'bearer', token: teacherToken(id) })

const LESSON = `# 二次函数

形如 $y = ax^2 + bx + c$ 的函数叫做二次函数，它的图像是抛物线。

$$
x = -\\frac{b}{2a}
$$

| 系数 | 作用 |
| --- | --- |
| a | 决定开口方向 |
`

/** What stands in the way here is a busy machine, and only that: no answer of the page is waited for longer than it needs. */
vi.setConfig({ testTimeout: 240_000 })

// Of a document that tries to run something in the page.
const NAME = `<img src=x onerror="window.harmed='name'">'"-->.md`
const TEXT = [
  `# <script>window.harmed='heading'</script> attack`,
  `<img src=x onerror="window.harmed='text'"> and <svg onload="window.harmed='svg'"></svg>`,
  `[press](javascript:window.harmed='link') and $\\href{javascript:window.harmed='formula'}{x^2}$ and $\\htmlClass{c}{y}$`,
  `| <b onmouseover="window.harmed='cell'">cell</b> |`,
  '| --- |',
  `| <iframe src="javascript:parent.harmed='frame'"></iframe> |`,
].join('\n\n')

let hostileId: string
let place: ServicePlace
let service: Service
let browser: Browser
let opened: Watched[] = []

beforeAll(async () => {
  await buildConsole()
  place = await servicePlace()
  ;[service, browser] = await Promise.all([startService(place, { JWT_SECRET: TEST_SECRET, ADMIN_TOKEN: ADMIN.token }), startBrowser()])
  // What tests only look at is read in all at once.
  const [, , , hostile] = await Promise.all([
    ingest('asking', '教案.md', LESSON),
    ingest('filters', 'alpha.md', 'alpha'),
    ingest('filters', 'beta.md', 'beta'),
    ingest('hostile', NAME, TEXT),
    ingest('narrow', `${'long-name-'.repeat(12)}.md`, LESSON),
  ])
  hostileId = hostile
}, 240_000)

afterAll(async () => {
  await browser?.close()
  await service?.stop()
  await place?.clear()
})

afterEach(async () => {
  const problems = opened.flatMap((watched) => watched.problems)
  await Promise.all(opened.map(({ page }) => page.context().close()))
  opened = []
  if (problems.length > 0) throw new Error(`errors in the page, or what its content policy refused:\n${problems.join('\n')}`)
})

async function open(hash: string, credential?: Credential, options: BrowserContextOptions = {}): Promise<Page> {
  const watched = await openPage(browser, options)
  opened.push(watched)
  await visit(watched.page, service.url, hash, credential)
  return watched.page
}

/** Brings a text into a teacher's workspace and waits until it is searchable. */
async function ingest(id: string, fileName: string, text: string): Promise<string> {
  const headers = { authorization: `Bearer ${teacherToken(id)}` }
  const { json } = await service.call('POST', '/api/documents', { fileName, text }, headers)
  const fileId = String(json['fileId'])
  for (;;) {
    const { json: view } = await service.call('GET', `/api/documents/${fileId}`, undefined, headers)
    if (view['parseStatus'] === 'completed') return fileId
    if (view['parseStatus'] === 'failed') throw new Error(String(view['parseError']))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Waits until this attempt at a document has failed. */
async function failed(id: string, fileId: string, jobId: string): Promise<void> {
  const headers = { authorization: `Bearer ${teacherToken(id)}` }
  for (;;) {
    const { json: view } = await service.call('GET', `/api/documents/${fileId}`, undefined, headers)
    if (view['jobId'] === jobId && view['parseStatus'] === 'failed') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Waits until it is there to be seen. */
async function appears(locator: Locator): Promise<boolean> {
  await locator.first().waitFor()
  return locator.first().isVisible()
}

/** Nothing on the page is still being loaded. */
const settled = (page: Page): Promise<void> => page.locator('.skeleton').first().waitFor({ state: 'detached' })

describe('signing in', () => {
  test('a refused token is told, an accepted one opens the own workspace, and signing out forgets it', async () => {
    const page = await open('')
    await page.getByLabel('Token', { exact: true }).fill('not a token')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('did not accept this token').waitFor()
    await page.getByLabel('Token', { exact: true }).fill(teacherToken('in'))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Documents' }).waitFor()
    expect(await page.getByLabel('Workspace').inputValue()).toBe('teacher-in')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.evaluate('JSON.stringify(sessionStorage) + JSON.stringify(localStorage) + document.cookie')).not.toContain('eyJ')
  })

  test('a token that expires half-way is asked for again over what is on the screen', async () => {
    const page = await open('#/documents', teacher('asking'))
    await page.getByRole('link', { name: '教案.md' }).waitFor()
    await page.evaluate(`sessionStorage.setItem('insight-rag.credential', JSON.stringify({ kind: 'bearer', token: 'eyJ.old.token' }))`)
    await page.getByLabel('Status').selectOption('completed')
    await page.getByRole('dialog').getByText('Your sign-in has expired').waitFor()
    await page.getByLabel('Token', { exact: true }).fill(teacherToken('asking'))
    await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await page.getByLabel('Status').inputValue()).toBe('completed')
  })

  test('an upload that meets an expired token goes on when one has signed in again', async () => {
    const page = await open('#/documents', teacher('expiring'))
    await page.getByText('No documents yet').waitFor()
    await page.evaluate(`sessionStorage.setItem('insight-rag.credential', JSON.stringify({ kind: 'bearer', token: 'eyJ.old.token' }))`)
    await page.locator('input[type=file]').setInputFiles({ name: 'kept.md', mimeType: 'text/markdown', buffer: Buffer.from(LESSON) })
    await page.getByRole('dialog').getByText('Your sign-in has expired').waitFor()
    await page.getByLabel('Token', { exact: true }).fill(teacherToken('expiring'))
    await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click()
    expect(await appears(page.getByRole('row', { name: /kept\.md.*Completed/ }))).toBe(true)
  })

  test('a teacher may look at public but not write there, and sees nothing for administrators', async () => {
    const page = await open('#/documents', teacher('reader'))
    await page.getByLabel('Workspace').selectOption('public')
    await page.getByText('You may only read in this workspace.').waitFor()
    expect(await page.getByRole('button', { name: 'Choose files' }).count()).toBe(0)
    expect(await page.getByRole('button', { name: /^Delete/ }).count()).toBe(0)
    await page.getByRole('link', { name: 'Operations' }).click()
    await page.getByText('are for administrators').waitFor()
  })
})

describe('documents', () => {
  test('a dropped file is followed to its end and shown with its formulas, tables and figures', async () => {
    const page = await open('#/documents', teacher('drop'))
    await page.getByText('No documents yet').waitFor()
    const dropped = await page.evaluateHandle(
      `(() => { const carried = new DataTransfer(); carried.items.add(new File([${JSON.stringify(LESSON)}], '教案.md', { type: 'text/markdown' })); return carried })()`,
    )
    await page.locator('.drop').dispatchEvent('drop', { dataTransfer: dropped })
    await page.getByRole('row', { name: /教案\.md.*Completed/ }).waitFor()
    await page
      .getByRole('row', { name: /教案\.md/ })
      .getByRole('link')
      .click()
    await page.getByRole('heading', { name: '教案.md' }).waitFor()
    await page.locator('.katex').first().waitFor()
    expect(await page.locator('.katex').count()).toBeGreaterThanOrEqual(2)
    expect(await page.getByRole('cell', { name: '决定开口方向' }).count()).toBe(1)
    await page.getByText('No model that keeps a count was called').waitFor()
    await page.getByRole('button', { name: 'Blocks' }).click()
    await page.locator('.chunk', { hasText: 'Equation' }).locator('.katex').waitFor()
    expect(await page.locator('.chunk', { hasText: 'Table' }).getByRole('cell', { name: '决定开口方向' }).count()).toBe(1)
  })

  test('an upload under way when the network goes says so, survives a look elsewhere, and ends by itself as one document', async () => {
    const page = await open('#/documents', teacher('offline'))
    await page.getByText('No documents yet').waitFor()
    const sent = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    await page.route('**/api/documents', async (route) => {
      if (route.request().method() !== 'POST') return route.fallback()
      // It arrives, and the answer is lost.
      await route.fetch()
      sent.resolve()
      await gone.promise
      return route.abort('internetdisconnected')
    })
    await page.locator('input[type=file]').setInputFiles({ name: 'broken.md', mimeType: 'text/markdown', buffer: Buffer.from(LESSON) })
    await sent.promise
    await page.context().setOffline(true)
    gone.resolve()
    const row = page.locator('.upload', { hasText: 'broken.md' })
    await row.getByText('goes on by itself').waitFor()
    await page.getByRole('link', { name: 'Search' }).click()
    await page.getByRole('heading', { name: 'Search' }).waitFor()
    await page.getByRole('link', { name: 'Documents' }).click()
    await row.getByText('goes on by itself').waitFor()
    await page.unroute('**/api/documents')
    await page.context().setOffline(false)
    await row.getByText('Uploaded').waitFor()
    await page.getByRole('row', { name: /broken\.md.*Completed/ }).waitFor()
    expect(await page.getByRole('row', { name: /broken\.md/ }).count()).toBe(1)
  })

  test('an upload that the service cannot take keeps its row and succeeds when it is tried again', async () => {
    const page = await open('#/documents', teacher('again'))
    await page.route('**/api/documents', (route) =>
      route.request().method() === 'POST' ? route.abort('connectionreset') : route.fallback(),
    )
    await page.locator('input[type=file]').setInputFiles({ name: 'broken.md', mimeType: 'text/markdown', buffer: Buffer.from(LESSON) })
    const row = page.locator('.upload', { hasText: 'broken.md' })
    await row.getByText('cannot be reached').waitFor()
    await page.unroute('**/api/documents')
    await row.getByRole('button', { name: 'Try again' }).click()
    expect(await appears(page.getByRole('row', { name: /broken\.md.*Completed/ }))).toBe(true)
  })

  test('a document in work is cancelled after a question', async () => {
    await ingest('cancel', 'slow.md', 'slow')
    const page = await open('#/documents', teacher('cancel'))
    const inWork = { parseStatus: 'processing', stage: 'extract', progress: 0.4 }
    await page.route('**/api/documents?**', async (route) => {
      const response = await route.fetch()
      const { documents, ...rest } = (await response.json()) as { documents: object[] }
      await route.fulfill({ json: { ...rest, documents: documents.map((document) => ({ ...document, ...inWork })) } })
    })
    await page.reload()
    await page.getByRole('progressbar', { name: 'Extracting knowledge' }).waitFor()
    await page.getByRole('button', { name: 'Stop slow.md' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stop processing' }).click()
    expect(await appears(page.getByText('No documents yet'))).toBe(true)
  })

  test('a file of a type nobody can read is refused in its row with the reason', async () => {
    const page = await open('#/documents', teacher('types'))
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'tool.exe', mimeType: 'application/octet-stream', buffer: Buffer.from([77, 90, 0, 1, 2, 3]) })
    expect(await appears(page.locator('.upload', { hasText: 'tool.exe' }).getByText('This type of file cannot be read.'))).toBe(true)
  })

  test('a failed document says why, can be tried again, and is deleted only after a question', async () => {
    const page = await open('#/documents', teacher('failing'))
    const encrypted = readFileSync(new URL('../../fixtures/documents/encrypted.pdf', import.meta.url))
    await page.locator('input[type=file]').setInputFiles({ name: 'locked.pdf', mimeType: 'application/pdf', buffer: encrypted })
    const row = page.getByRole('row', { name: /locked\.pdf/ })
    await row.getByText(/unprocessable_document.*password/).waitFor()
    const asked = page.waitForResponse((response) => response.url().endsWith('/retry'))
    await row.getByRole('button', { name: 'Try again' }).click()
    const { fileId, jobId } = (await (await asked).json()) as { fileId: string; jobId: string }
    // What the first try said may still be shown; the second has ended when the service says so.
    await failed('failing', fileId, jobId)
    await page.reload()
    await row.getByText(/unprocessable_document.*password/).waitFor()
    await row.getByRole('button', { name: 'Delete locked.pdf' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(await row.count()).toBe(1)
    await row.getByRole('button', { name: 'Delete locked.pdf' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No documents yet').waitFor()
  })

  test('filters narrow the list and an empty result offers to clear them', async () => {
    const page = await open('#/documents', teacher('filters'))
    await page.getByRole('link', { name: 'beta.md' }).waitFor()
    await page.getByLabel('File name or fileId').fill('alph')
    await page.getByRole('link', { name: 'beta.md' }).waitFor({ state: 'detached' })
    expect(await appears(page.getByRole('link', { name: 'alpha.md' }))).toBe(true)
    await page.getByLabel('File name or fileId').fill('gamma')
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await page.getByRole('link', { name: 'beta.md' }).waitFor()
  })
})

describe('search', () => {
  test('a result shows its score and by which ways it was found, and opens its place', async () => {
    const page = await open('#/search', teacher('asking'))
    await page.getByLabel('Question').fill('二次函数的图像')
    await page.getByRole('button', { name: 'Search', exact: true }).first().click()
    const hit = page.locator('.hit', { hasText: 'user/教案.md' })
    await hit.waitFor()
    expect(await hit.locator('.score').textContent()).toMatch(/^[01]\.\d{3}$/)
    expect(await hit.locator('.leg').count()).toBeGreaterThan(0)
    await hit.getByRole('button', { name: 'user/教案.md' }).click()
    await page.getByRole('dialog').getByText('决定开口方向').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('modes stand side by side, and one can be left out', async () => {
    const page = await open(`#/search?q=${encodeURIComponent('二次函数')}&way=compare`, teacher('asking'))
    for (const mode of ['auto', 'naive', 'local', 'global', 'hybrid', 'mix', 'lexical']) {
      await page
        .getByRole('region', { name: mode, exact: true })
        .getByText(/\d+ results?/)
        .waitFor()
    }
    await page.getByRole('checkbox', { name: 'global' }).uncheck()
    expect(await page.getByRole('region', { name: 'global', exact: true }).count()).toBe(0)
  })

  test('an answer arrives with citations that open the cited place, and can be asked further', async () => {
    const page = await open(`#/search?q=${encodeURIComponent('二次函数的图像是什么')}&way=answer`, teacher('asking'))
    const citation = page.locator('.answer .citation').first()
    await citation.waitFor()
    await citation.click()
    await page.getByRole('dialog').locator('.rich').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await page.getByLabel('Ask further').fill('对称轴呢')
    await page.getByRole('button', { name: 'Ask', exact: true }).last().click()
    expect(await appears(page.locator('.exchange[aria-busy=false]').nth(1))).toBe(true)
  })

  test('conditions go into the question, and nothing found is said, not shown as a blank page', async () => {
    const page = await open('#/search', teacher('asking'))
    await page.getByText('More conditions').click()
    await page.getByLabel('Per document').fill('2')
    await page.getByLabel('With the text around').check()
    await page.getByLabel('Metadata conditions').fill('year>=3000; grade=九年级')
    await page.getByLabel('Question').fill('二次函数')
    const asked = page.waitForRequest('**/api/search')
    await page.keyboard.press('Enter')
    expect((await asked).postDataJSON()).toMatchObject({
      maxPerDocument: 2,
      expand: 'section',
      filters: { year: { gte: 3000 }, grade: '九年级' },
    })
    expect(await appears(page.getByText('Nothing relevant was found'))).toBe(true)
  })
})

describe('graph', () => {
  test('an entity is found, painted with its neighbours, described with its evidence, and connected by a path', async () => {
    const page = await open('#/graph', teacher('graph'))
    await page.getByRole('searchbox', { name: 'Find an entity' }).fill('二次函數')
    await page
      .locator('.entity-list')
      .getByRole('button', { name: /^二次函數 / })
      .click()
    await page.getByRole('img', { name: /Knowledge graph with \d+ entities/ }).waitFor()
    await page.locator('.canvas canvas').first().waitFor()
    const panel = page.getByRole('complementary', { name: '二次函數' })
    await panel.getByText(/Evidence \(\d+\)/).click()
    await panel.locator('blockquote').first().waitFor()
    await panel.getByLabel('Path to another entity').fill('因式分解')
    await panel.getByRole('button', { name: 'Find path' }).click()
    expect(await page.locator('.path').textContent()).toMatch(/^二次函數 → .*因式分解$/)
    expect(await panel.getByRole('button', { name: 'Edit' }).count()).toBe(0)
  })

  test('an administrator makes an entity, corrects it, merges it and takes the merge back', async () => {
    const page = await open('#/graph', ADMIN)
    await page.getByRole('button', { name: 'New entity' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('测试概念甲')
    await dialog.getByLabel('Type').fill('concept')
    await dialog.getByLabel('Description').fill('first words')
    await dialog.getByRole('button', { name: 'Save' }).click()
    const panel = page.getByRole('complementary', { name: '测试概念甲' })
    await panel.getByText('first words').waitFor()
    await panel.getByRole('button', { name: 'Edit' }).click()
    await dialog.getByLabel('Description').fill('better words')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await panel.getByText('better words').waitFor()
    await panel.getByLabel('Merge into entity').fill('二次函數')
    await panel.getByRole('button', { name: 'Merge', exact: true }).click()
    const merged = page.getByRole('complementary', { name: '二次函數' })
    await merged.getByRole('button', { name: /Undo merge/ }).click()
    expect(await appears(panel.getByText('better words'))).toBe(true)
    await panel.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await panel.waitFor({ state: 'detached' })
  })
})

describe('possible duplicates', () => {
  test('are decided by a person, and the decision is taken back', async () => {
    const headers = { authorization: `Bearer ${teacherToken('pairs')}` }
    for (const name of ['quadratic mapping', 'quadratic mappings', 'cubic mapping', 'cubic mappings'])
      await service.call('POST', '/api/graph/entities', { name, type: 'concept', description: '' }, headers)
    const page = await open('#/graph', teacher('pairs'))
    await page.getByRole('button', { name: 'Possible duplicates' }).click()
    const dialog = page.getByRole('dialog')
    const cubic = dialog.getByRole('listitem').filter({ hasText: 'cubic mappings' })
    await cubic.getByRole('button', { name: 'Two things' }).click()
    await cubic.waitFor({ state: 'detached' })
    await dialog.getByRole('button', { name: 'The same: keep “quadratic mapping”' }).click()
    await dialog.getByText('No pair waits for a decision').waitFor()
    await dialog
      .getByRole('listitem')
      .filter({ hasText: 'quadratic mappings → quadratic mapping' })
      .getByRole('button', { name: 'Undo' })
      .click()
    await dialog.getByRole('heading', { name: 'Merged' }).waitFor({ state: 'detached' })
    const { json } = await service.call('GET', '/api/graph/entities?q=quadratic', undefined, headers)
    expect((json['entities'] as { name: string }[]).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['quadratic mapping', 'quadratic mappings']),
    )
  })
})

describe('courses and releases', () => {
  const admin = { 'x-admin-token': ADMIN.token }

  test('a course is embedded by its button and then answers a question', async () => {
    const chunk = { lecture_id: 'l1', section_id: 's1', source_type: 'slide', order_in_section: 0 }
    await service.call('PUT', '/courses/phys-101/chunks', [{ chunk_id: 'c1', text: '牛顿第二定律：$F=ma$。', ...chunk }], admin)
    const page = await open('#/courses', ADMIN)
    await page.getByRole('button', { name: 'Embed' }).click()
    await page.getByText('1 chunks · 1 vectors').waitFor()
    await page.getByLabel('Try a question').fill('牛顿第二定律')
    await page.keyboard.press('Enter')
    expect(await appears(page.locator('.hit', { hasText: 'c1' }).locator('.katex'))).toBe(true)
  })

  test('a version is shown with its evaluation, promoted, and then marked as the live one', async () => {
    const read = (name: string): unknown =>
      JSON.parse(readFileSync(new URL(`../../fixtures/kb-sample/${name}.json`, import.meta.url), 'utf8'))
    const parts = {
      manifest: read('kb_release_manifest'),
      knowledge_items: read('knowledge_items'),
      preview_queries: read('preview_queries'),
    }
    expect((await service.call('POST', '/kb/lessons/builds', parts, admin)).status).toBe(202)
    const page = await open('#/releases', ADMIN)
    await page.getByRole('row', { name: /recall@8 \d+(\.\d)?%/ }).waitFor()
    await page.getByRole('button', { name: 'Promote' }).click()
    const live = page.getByRole('row', { name: /Live/ })
    await live.waitFor()
    // The list has been read anew by now, and what was said above it is still there.
    expect(await page.getByText('It is live now.').count()).toBe(1)
    expect(await appears(live.getByRole('button', { name: 'Roll back' }))).toBe(true)
  })
})

describe('hostile text', () => {
  test('of names and documents stays text everywhere: list, document, results, answer', async () => {
    const page = await open('#/documents', teacher('hostile'))
    const foreign = `document.querySelectorAll('#app img, #app script, #app iframe, #app a[href^="javascript"], #app [onerror], #app [onload], #app [onmouseover]').length`
    const unharmed = async (): Promise<void> => {
      expect(await page.evaluate('window.harmed')).toBeUndefined()
      expect(await page.evaluate(foreign)).toBe(0)
    }
    await page.getByRole('link', { name: NAME }).waitFor()
    await unharmed()
    await page.evaluate(`location.hash = '#/documents/${hostileId}'`)
    await page.locator('.chunk').first().waitFor()
    expect(await page.locator('.chunks').textContent()).toContain('attack')
    await unharmed()
    for (const way of ['search', 'compare', 'answer']) {
      await page.evaluate(`location.hash = '#/search?q=attack&way=${way}'`)
      await page.locator('.hit, .column li, .references li').first().waitFor()
      await unharmed()
    }
  })

  test('in the address neither runs nor breaks the page', async () => {
    const page = await open(`#/documents/${encodeURIComponent('<img src=x onerror=harmed=1>')}`, teacher('hostile'))
    await page.getByRole('alert').waitFor()
    await page.evaluate(`location.hash = '#/%E0%A4%A/<script>'`)
    await page.getByText('There is no such page').waitFor()
    expect(await page.evaluate('window.harmed')).toBeUndefined()
  })
})

describe('for everybody', () => {
  const VIEWS = ['documents', 'search', 'graph', 'courses', 'releases', 'operations'] as const

  test.each(['light', 'dark'] as const)('no view has a serious accessibility finding in %s', async (colorScheme) => {
    const findings: string[] = []
    const check = async (page: Page, name: string): Promise<void> => {
      await settled(page)
      findings.push(...(await accessibilityFindings(page, RULES[colorScheme])).map((finding) => `${name}: ${finding}`))
    }
    const page = await open('#/documents', ADMIN, { colorScheme })
    for (const view of VIEWS) {
      await page.evaluate(`location.hash = '#/${view}'`)
      await page.locator(`nav a[href="#/${view}"][aria-current=page]`).waitFor()
      await check(page, view)
    }
    const own = await open('#/documents', teacher('asking'), { colorScheme })
    await own.getByRole('link', { name: '教案.md' }).click()
    await own.locator('.katex').first().waitFor()
    await check(own, 'document')
    await own.getByRole('button', { name: 'Blocks' }).click()
    await own.locator('.chunk', { hasText: 'Table' }).waitFor()
    await check(own, 'blocks')
    for (const way of ['search', 'compare', 'answer']) {
      await own.evaluate(`location.hash = '#/search?q=${encodeURIComponent('二次函数')}&way=${way}'`)
      await own.locator('.hit, .column li, .references li').first().waitFor()
      await check(own, way)
    }
    await own.evaluate(`location.hash = '#/graph?entity=${encodeURIComponent('二次函數')}'`)
    await own.locator('.entity').waitFor()
    await check(own, 'entity')
    await own.getByRole('button', { name: 'Possible duplicates' }).click()
    await own.getByRole('dialog').waitFor()
    await check(own, 'duplicates')
    const out = await open('', undefined, { colorScheme })
    await out.getByLabel('Token', { exact: true }).waitFor()
    await check(out, 'sign-in')
    expect(findings).toEqual([])
  })

  test('the keyboard alone reaches the content, the views and a result', async () => {
    const page = await open('#/documents', teacher('asking'))
    await page.getByRole('link', { name: '教案.md' }).waitFor()
    const focused = (): Promise<string> => page.evaluate<string>(`(document.activeElement?.textContent ?? '').trim()`)
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement?.id')).toBe('content')
    await page.getByRole('link', { name: 'Search' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Question').focus()
    await page.keyboard.type('函数')
    await page.keyboard.press('Enter')
    await page.locator('.hit').first().waitFor()
    for (let presses = 0; presses < 15 && !(await focused()).startsWith('user/'); presses += 1) await page.keyboard.press('Tab')
    expect(await focused()).toBe('user/教案.md')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focused()).toBe('user/教案.md')
  })

  test('it speaks what the browser speaks, in both Chinese scripts and English, and remembers a choice', async () => {
    const page = await open('#/search', teacher('words'), { locale: 'zh-HK' })
    await page.getByRole('heading', { name: '檢索' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('zh-Hant')
    await page.getByRole('link', { name: '文件' }).waitFor()
    await page.getByLabel('界面語言').selectOption('简体中文')
    await page.getByRole('heading', { name: '检索' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('zh-Hans')
    await page.getByLabel('界面语言').selectOption('English')
    await page.getByRole('heading', { name: 'Search' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Search' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('en')
  })

  test('on a narrow screen nothing is wider than the screen', async () => {
    const page = await open('#/documents', teacher('narrow'), { viewport: { width: 390, height: 800 } })
    for (const view of VIEWS) {
      await page.evaluate(`location.hash = '#/${view}'`)
      await page.locator(`nav a[href="#/${view}"][aria-current=page]`).waitFor()
      await settled(page)
      expect([view, await page.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([view, true])
    }
  })

  test('an administrator sees health, queue, callbacks, use of models, all workspaces and the trail with its verification', async () => {
    const page = await open('#/operations', ADMIN)
    for (const name of ['Health', 'Queue', 'Callbacks', 'Use of models', 'What administrators did', 'Workspaces'])
      await page.getByRole('heading', { name, exact: true }).waitFor()
    await page.getByText('Ready', { exact: true }).waitFor()
    expect(await appears(page.getByRole('cell', { name: 'public', exact: true }))).toBe(true)
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.getByText('Every entry is as it was written.').waitFor()
  })

  test('a service that cannot be reached is said, and asked again on request', async () => {
    const watched = await openPage(browser)
    opened.push(watched)
    const { page } = watched
    await page.route('**/api/me', (route) => route.abort('connectionrefused'))
    await visit(page, service.url, '', teacher('lost'))
    await page.getByText('The service cannot be reached').waitFor()
    await page.unroute('**/api/me')
    await page.getByRole('button', { name: 'Try again' }).click()
    expect(await appears(page.getByRole('heading', { name: 'Documents' }))).toBe(true)
  })
})
