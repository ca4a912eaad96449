// Builds the web console into dist/console. Runs after every install, so that the service starts with a console on machines
// that can write nothing later (containers with a read-only root), and start-up needs no compiler. Plain JavaScript:
// without the Node that this project brings, an install runs it with whatever Node there is.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)

// Images are often made in layers: dependencies first, sources later. Such a layer builds the console with its sources.
if (existsSync(new URL('src/console/index.html', root))) {
  const { build } = await import('vite')
  await build({ configFile: fileURLToPath(new URL('vite.config.ts', root)), logLevel: 'warn' })
} else {
  process.stdout.write('The console is not built: its sources are not here. Later: npm run build:console\n')
}
