// Reads LightRAG's working directory as its default storage writes it: JSON beside a GraphML file. Its vectors (vdb_*.json) are of
// another model and stay where they are.
import { createReadStream, existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import type { LightRagChunk, LightRagEdge, LightRagLibrary, LightRagNode } from '../core/lightrag.ts'
import { DEFAULT_LIMITS } from './format.ts'
import { xmlReader } from './xml.ts'

const CHUNKS = 'kv_store_text_chunks.json'
const TEXTS = 'kv_store_full_docs.json'
const GRAPH = 'graph_chunk_entity_relation.graphml'
/** Which chunks an entity or relation came from, complete; the graph itself keeps two hundred. Younger versions only. */
const ENTITY_CHUNKS = 'kv_store_entity_chunks.json'
const RELATION_CHUNKS = 'kv_store_relation_chunks.json'
/** Between the parts of a text that holds several. */
const SEPARATOR = '<SEP>'
/** What stands for a name nobody knew. */
const UNKNOWN_PATH = 'unknown_source'

const chunk = z.object({
  content: z.string(),
  full_doc_id: z.string(),
  chunk_order_index: z.number().default(0),
  file_path: z.string().nullish(),
})
const fullText = z.object({ content: z.string().nullish() })
const chunkList = z.object({ chunk_ids: z.array(z.string()) })

/** @throws AppError `invalid_request` naming the file that is missing or is not what LightRAG writes. */
export async function readLightRagFolder(folder: string): Promise<LightRagLibrary> {
  await requireFolder(folder)
  const [chunks, texts, entityChunks, relationChunks] = await Promise.all([
    readStore(folder, CHUNKS, chunk),
    readOptional(folder, TEXTS, fullText),
    readOptional(folder, ENTITY_CHUNKS, chunkList),
    readOptional(folder, RELATION_CHUNKS, chunkList),
  ])
  const { nodes, edges } = await readGraph(join(folder, GRAPH))
  const pathOf = (path: string | null | undefined): string => (path == null || path === UNKNOWN_PATH ? '' : path)
  return {
    texts: new Map([...texts].flatMap(([id, { content }]) => (content ? [[id, content] as const] : []))),
    chunks: [...chunks].map(([id, row]): LightRagChunk => ({
      id,
      documentId: row.full_doc_id,
      ordinal: row.chunk_order_index,
      text: row.content,
      filePath: pathOf(row.file_path),
    })),
    nodes: nodes.map((node) => ({ ...node, chunkIds: union(node.chunkIds, entityChunks.get(node.name)?.chunk_ids) })),
    edges: edges.map((edge) => {
      const listed = relationChunks.get([edge.source, edge.target].toSorted().join(SEPARATOR))
      return { ...edge, chunkIds: union(edge.chunkIds, listed?.chunk_ids) }
    }),
  }
}

const union = (some: readonly string[], more: readonly string[] = []): string[] => [...new Set([...some, ...more])]

async function requireFolder(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new AppError('invalid_request', 'The LightRAG folder cannot be read.', { cause })
  })
  const missing = [CHUNKS, GRAPH].filter((name) => !entries.some((entry) => entry.name === name))
  if (missing.length === 0) return
  const inner = entries.filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, CHUNKS))).map((entry) => entry.name)
  const hint = inner.length === 0 ? '' : ` Its workspaces are folders of their own; name one of them: ${inner.slice(0, 10).join(', ')}.`
  throw new AppError(
    'invalid_request',
    `This is no working directory of LightRAG with file storage: ${missing.join(' and ')} is missing.${hint}`,
  )
}

async function readOptional<T>(folder: string, name: string, row: z.ZodType<T>): Promise<Map<string, T>> {
  return existsSync(join(folder, name)) ? readStore(folder, name, row) : new Map()
}

async function readStore<T>(folder: string, name: string, row: z.ZodType<T>): Promise<Map<string, T>> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(join(folder, name), 'utf8'))
  } catch (cause) {
    throw new AppError('invalid_request', `${name} is not valid JSON; was LightRAG stopped while it wrote?`, { cause })
  }
  const read = z.record(z.string(), row).safeParse(value)
  if (read.success) return new Map(Object.entries(read.data))
  const [issue] = read.error.issues
  throw new AppError(
    'invalid_request',
    `${name} is not what LightRAG writes: ${issue?.path.join('.') || 'the whole file'}: ${issue?.message ?? ''}.`,
  )
}

type Fields = Map<string, string>

/** GraphML as networkx writes it: keys declare the names of attributes, nodes and edges hold their values. */
async function readGraph(path: string): Promise<{ nodes: LightRagNode[]; edges: LightRagEdge[] }> {
  const keys = new Map<string, string>()
  const nodes: LightRagNode[] = []
  const edges: LightRagEdge[] = []
  let attributes: Record<string, string> = {}
  let fields: Fields = new Map()
  let key: string | undefined
  const reader = xmlReader(
    {
      open: (name, given) => {
        if (name === 'key') keys.set(given['id'] ?? '', given['attr.name'] ?? '')
        if (name === 'node' || name === 'edge') {
          attributes = given
          fields = new Map()
        }
        if (name === 'data') key = keys.get(given['key'] ?? '')
      },
      text: (text) => {
        if (key !== undefined) fields.set(key, (fields.get(key) ?? '') + text)
      },
      close: (name) => {
        if (name === 'data') key = undefined
        if (name === 'node') nodes.push(nodeOf(attributes, fields))
        if (name === 'edge') edges.push(edgeOf(attributes, fields))
      },
    },
    DEFAULT_LIMITS,
  )
  try {
    for await (const piece of createReadStream(path, 'utf8')) reader.write(String(piece))
    reader.close()
  } catch (cause) {
    throw new AppError('invalid_request', `${basename(path)} is damaged: its XML is not well formed.`, { cause })
  }
  return { nodes, edges }
}

/** Old versions put names in quotation marks. */
const nameOf = (name: string | undefined): string => (name ?? '').trim().replace(/^"(.*)"$/s, '$1')

const partsOf = (text: string | undefined): string[] => (text ?? '').split(SEPARATOR).flatMap((part) => part.trim() || [])

function nodeOf(attributes: Record<string, string>, fields: Fields): LightRagNode {
  return {
    name: nameOf(attributes['id']),
    type: nameOf(fields.get('entity_type')).toLowerCase().replaceAll(/\s+/g, '_') || 'other',
    description: partsOf(fields.get('description')).join('\n'),
    chunkIds: partsOf(fields.get('source_id')),
  }
}

function edgeOf(attributes: Record<string, string>, fields: Fields): LightRagEdge {
  const weight = Number(fields.get('weight') ?? '1')
  return {
    source: nameOf(attributes['source']),
    target: nameOf(attributes['target']),
    keywords: fields.get('keywords') ?? '',
    description: partsOf(fields.get('description')).join('\n'),
    weight: Number.isFinite(weight) && weight > 0 ? weight : 1,
    chunkIds: partsOf(fields.get('source_id')),
  }
}
