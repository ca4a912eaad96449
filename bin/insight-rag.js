#!/usr/bin/env node
// Runs the command line under the Node that the project brings, whatever Node started this.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const own = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
const entry = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const result = spawnSync(existsSync(own) ? own : process.execPath, [entry, ...process.argv.slice(2)], { stdio: 'inherit' })
if (result.error) throw result.error
process.exit(result.status ?? 70)
