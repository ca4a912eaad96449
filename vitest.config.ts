import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two slots, each with a database of its own; the embedded engine takes half a gigabyte per slot.
    pool: 'forks',
    maxWorkers: 2,
    // A busy machine may make a browser or a child process miss its moment once; a test that fails twice has failed.
    retry: process.env['CI'] === undefined ? 0 : 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
