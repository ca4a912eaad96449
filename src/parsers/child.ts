// The process that reads hostile files: one document at a time, no network, no secrets in its environment, killed from outside when it misbehaves.
import net from 'node:net'
import { AppError } from '../core/errors.ts'
import type { Readings } from '../ports/parser.ts'
import { withPreviews } from './previews.ts'
import { parserFor } from './registry.ts'
import type { ParseReply, ParseTask } from './protocol.ts'

const PROGRESS_EVERY_MS = 250

/** Nothing here ever has a reason to open a connection; a document that makes a library try must fail. */
function forbidNetwork(): void {
  net.Socket.prototype.connect = () => {
    throw new Error('a document reader may not use the network')
  }
}

function reply(message: ParseReply): void {
  process.send?.(message)
}

/** Libraries throw whatever they like at damaged input; outside, that is one sentence. */
function failure(error: unknown): ParseReply {
  if (error instanceof AppError) return { kind: 'failed', code: error.code, message: error.message }
  const tooDeep = error instanceof RangeError && /call stack/i.test(error.message)
  const message = tooDeep ? 'The file is refused: it is nested too deeply.' : 'The file is damaged or written in a way that cannot be read.'
  return { kind: 'failed', code: 'unprocessable_document', message }
}

async function parse(task: ParseTask): Promise<ParseReply> {
  let last = 0
  const progress = (allowMs = 0): void => {
    const now = performance.now()
    if (allowMs === 0 && now - last < PROGRESS_EVERY_MS) return
    last = now
    reply({ kind: 'progress', allowMs })
  }
  try {
    const parser = await parserFor(task.mediaType)
    const readings: Readings = {
      known: new Map(task.known),
      keep: (part, reading) => reply({ kind: 'read', part, reading }),
    }
    const context = { ...task, progress, readings }
    const document = await parser(task.bytes, context)
    return { kind: 'done', document: task.picturesAreRead ? await withPreviews(document, context) : document }
  } catch (error) {
    return failure(error)
  }
}

forbidNetwork()
process.on('message', (task: ParseTask) => void parse(task).then(reply))
process.on('disconnect', () => process.exit(0))
