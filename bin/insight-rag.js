#!/usr/bin/env node
// Runs the command line under the Node that the project brings, whatever Node started this.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const own = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
const entry = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
// Halves the time until a command begins; where nothing may be written it is simply not used.
const NODE_COMPILE_CACHE = fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url))
const env = { NODE_COMPILE_CACHE, ...process.env }
const child = spawn(existsSync(own) ? own : process.execPath, [entry, ...process.argv.slice(2)], { stdio: 'inherit', env })
// A signal is for the work, which ends in its own order; this process ends after it and as it did.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
// A terminal sends Ctrl-C to both of them by itself.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
child.on('error', (error) => {
  throw error
})
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
