// The one command for scores: `npm run quality -- parse` prints how well parsing reads; without a name, every quality-<name>.ts beside
// this file runs. Figures, no verdicts.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const known = readdirSync(folder).flatMap((file) => /^quality-(.+)\.ts$/.exec(file)?.[1] ?? [])
const [name, ...rest] = process.argv.slice(2)
if (name !== undefined && !known.includes(name)) {
  process.stderr.write(`There are no scores named ${name}; there are ${known.join(', ')}.\n`)
  process.exit(2)
}
for (const one of name === undefined ? known : [name]) {
  const { status } = spawnSync(process.execPath, [`${folder}quality-${one}.ts`, ...rest], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
