// Where the links of a PDF page lead and which words they stand on.
import type { PageViewport, PDFPageProxy } from 'pdfjs-dist'
import { isWebAddress } from './links.ts'
import { type Box, boxOf, point } from './pdf-graphics.ts'
import { joint, type Piece, splitAcross } from './pdf-pieces.ts'

export type PageLink = { url: string; text: string; box: Box }

const MAX_LINKS = 500

/** Links to the web with their words; a damaged annotation costs the page nothing but its links. */
export async function readLinks(page: PDFPageProxy, viewport: PageViewport, pieces: readonly Piece[]): Promise<PageLink[]> {
  const annotations = (await page.getAnnotations().catch(() => [])) as {
    subtype?: string
    url?: string
    unsafeUrl?: string
    rect?: number[]
  }[]
  return annotations.slice(0, MAX_LINKS).flatMap(({ subtype, url, unsafeUrl, rect }): PageLink[] => {
    const address = url ?? unsafeUrl ?? ''
    if (subtype !== 'Link' || rect?.length !== 4 || !isWebAddress(address)) return []
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = rect
    const corners = [point(viewport.transform, x1, y1), point(viewport.transform, x2, y2)]
    const box = boxOf(corners)
    return [{ url: address, text: textIn(box, pieces), box }]
  })
}

function textIn(box: Box, pieces: readonly Piece[]): string {
  const inside = pieces
    .filter(
      ({ top, bottom, left, right }) =>
        (top + bottom) / 2 > box.top && (top + bottom) / 2 < box.bottom && left < box.right && right > box.left,
    )
    .flatMap((piece) => splitAcross(piece, [box.left, box.right]))
    .filter(({ left, right }) => (left + right) / 2 > box.left && (left + right) / 2 < box.right)
  return inside.reduce((text, piece) => text + joint(text, piece.text) + piece.text.trim(), '')
}
