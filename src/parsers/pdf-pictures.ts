// Pictures inside a PDF page as PNG assets, and whole pages as pictures for OCR.
import type { PDFPageProxy } from 'pdfjs-dist'
import sharp from 'sharp'
import type { Asset } from '../core/blocks.ts'
import type { assetMaker } from './assets.ts'
import type { Picture } from './pdf-graphics.ts'
import { smallJpeg } from './previews.ts'

const OBJECT_WAIT_MS = 5000

type Raw = { width: number; height: number; kind: number; data: Uint8ClampedArray | Uint8Array }

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && 'data' in value && ArrayBuffer.isView(value.data) && 'kind' in value

/** pdf.js delivers decoded pictures when they are ready; one that never comes must not hold the page up. */
function pictureObject(page: PDFPageProxy, id: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const timer = setTimeout(() => resolve(undefined), OBJECT_WAIT_MS)
  const store = id.startsWith('g_') ? page.commonObjs : page.objs
  store.get(id, (value: unknown) => resolve(value))
  return promise.finally(() => clearTimeout(timer))
}

/** Bits packed eight to a byte, rows padded, 1 is white, as grey bytes. */
function unpackBits({ width, height, data }: Raw): Uint8Array {
  const stride = Math.ceil(width / 8)
  return Uint8Array.from({ length: width * height }, (_, index) => {
    const [x, y] = [index % width, Math.floor(index / width)]
    return ((data[y * stride + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1 ? 255 : 0
  })
}

export async function pictureAsset(page: PDFPageProxy, picture: Picture, make: ReturnType<typeof assetMaker>): Promise<Asset | undefined> {
  const raw = await pictureObject(page, picture.id)
  if (!isRaw(raw) || raw.width < 16 || raw.height < 16) return undefined
  const channels = raw.kind === 1 ? 1 : raw.kind === 2 ? 3 : 4
  const pixels = raw.kind === 1 ? unpackBits(raw) : new Uint8Array(raw.data.buffer, raw.data.byteOffset, raw.data.byteLength)
  const png = await sharp(pixels, { raw: { width: raw.width, height: raw.height, channels } })
    .png()
    .toBuffer()
  return make(png, 'image/png', { width: raw.width, height: raw.height })
}

const RENDER_DPI = 200
const MAX_RENDER_PIXELS = 16_000_000

/** The page as PNG, and how many pixels make one point. */
export async function renderPage(page: PDFPageProxy): Promise<{ png: Buffer; scale: number }> {
  const natural = page.getViewport({ scale: 1 })
  const scale = Math.min(RENDER_DPI / 72, Math.sqrt(MAX_RENDER_PIXELS / (natural.width * natural.height)))
  const viewport = page.getViewport({ scale })
  const { createCanvas } = await import('@napi-rs/canvas')
  const canvas = createCanvas(Math.ceil(viewport.width), Math.ceil(viewport.height))
  await page.render({ canvas: canvas, viewport }).promise
  return { png: canvas.toBuffer('image/png'), scale }
}

/** The page as a JPEG of a size that models take; undefined when the document's pictures are too many already. */
export async function pageAsset(page: PDFPageProxy, make: ReturnType<typeof assetMaker>): Promise<Asset | undefined> {
  const { png } = await renderPage(page)
  return make(await smallJpeg(sharp(png)), 'image/jpeg')
}
