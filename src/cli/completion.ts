// `completion`: a script for bash or zsh, written from the very commands and options that are parsed.
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import { MODES } from '../core/modes.ts'
import type { CliContext } from './context.ts'

const SHELLS = ['bash', 'zsh'] as const

/** What an option may be followed by, where that is a closed list. */
const VALUES: Record<string, readonly string[]> = {
  '--mode': MODES,
  '--ocr': ['auto', 'never', 'always'],
  '--format': ['json', 'markdown'],
  '--status': ['pending', 'processing', 'completed', 'failed'],
}

export function addCompletionCommand(program: Command, context: CliContext): void {
  program
    .command('completion')
    .argument('<shell>', SHELLS.join(' or '))
    .description('print a script that completes commands and options')
    .addHelpText(
      'after',
      `
bash:  insight-rag completion bash > ~/.local/share/bash-completion/completions/insight-rag
zsh:   insight-rag completion zsh > "\${fpath[1]}/_insight-rag"`,
    )
    .action((shell: string) => {
      if (shell !== 'bash' && shell !== 'zsh') throw new AppError('invalid_request', 'The shell must be bash or zsh.')
      context.print(false, undefined, () => (shell === 'bash' ? bash(program) : zsh(program)))
    })
}

/** Path of words → what may come next. */
function wordsByPath(program: Command): [path: string, words: string[]][] {
  const found: [string, string[]][] = []
  const visit = (command: Command, path: readonly string[]): void => {
    const options = command.options.filter((option) => !option.hidden).flatMap((option) => option.long ?? [])
    found.push([path.join(' '), [...command.commands.map((inner) => inner.name()), ...options, '--help']])
    for (const inner of command.commands) visit(inner, [...path, inner.name()])
  }
  visit(program, [])
  return found
}

const valueCases = (indent: string, give: (values: readonly string[]) => string): string[] =>
  Object.entries(VALUES).map(([option, values]) => `${indent}${option}) ${give(values)} ;;`)

/** Both shells keep the words before the cursor; those that are commands make the path, everything else is an argument. */
function bash(program: Command): string[] {
  return [
    '_insight_rag() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" at="" word words',
    '  COMPREPLY=()',
    '  case "$previous" in',
    ...valueCases('    ', (values) => `COMPREPLY=($(compgen -W "${values.join(' ')}" -- "$current")); return`),
    '  esac',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "${at:+$at }$word" in',
    `      ${commandPaths(program)}) at="\${at:+$at }$word" ;;`,
    '    esac',
    '  done',
    '  case "$at" in',
    ...wordsByPath(program).map(([path, words]) => `    "${path}") words="${words.join(' ')}" ;;`),
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _insight_rag insight-rag',
  ]
}

function zsh(program: Command): string[] {
  return [
    '#compdef insight-rag',
    '_insight_rag() {',
    '  local at="" word',
    '  local -a choices',
    '  case "${words[CURRENT-1]}" in',
    ...valueCases('    ', (values) => `compadd -- ${values.join(' ')}; return`),
    '  esac',
    '  for word in "${(@)words[2,CURRENT-1]}"; do',
    '    case "${at:+$at }$word" in',
    `      ${commandPaths(program)}) at="\${at:+$at }$word" ;;`,
    '    esac',
    '  done',
    '  case "$at" in',
    ...wordsByPath(program).map(([path, words]) => `    "${path}") choices=(${words.join(' ')}) ;;`),
    '  esac',
    '  compadd -- $choices',
    '  _files',
    '}',
    'if [ "$funcstack[1]" = "_insight-rag" ]; then _insight_rag "$@"; else compdef _insight_rag insight-rag; fi',
  ]
}

const commandPaths = (program: Command): string =>
  wordsByPath(program)
    .flatMap(([path]) => (path === '' ? [] : `"${path}"`))
    .join('|')
