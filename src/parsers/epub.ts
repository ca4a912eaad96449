// EPUB: the chapters of the spine in order, each read as HTML.
import { dirname, join } from 'node:path/posix'
import { type FormatParser, unreadable } from './format.ts'
import { decodeText } from './encoding.ts'
import { writeHtml } from './html.ts'
import { createWriter } from './writer.ts'
import { childrenNamed, descendant, parseXml, textOf } from './xml.ts'
import { openArchive } from './zip.ts'

export const parseEpub: FormatParser = async (bytes, context) => {
  const { limits } = context
  const archive = await openArchive(bytes, limits)
  if (archive.has('META-INF/encryption.xml') && archive.has('META-INF/rights.xml'))
    throw unreadable('The book is protected by digital rights management.')
  const container = parseXml(await archive.read('META-INF/container.xml'), limits)
  const packagePath = descendant(container, 'rootfile')?.attributes['full-path'] ?? ''
  if (!archive.has(packagePath)) throw unreadable('The file is damaged: the book has no main part.')
  const root = parseXml(await archive.read(packagePath), limits)
  const manifest = descendant(root, 'manifest')
  const paths = new Map(
    childrenNamed(manifest, 'item').map(({ attributes }) => [
      attributes['id'] ?? '',
      join(dirname(packagePath), decodeURIComponent(attributes['href'] ?? '')),
    ]),
  )
  const writer = createWriter(context)
  for (const { attributes } of childrenNamed(descendant(root, 'spine'), 'itemref')) {
    const path = paths.get(attributes['idref'] ?? '')
    context.progress()
    if (path === undefined || !archive.has(path)) writer.warn(`A chapter of the book is missing: ${attributes['idref'] ?? 'unnamed'}.`)
    else writeHtml(writer, decodeText(await archive.read(path)).text, limits)
  }
  if (writer.isEmpty()) throw unreadable('The document is empty: it holds no text.')
  const title = descendant(root, 'title')
  return writer.finish({ title: title === undefined ? undefined : textOf(title) })
}
