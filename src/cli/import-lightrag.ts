// `import-lightrag`: a LightRAG library becomes documents of a workspace, with the entities and relations that LightRAG paid for.
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import { documentsOf, type LightRagDocument, type LightRagLibrary } from '../core/lightrag.ts'
import { workspaceId } from '../core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../ports/parser.ts'
import type { UploadRequest } from '../services/api.ts'
import { type CliContext, withEngine } from './context.ts'
import { ingestAll } from './ingest.ts'

type Options = { workspace: string; collection?: string; json?: boolean }

export function addImportLightRagCommand(
  program: Command,
  context: CliContext,
  readFolder: (folder: string) => Promise<LightRagLibrary>,
): void {
  program
    .command('import-lightrag')
    .argument('<dir>', 'working directory of LightRAG, with kv_store_*.json and graph_chunk_entity_relation.graphml')
    .description('read a LightRAG library into a workspace: its documents, entities and relations; only embeddings are made anew')
    .requiredOption('-w, --workspace <name>', 'the workspace to write')
    .option('-c, --collection <name>', 'collection of the documents')
    .option('--json', 'print the documents as JSON')
    .action(async (folder: string, options: Options) => {
      const workspace = workspaceId(options.workspace)
      const { documents, unsupported } = documentsOf(await readFolder(folder))
      if (documents.length === 0) throw new AppError('invalid_request', 'This LightRAG library holds no chunks.')
      const behind = Object.entries(unsupported).filter(([, count]) => count > 0)
      if (behind.length > 0)
        context.note(
          `${behind.map(([kind, count]) => `${count} ${kind}`).join(' and ')} rest on no chunk that is left and are not imported`,
        )
      await withEngine(context, async (opened) => {
        await opened.startWork()
        const uploads = documents.map((document) => async () => uploadOf(document, options.collection))
        await ingestAll(context, opened, workspace, uploads, options.json === true)
      })
    })
}

function uploadOf({ documentId, filePath, ready }: LightRagDocument, collection: string | undefined): UploadRequest {
  return {
    fileId: fileIdOf(documentId),
    fileName: basename(filePath.replaceAll('\\', '/')) || documentId,
    bytes: Buffer.from(JSON.stringify(ready)),
    metadata: { importedFrom: 'lightrag', ...(filePath === '' ? {} : { filePath }) },
    options: DEFAULT_PARSE_OPTIONS,
    ...(collection === undefined ? {} : { collection }),
  }
}

/** LightRAG's own id where it can be one of ours, so that importing again replaces the same documents. */
const fileIdOf = (documentId: string): string =>
  /^[A-Za-z0-9._:-]{1,128}$/.test(documentId) ? documentId : `lightrag:${createHash('sha256').update(documentId).digest('hex')}`
