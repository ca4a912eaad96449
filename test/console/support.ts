// The console in a real browser: Debian's Chromium, driven from here, against the real service.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'

/** Graphs are painted by WebGL, here without a graphics card. */
const FLAGS = ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader']

export async function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`${CHROMIUM} is missing; these tests need Debian's packages: apt-get install chromium fonts-noto-cjk`)
  }
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
}

/** The console as its sources are now; an install built it as they were then, and nothing is built twice. */
export async function buildConsole(): Promise<void> {
  const sources = [
    'vite.config.ts',
    ...readdirSync('src/console', { recursive: true, encoding: 'utf8' }).map((name) => `src/console/${name}`),
  ]
  const built = 'dist/console/index.html'
  if (existsSync(built) && sources.every((source) => statSync(source).mtimeMs < statSync(built).mtimeMs)) return
  await promisify(execFile)(process.execPath, ['scripts/build-console.mjs'])
}

export type Watched = {
  page: Page
  /** What went wrong in the page: errors, and everything its content policy refused. */ problems: string[]
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1360, height: 860 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    const text = message.text()
    // Browsers report every answer of 4xx here too; those are what several tests are about.
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) problems.push(text)
  })
  await page.addInitScript(
    'addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective} ${event.blockedURI}`))',
  )
  return { page, problems }
}

export type Credential = { kind: 'bearer' | 'admin'; token: string }

/** Opens a view as somebody who has signed in before in this tab. */
export async function visit(page: Page, url: string, hash: string, credential?: Credential): Promise<void> {
  if (credential !== undefined) {
    await page.addInitScript(
      `sessionStorage.getItem('insight-rag.credential') ?? sessionStorage.setItem('insight-rag.credential', ${JSON.stringify(JSON.stringify(credential))})`,
    )
  }
  await page.goto(`${url}/console/${hash}`)
}

export const RULES = {
  light: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
  // Of all rules only those about colours can tell the two apart.
  dark: ['color-contrast', 'link-in-text-block'],
} as const

/** Serious and critical findings of the accessibility checker on what is on the page now. */
export async function accessibilityFindings(page: Page, rules: readonly string[]): Promise<string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe.source)
  return page.evaluate<string[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(rules)} }).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' at ' + target + ': ' + failureSummary)))`,
  )
}
