// Pictures read once: score sheets and the like. Nothing is stored.
import { AppError } from '../../core/errors.ts'
import { readableWorkspace } from '../authorise.ts'
import { defined } from '../defined.ts'
import { defineRoute, type Route } from '../route.ts'
import { analysis, analyzeForm, analyzeRequest } from '../schemas/images.ts'
import { validated } from '../validation.ts'

const analyze = defineRoute({
  method: 'POST',
  path: '/api/images/analyze',
  kind: 'ingest',
  access: 'read',
  tag: 'images',
  summary: 'Read a picture once',
  description: 'Text, tables, rows as objects with typed values, and what does not add up. A picture or a PDF; nothing is stored.',
  schema: { body: analyzeRequest, form: analyzeForm, reply: analysis },
  handle: async ({ engine, principal, named, body, form, signal }) => {
    if (form === undefined) {
      const { teacherId: _named, ...request } = body
      return engine.images.analyze(readableWorkspace(principal, named), defined(request), principal.token, signal)
    }
    const { file, fields } = await form()
    const { teacherId, prompt } = validated(analyzeForm, fields, 'form')
    const workspace = readableWorkspace(principal, { ...named, teacherId: teacherId ?? named.teacherId })
    if (file === undefined) throw new AppError('invalid_request', 'Send the picture in the field named file.')
    const request = { file: { bytes: file.bytes, fileName: file.fileName || 'picture' } }
    return engine.images.analyze(workspace, defined({ ...request, prompt }), principal.token, signal)
  },
})

export const imageRoutes: readonly Route[] = [analyze]
