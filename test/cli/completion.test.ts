// Completion as the shells themselves do it, from the scripts that the command line prints.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'

const cli = (...words: string[]): string => execFileSync(process.execPath, ['src/cli.ts', ...words], { encoding: 'utf8', stdio: 'pipe' })

const WORDS: readonly (readonly [typed: string, offered: string[]])[] = [
  ['gra', ['graph']],
  ['graph pre', ['prerequisites']],
  ['graph merge 二次函數 --work', ['--workspace']],
  ['search --mode hy', ['hybrid']],
  ['documents list --st', ['--status']],
  ['parse lesson.pdf --ocr n', ['never']],
]

describe.each(['/bin/bash', '/bin/zsh'])('%s', (shell) => {
  const name = shell.split('/').at(-1) ?? ''
  const file = join(mkdtempSync(join(tmpdir(), 'insight-completion-')), 'script')
  beforeAll(() => writeFileSync(file, cli('completion', name)))
  test.skipIf(!existsSync(shell)).each(WORDS)('completes "%s"', (typed, offered) => {
    const words = ['insight-rag', ...typed.split(' ')].map((word) => `'${word}'`)
    const code =
      name === 'bash'
        ? `source ${file}; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _insight_rag; printf '%s\\n' "\${COMPREPLY[@]}"`
        : // What zsh would filter and show is what the function hands to compadd.
          `compdef() { :; }; _files() { :; }; compadd() { shift; print -l -- "$@"; }; source ${file}; words=(${words.join(' ')}); CURRENT=$#words; _insight_rag`
    const printed = execFileSync(shell, ['-c', code], { encoding: 'utf8' }).split('\n')
    const last = typed.split(' ').at(-1) ?? ''
    expect(printed.filter((word) => word !== '' && word.startsWith(last))).toEqual(offered)
  })
})

test('another shell is refused with its name', () => {
  expect(() => cli('completion', 'fish')).toThrow(/must be bash or zsh/)
})

test('a command whose reader has seen enough ends without a word', () => {
  const { stderr } = spawnSync('/bin/sh', ['-c', `'${process.execPath}' src/cli.ts completion bash | true`], { encoding: 'utf8' })
  expect(stderr).toBe('')
})
