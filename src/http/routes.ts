// Every route of the service, one file per noun. What may be called, by whom and with what is said nowhere else.
import type { Route } from './route.ts'
import { adminRoutes } from './routes/admin.ts'
import { chunkRoutes } from './routes/chunks.ts'
import { courseRoutes } from './routes/courses.ts'
import { documentRoutes } from './routes/documents.ts'
import { embedRoutes } from './routes/embed.ts'
import { graphRoutes } from './routes/graph.ts'
import { imageRoutes } from './routes/images.ts'
import { operationRoutes } from './routes/operations.ts'
import { releaseRoutes } from './routes/releases.ts'
import { resolutionRoutes } from './routes/resolutions.ts'
import { searchRoutes } from './routes/search.ts'
import { workspaceRoutes } from './routes/workspaces.ts'

export const ROUTES: readonly Route[] = [
  ...documentRoutes,
  ...searchRoutes,
  ...chunkRoutes,
  ...graphRoutes,
  ...resolutionRoutes,
  ...workspaceRoutes,
  ...embedRoutes,
  ...imageRoutes,
  ...courseRoutes,
  ...releaseRoutes,
  ...operationRoutes,
  ...adminRoutes,
]
