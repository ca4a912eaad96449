import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/template.ts',
    // Two slots, each with a database of its own; the embedded engine takes half a gigabyte per slot.
    pool: 'forks',
    maxWorkers: 2,
    // Many tests start processes; each compiles the same sources, half of what a start costs.
    env: { NODE_COMPILE_CACHE: new URL('node_modules/.cache/node', import.meta.url).pathname },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes by itself; a second, the default, is a timed assertion on a busy machine.
    expect: { poll: { timeout: 20_000 } },
  },
})
