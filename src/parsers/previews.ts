// Pictures for a vision model: measured, and where they are too large or of a type that few models take, with a smaller JPEG beside them.
import sharp, { type Sharp } from 'sharp'
import type { Asset, ParsedDocument } from '../core/blocks.ts'
import type { FormatContext } from './format.ts'

/** Taken by every vision model. */
const COMMON = new Set(['image/png', 'image/jpeg', 'image/webp'])
/** Models scale larger pictures down themselves; sending more costs time and, in base64, the request limit of most servers. */
const MAX_SIDE = 2048
const MAX_BYTES = 4_000_000
const JPEG_QUALITY = 85

/** Pictures that cannot be decoded come back as they are: what to do with them is decided by whoever looks at them. */
export async function withPreviews(document: ParsedDocument, context: FormatContext): Promise<ParsedDocument> {
  const assets: Asset[] = []
  for (const asset of document.assets) {
    assets.push(await withPreview(asset, context.limits.imagePixels).catch(() => asset))
    context.progress()
  }
  return { ...document, assets }
}

async function withPreview(asset: Asset, maxPixels: number): Promise<Asset> {
  const picture = sharp(asset.bytes, { limitInputPixels: maxPixels })
  const { width, height } = await picture.metadata()
  const measured = { ...asset, width, height }
  if (COMMON.has(asset.mediaType) && asset.bytes.length <= MAX_BYTES && Math.max(width, height) <= MAX_SIDE) return measured
  return { ...measured, preview: { mediaType: 'image/jpeg', bytes: await smallJpeg(picture) } }
}

/** At most 2048 pixels a side, upright, on white where it is transparent. */
export async function smallJpeg(picture: Sharp): Promise<Uint8Array> {
  return picture
    .autoOrient()
    .flatten({ background: '#fff' })
    .resize({ width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: JPEG_QUALITY })
    .toBuffer()
}
