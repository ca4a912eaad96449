// Commands as they are typed, over the whole engine and without a process of their own.
import { Command } from 'commander'
import type { CliContext } from '../../src/cli/context.ts'
import { asAppError } from '../../src/core/errors.ts'
import type { Database } from '../../src/ports/database.ts'
import { createEngine } from '../../src/services/engine.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'

export type Typed = { out: string; notes: string[]; exit: number; json: Record<string, unknown> }

export type CommandLine = { engine: TestEngine; type(...words: string[]): Promise<Typed> }

const none = (): never => {
  throw new Error('not part of this test')
}

export function commandLine(database: Database, add: (program: Command, context: CliContext) => void): CommandLine {
  const engine = startTestEngine(database)
  const whole = createEngine(engine.deps, createRetrieval(engine.deps))
  return {
    engine,
    type: async (...words) => {
      const typed: Typed = { out: '', notes: [], exit: 0, json: {} }
      const context: CliContext = {
        signal: new AbortController().signal,
        open: async () => ({
          engine: whole,
          seed: none,
          checkModels: none,
          doctor: none,
          portability: { write: none, read: none, remove: none },
          reembed: { start: none, status: none },
          startWork: async () => undefined,
          ended: async () => undefined,
          close: async () => undefined,
        }),
        print: (json, value, lines) => {
          if (json) typed.json = JSON.parse(JSON.stringify(value)) as Record<string, unknown>
          typed.out += json ? JSON.stringify(value) : `${lines().join('\n')}\n`
        },
        note: (line) => void typed.notes.push(line),
        progress: (done, total, what) => void typed.notes.push(`${done}/${total} ${what}`),
      }
      const program = new Command('insight-rag').exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
      add(program, context)
      try {
        await program.parseAsync(words, { from: 'user' })
      } catch (error) {
        const known = asAppError(error)
        if (known.code === 'internal_error') throw error
        typed.notes.push(`${known.code}: ${known.message}`)
        typed.exit = known.definition.exit
      }
      return typed
    },
  }
}
