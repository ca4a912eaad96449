// The command line works in the workspace it is given: whatever is asked there, in whatever spelling, nothing of another comes back.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addDocumentCommands } from '../../src/cli/documents.ts'
import { addGraphCommands } from '../../src/cli/graph.ts'
import { addSearchCommands } from '../../src/cli/search.ts'
import { workspaceId } from '../../src/core/workspace.ts'
import { type CommandLine, commandLine } from '../cli/support.ts'
import { openTestDatabase } from '../support/database.ts'
import { ATTACKER_TEXT, CANARIES, QUESTIONS, VICTIM_NAMES, VICTIM_TEXT } from './canaries.ts'
import { random, SEED, tries } from './support.ts'

let line: CommandLine
beforeAll(async () => {
  line = commandLine(await openTestDatabase(), (program, context) => {
    addDocumentCommands(program, context, '.')
    addGraphCommands(program, context)
    addSearchCommands(program, context)
  })
  await line.engine.ingest(workspaceId('teacher-victim'), 'kumquatledger-1', `${VICTIM_TEXT} [翡翠孔雀定理|theorem|CANARY-7731]`)
  await line.engine.ingest(workspaceId('teacher-attacker'), 'own-1', `${ATTACKER_TEXT} [Triangle|concept|three sides]`)
})
afterAll(() => line.engine.close())

test('no command of one workspace prints a word of another', { timeout: 600_000 }, async () => {
  const chance = random(SEED + 2)
  const count = tries(100, 1_000)
  const leaks: string[] = []
  let done = 0
  for (let at = 0; at < count; at++) {
    const question = chance.pick(QUESTIONS)
    const name = chance.pick(VICTIM_NAMES)
    const words = chance.pick([
      ['search', question, '-m', chance.pick(['auto', 'naive', 'lexical', 'local', 'global', 'hybrid', 'mix']), '-k', '100'],
      ['query', question],
      ['documents', 'list'],
      ['documents', 'show', name],
      ['documents', chance.pick(['retry', 'delete']), 'kumquatledger-1'],
      ['graph', 'entities', question],
      ['graph', 'entity', chance.pick([question, '翡翠孔雀定理'])],
      ['graph', 'subgraph', chance.pick([question, '翡翠孔雀定理'])],
      ['graph', 'prerequisites', chance.pick([question, '翡翠孔雀定理'])],
      ['graph', 'resolutions'],
    ])
    // The victim's own name is no trick: whoever may use the command line may name any workspace.
    const where = chance.next() < 0.3 && name !== 'teacher-victim' && name.trim() === name ? name : 'teacher-attacker'
    const typed = [...words, '-w', where, ...(chance.next() < 0.5 ? ['--json'] : [])]
    const { out, notes, exit } = await line.type(...typed)
    if (exit === 0) done += 1
    for (const canary of CANARIES)
      if (`${out}${notes.join('')}`.includes(canary) && !typed.join(' ').includes(canary)) leaks.push(`${canary}: ${typed.join(' ')}`)
  }
  expect(leaks).toEqual([])
  expect(done).toBeGreaterThan(count / 5)
  expect((await line.type('documents', 'show', 'kumquatledger-1', '-w', 'teacher-victim')).out).toContain('completed')
  expect((await line.type('search', '孔雀', '-w', 'teacher-victim')).out).toContain('zanzibarquartz')
})
