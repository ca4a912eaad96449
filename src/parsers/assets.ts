// Pictures inside documents: kept by the hash of their bytes, bounded in number and size.
import { createHash } from 'node:crypto'
import type { Asset } from '../core/blocks.ts'

const MAX_ASSET_BYTES = 20_000_000
const MAX_TOTAL_BYTES = 100_000_000
/** Bullets, lines and spacers are smaller than this. */
const MIN_ASSET_BYTES = 200

const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  bmp: 'image/bmp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
}

/** The media type of a picture by its name inside the container; undefined for vector formats that nothing here can show. */
export function pictureType(name: string): string | undefined {
  return TYPES[/\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '']
}

/** Makes assets of one document; undefined when a picture is too small to matter or over the limits. */
export function assetMaker(): (bytes: Uint8Array, mediaType: string, size?: { width: number; height: number }) => Asset | undefined {
  let total = 0
  return (bytes, mediaType, size) => {
    if (bytes.length < MIN_ASSET_BYTES || bytes.length > MAX_ASSET_BYTES || total + bytes.length > MAX_TOTAL_BYTES) return undefined
    total += bytes.length
    return { sha256: createHash('sha256').update(bytes).digest('hex'), mediaType, bytes, ...size }
  }
}
