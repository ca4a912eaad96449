import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { releaseSchemas } from '../../src/core/release-schemas.ts'

test('schemas/ holds exactly the schemas that events and reports are checked against', () => {
  const made = releaseSchemas()
  const files = globSync('schemas/**/*.json').map((file) => file.replaceAll('\\', '/').replace('schemas/', ''))
  expect(files.toSorted()).toEqual(Object.keys(made).toSorted())
  for (const [name, schema] of Object.entries(made))
    expect([name, JSON.parse(readFileSync(`schemas/${name}`, 'utf8'))]).toEqual([name, schema])
})
