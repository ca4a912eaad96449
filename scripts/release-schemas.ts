// Writes the JSON Schemas of knowledge releases into schemas/: node scripts/release-schemas.ts
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { releaseSchemas } from '../src/core/release-schemas.ts'

const folder = fileURLToPath(new URL('../schemas/', import.meta.url))
for (const [name, schema] of Object.entries(releaseSchemas())) {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(schema, null, 2)}\n`)
}
