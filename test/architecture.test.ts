// The shape of the code, held by reading its import statements: layers, cycles, sizes, and who may touch what.
import { globSync, readFileSync } from 'node:fs'
import { dirname, normalize } from 'node:path'
import { expect, test } from 'vitest'

/** Which folders of src a folder may import from, besides itself. */
const LAYERS: Record<string, readonly string[]> = {
  core: [],
  ports: ['core'],
  store: ['core', 'ports'],
  services: ['store', 'core', 'ports'],
  jobs: ['services', 'store', 'core', 'ports'],
  drivers: ['core', 'ports'],
  models: ['core', 'ports'],
  parsers: ['core', 'ports'],
  java: ['core', 'ports'],
  http: ['services', 'core', 'ports'],
  mcp: ['services', 'core', 'ports'],
  cli: ['services', 'core', 'ports'],
  console: [],
}
/** Files directly under src: the composition root and the process may name everything, the settings almost nothing. */
const ROOT_FILES: Record<string, readonly string[] | 'all'> = {
  'src/app.ts': 'all',
  'src/main.ts': 'all',
  'src/cli.ts': 'all',
  'src/log.ts': ['core', 'services'],
  'src/tracing.ts': ['services'],
  'src/config.ts': ['core', 'ports', 'models', 'services', 'src/settings.ts'],
  'src/settings.ts': ['core', 'ports'],
}

const MAX_FILE_LINES = 500

const files = globSync('src/**/*.{ts,tsx}').map((file) => file.replaceAll('\\', '/'))
const sources = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))

const IMPORT = /^\s*(?:import|export)\s[^;'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s+['"]([^'"]+)['"]/gms

function importsOf(file: string): string[] {
  return [...(sources.get(file) ?? '').matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

const localImports = (file: string): string[] =>
  importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(`${dirname(file)}/${name}`).replaceAll('\\', '/'))

/** The code without its comments. */
const codeOf = (source: string): string => source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(?<![:'"`])\/\/.*$/gm, '')

const folderOf = (file: string): string => (/^src\/[^/]+$/.test(file) ? file : (file.split('/')[1] ?? ''))

test('arrows between folders go one way', () => {
  const wrong: string[] = []
  for (const file of files) {
    const from = folderOf(file)
    const allowed = LAYERS[from] ?? ROOT_FILES[from]
    expect(allowed, `${file} lies in no known layer`).toBeDefined()
    for (const target of localImports(file)) {
      const to = folderOf(target)
      if (to === from || allowed === 'all' || allowed?.includes(to) || !target.startsWith('src/')) continue
      wrong.push(`${file} -> ${target}`)
    }
  }
  expect(wrong).toEqual([])
})

test('no import cycle exists', () => {
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      cycles.push([...path, file].join(' > '))
      return
    }
    state.set(file, 'open')
    for (const target of localImports(file)) if (sources.has(target)) visit(target, [...path, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
  expect(cycles).toEqual([])
})

test('core neither waits nor reads clock, chance, environment or files', () => {
  const wrong: string[] = []
  for (const [file, source] of sources) {
    if (!file.startsWith('src/core/')) continue
    const code = codeOf(source)
    for (const banned of [
      /\bawait\b/,
      /\basync\b/,
      /\bDate\.now\(/,
      /\bnew Date\(\)/,
      /Math\.random\(/,
      /performance\.now\(/,
      /\bprocess\./,
      /randomUUID|randomBytes/,
    ]) {
      if (banned.test(code)) wrong.push(`${file} uses ${banned.source}`)
    }
    for (const name of importsOf(file)) {
      if (name.startsWith('node:') && !['node:crypto', 'node:net', 'node:util', 'node:buffer'].includes(name))
        wrong.push(`${file} imports ${name}`)
    }
  }
  expect(wrong).toEqual([])
})

test('only the settings read the environment, only the store speaks SQL', () => {
  const wrong: string[] = []
  for (const [file, source] of sources) {
    if (/process\.env\b/.test(source) && file !== 'src/config.ts') wrong.push(`${file} reads process.env`)
    const speaksSql = /import .*\bsql\b.* from 'kysely'/.test(source)
    if (speaksSql && !file.startsWith('src/store/') && !file.startsWith('src/drivers/')) wrong.push(`${file} speaks SQL`)
  }
  expect(wrong).toEqual([])
})

test('only a short list of store files may read across tenants; the rest go through a scope', () => {
  // Planner statistics of a scratch database are nobody's content.
  const crossing = ['jobs', 'outbox', 'ledger', 'workspaces', 'rate-limits', 'corpus', 'audit']
  const wrong: string[] = []
  for (const [file, source] of sources) {
    const name = /^src\/store\/(.+)\.ts$/.exec(file)?.[1]
    if (name === undefined || crossing.includes(name)) continue
    if (/\b(db|database): (Kysely|Database)/.test(source) && !/encodeVector|withScope/.test(source))
      wrong.push(`${file} takes an unscoped database`)
  }
  expect(wrong).toEqual([])
})

test('no file is too long to be read at once', () => {
  const long = [...sources]
    .map(([file, source]) => [file, source.split('\n').length] as const)
    .filter(([, lines]) => lines > MAX_FILE_LINES)
  expect(long).toEqual([])
})

test('nothing is left for later and nothing is excused', () => {
  const wrong: string[] = []
  const marks = /: any(?=\s*(?:[,;)=|&}>]|\[\]|$))|\bas any\b/m
  for (const [file, source] of sources) {
    if (/@ts-(ignore|expect-error)|\bTO[D]O\b|\bFIX[M]E\b/.test(source) || marks.test(codeOf(source))) wrong.push(file)
  }
  expect(wrong).toEqual([])
})
