// The web console: static files that `npm ci` has built, below /console. It holds no data and no secret; everything it
// shows it asks from the API with the credential of whoever uses it.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../core/errors.ts'

const BUILT = fileURLToPath(new URL('../../dist/console/', import.meta.url))
const PREFIX = '/console'
const A_YEAR_SECONDS = 31_536_000

/** For `mounts` of the HTTP server. Where nothing was built, /console says how to build it and the service works without. */
export async function mountConsole(app: FastifyInstance, folder = BUILT): Promise<void> {
  if (!existsSync(`${folder}/index.html`)) {
    app.get(PREFIX, { exposeHeadRoute: true }, () => {
      throw new AppError('not_found', 'The console was not built with this installation. Build it with: npm run build:console')
    })
    return
  }
  await app.register(fastifyStatic, {
    root: folder,
    prefix: `${PREFIX}/`,
    index: false,
    // Files compressed at build time stand beside their originals.
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      // Names below assets carry a hash of their content; the page that names them must always be asked for.
      const lasting = path.includes('/assets/')
      reply.header('cache-control', lasting ? `public, max-age=${A_YEAR_SECONDS}, immutable` : 'no-cache')
    },
  })
  app.get(PREFIX, { exposeHeadRoute: true }, (request, reply) => {
    const [path = '', query] = request.url.split('?')
    // The page names its files relative to itself, so that it also works behind a gateway with a prefix of its own.
    if (!path.endsWith('/')) return reply.redirect(`.${PREFIX}/${query === undefined ? '' : `?${query}`}`)
    return reply.sendFile('index.html')
  })
}
