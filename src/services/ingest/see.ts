// Stage: what the pictures of a document show, said by a vision model with the text around them as context. Every reply is stored as
// it arrives; what the live version or an earlier try knows of the same picture is not asked for again.
import pLimit from 'p-limit'
import type { Asset, Block, ParsedDocument } from '../../core/blocks.ts'
import { AppError } from '../../core/errors.ts'
import { described, pictureRequest } from '../../core/pictures.ts'
import { cleanText } from '../../core/text.ts'
import { workspaceScope } from '../../core/workspace.ts'
import type { VisionModel } from '../../ports/models.ts'
import * as descriptions from '../../store/descriptions.ts'
import { withScope } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import type { IngestJob } from './job.ts'

/** How pictures are asked about; a change makes earlier descriptions another seer's. */
const ASKING_VERSION = 'see-1'

/** Bullets, icons and rules have shorter sides, in pixels. */
const MIN_SIDE = 64
const MAX_PICTURES = 200
const PARALLEL = 4
/** So many failures in a row mean that the model is away: the other pictures would only be waited for. */
const FAILURES_IN_A_ROW = 3
const MAX_NAMED_FAILURES = 5
/** Longer than any figure deserves; a model that runs on would fill the index. */
const MAX_CHARACTERS = 6000

/** Who describes pictures and in which way, for recipes and caches; null when nobody does. */
export const seerOf = (vision: VisionModel | undefined): string | null =>
  vision === undefined ? null : `${vision.model}/${ASKING_VERSION}`

export type Seen = {
  parsed: ParsedDocument
  /** Pictures with a description, each counted once however often it appears. */
  described: number
  /** Why a picture lacks its description; undefined when none does. */
  failure: AppError | undefined
}

type Picture = { asset: Asset; /** Ordinal of the first block that shows it. */ block: number }

/** A vision model that fails costs a warning and never the document. */
export async function seePictures(
  deps: EngineDeps,
  job: IngestJob,
  parsed: ParsedDocument,
  progress: (share: number) => Promise<void>,
): Promise<Seen> {
  const { vision } = deps.models
  const all = vision === undefined || !job.payload.options.processImages ? [] : picturesOf(parsed)
  if (vision === undefined || all.length === 0) return { parsed, described: 0, failure: undefined }
  const seer = seerOf(vision) ?? ''
  const texts = await withScope(deps.database, workspaceScope(job.workspace), (tx) =>
    descriptions.known(tx, job.workspace, job.fileId, seer),
  )
  const pictures = all.slice(0, MAX_PICTURES)
  const failures = await look(deps, job, { vision, seer, parsed, pictures, texts, progress })
  const warnings = failureSentences(parsed, failures)
  if (all.length > pictures.length)
    warnings.push(`Only the first ${MAX_PICTURES} pictures were described; ${all.length - pictures.length} were not.`)
  const blocks = parsed.blocks.map((block): Block => {
    const text = block.type === 'image' && block.asset !== undefined ? texts.get(block.asset) : undefined
    return text === undefined ? block : described(block, seer, text)
  })
  const count = pictures.filter(({ asset }) => texts.has(asset.sha256)).length
  return { parsed: { ...parsed, blocks, warnings: [...parsed.warnings, ...warnings] }, described: count, failure: failures[0]?.error }
}

/** Pictures worth looking at, in reading order. */
function picturesOf(parsed: ParsedDocument): Picture[] {
  const assets = new Map(parsed.assets.map((asset) => [asset.sha256, asset]))
  return parsed.blocks.flatMap((block, at) => {
    const asset = block.type === 'image' ? assets.get(block.asset ?? '') : undefined
    if (asset === undefined) return []
    assets.delete(asset.sha256)
    return (asset.width ?? 0) >= MIN_SIDE && (asset.height ?? 0) >= MIN_SIDE ? [{ asset, block: at }] : []
  })
}

type Task = {
  vision: VisionModel
  seer: string
  parsed: ParsedDocument
  pictures: readonly Picture[]
  /** By SHA-256; what is learnt is added. */
  texts: Map<string, string>
  progress: (share: number) => Promise<void>
}

type Failure = { picture: Picture; error: AppError }

async function look(deps: EngineDeps, job: IngestJob, task: Task): Promise<Failure[]> {
  const limit = pLimit(PARALLEL)
  const open = task.pictures.filter(({ asset }) => !task.texts.has(asset.sha256))
  const failures: Failure[] = []
  let [inARow, done] = [0, 0]
  await Promise.all(
    open.map((picture) =>
      limit(async () => {
        job.signal.throwIfAborted()
        const last = failures.at(-1)
        if (inARow >= FAILURES_IN_A_ROW && last !== undefined) return void failures.push({ picture, error: last.error })
        try {
          task.texts.set(picture.asset.sha256, await describe(deps, job, task, picture))
          inARow = 0
        } catch (error) {
          job.signal.throwIfAborted()
          if (!(error instanceof AppError)) throw error
          inARow += 1
          failures.push({ picture, error })
        }
        done += 1
        await task.progress(done / open.length)
      }),
    ),
  )
  return failures
}

async function describe(deps: EngineDeps, job: IngestJob, { vision, seer, parsed }: Task, { asset, block }: Picture): Promise<string> {
  const { text } = await vision.describe(asset.preview ?? asset, pictureRequest(parsed.blocks, block), job.signal)
  const description = cleanText(text).trim().slice(0, MAX_CHARACTERS)
  await withScope(deps.database, workspaceScope(job.workspace), (tx) =>
    descriptions.stage(tx, job.workspace, job.fileId, seer, { sha256: asset.sha256, description }),
  )
  return description
}

function failureSentences(parsed: ParsedDocument, failures: readonly Failure[]): string[] {
  const sentences = failures.slice(0, MAX_NAMED_FAILURES).map(({ picture, error }) => {
    const page = parsed.blocks[picture.block]?.page
    return `A picture${page === undefined ? '' : ` on page ${page}`} could not be described: ${error.message}`
  })
  const more = failures.length - MAX_NAMED_FAILURES
  return more > 0 ? [...sentences, `${more} more pictures could not be described.`] : sentences
}
