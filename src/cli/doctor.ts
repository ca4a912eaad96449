// `doctor`: are the invariants of each workspace true, and if not, what can be derived again?
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import { workspaceId } from '../core/workspace.ts'
import type { Diagnosis } from '../services/doctor.ts'
import { type CliContext, withEngine } from './context.ts'

const MODELS_WITHIN_MS = 20_000

export function addDoctorCommand(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .argument('[workspaces...]', 'workspaces to examine; all without a name')
    .description('verify counts, folds, terms and vectors, and whether the configured models answer; repair what can be derived')
    .option('--repair', 'repair what is found')
    .option('--json', 'print the findings as JSON')
    .action((names: string[], options: { repair?: boolean; json?: boolean }) =>
      withEngine(context, async ({ engine, doctor, checkModels }) => {
        const chosen = names.length > 0 ? names : (await engine.workspaces.list(undefined)).map((one) => one.workspace)
        const diagnoses: Diagnosis[] = []
        for (const name of chosen) diagnoses.push(await doctor(workspaceId(name), options.repair === true, context.signal))
        const models = await checkModels(AbortSignal.any([context.signal, AbortSignal.timeout(MODELS_WITHIN_MS)]))
        context.print(options.json === true, { workspaces: diagnoses, models }, () => [
          ...diagnoses.flatMap((one) => [
            `${one.workspace}: ${one.healthy ? 'healthy' : 'not healthy'}`,
            ...one.findings.map((finding) => `  ${finding.count} ${finding.check}, for example ${finding.examples.join(', ')}`),
          ]),
          ...models.map((sentence) => `models: ${sentence}`),
        ])
        if (diagnoses.some((one) => !one.healthy))
          throw new AppError('conflict', 'Not everything is as it must be; insight-rag doctor --repair repairs what can be derived.')
      }),
    )
}
