// Reads pictures of text with tesseract.js, offline: English and Chinese in both scripts from packaged data, one engine per process.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { createWorker, OEM, PSM, type Worker } from 'tesseract.js'
import { isCjk } from '../core/text.ts'
import { skewOf } from './deskew.ts'
import { pictureRulings, withoutRulings } from './ocr-rulings.ts'
import { gridsOf, type Ruling } from './grid.ts'
import type { Piece } from './pdf-pieces.ts'

export type OcrPage = {
  pieces: Piece[]
  rulings: Ruling[]
  /** Mean over all words, 0..1. */ confidence: number
  width: number
  height: number
}

type Script = 'chi_sim' | 'chi_tra'

const require = createRequire(import.meta.url)

/** The integer models of the best training: small, and faster than the large ones at equal quality on print. */
const modelFolder = (code: string): string => join(dirname(require.resolve(`@tesseract.js-data/${code}/package.json`)), '4.0.0_best_int')

/**
 * One engine for each Chinese script, set up once and never switched: an engine that was switched to another language keeps some of the
 * former in its memory, and then reads the same page a little differently.
 */
const engines = new Map<Script, Promise<Worker>>()

/** An engine reads models from one folder only, and ours lie in a package each: it starts with English and is given the other by hand. */
async function startEngine(script: Script): Promise<Worker> {
  const languages = ['eng']
  const worker = await createWorker(languages, OEM.LSTM_ONLY, {
    workerPath: fileURLToPath(new URL('ocr-worker.ts', import.meta.url)),
    langPath: modelFolder('eng'),
    gzip: true,
    cacheMethod: 'none',
    errorHandler: () => undefined,
  })
  const model = gunzipSync(await readFile(join(modelFolder(script), `${script}.traineddata.gz`)))
  await worker.FS('writeFile', [`./${script}.traineddata`, model])
  // The engine keeps the list of its languages by reference.
  languages.push(script)
  await worker.reinitialize(`${script}+eng`, OEM.LSTM_ONLY)
  await worker.setParameters({ preserve_interword_spaces: '1', tessedit_pageseg_mode: PSM.AUTO })
  return worker
}

function engineFor(script: Script): Promise<Worker> {
  const engine = engines.get(script) ?? startEngine(script)
  engines.set(script, engine)
  return engine
}

/** Ends the engines; used after a page that took too long, since they cannot be interrupted otherwise. */
export async function closeOcr(): Promise<void> {
  const ending = [...engines.values()]
  engines.clear()
  for (const engine of ending) await (await engine).terminate()
}

/** Longest side in pixels that is worth reading; more only costs time. */
const MAX_SIDE = 4000
/** Shorter pictures are enlarged, since small letters are read badly. */
const MIN_SIDE = 1400

type Prepared = { png: Buffer; scale: number; width: number; height: number; rulings: Ruling[] }

/** Contrast below this is noise; stretching it would turn paper into ink. */
const MIN_CONTRAST = 40
/** Share of pixels that are surely ink on any page with text. */
const INK_SHARE = 0.001

/**
 * Paper becomes white and ink black: the paper is the most frequent bright level, the ink the darkest thousandth. A stretch between
 * fixed percentiles would take the paper of a nearly empty page for ink.
 */
export function evenLight(grey: Uint8Array): Uint8Array {
  const counts = new Uint32Array(256)
  for (const level of grey) counts[level] = (counts[level] ?? 0) + 1
  let paper = 255
  for (let level = 128; level < 256; level += 1) if ((counts[level] ?? 0) > (counts[paper] ?? 0)) paper = level
  let ink = 0
  for (let seen = counts[0] ?? 0; seen < grey.length * INK_SHARE && ink < 255; seen += counts[ink] ?? 0) ink += 1
  if (paper - ink < MIN_CONTRAST) return grey
  const levels = Uint8Array.from({ length: 256 }, (_, level) =>
    Math.max(0, Math.min(255, Math.round(((level - ink) / (paper - ink)) * 255))),
  )
  return grey.map((level) => levels[level] ?? level)
}

/** Grey, evenly lit, upright, level, of a readable size and without ruling lines, which engines take for letters. */
async function prepare(picture: Uint8Array, rotation: number): Promise<Prepared> {
  const upright = sharp(picture, { limitInputPixels: 100_000_000 }).autoOrient().flatten({ background: '#fff' })
  const base = rotation === 0 ? upright : sharp(await upright.png().toBuffer()).rotate(rotation)
  const { grey, info } = await straightened(base)
  const longest = Math.max(info.width, info.height)
  const scale = longest > MAX_SIDE ? MAX_SIDE / longest : longest < MIN_SIDE ? Math.min(3, MIN_SIDE / longest) : 1
  const raw = { width: info.width, height: info.height, channels: 1 as const }
  const resized = await sharp(grey, { raw })
    .resize({ width: Math.round(info.width * scale), kernel: 'lanczos3' })
    .grayscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const lines = pictureRulings(resized.data, resized.info.width, resized.info.height)
  // Only lines of a grid are taken out: a lone one may be the stroke of a large character.
  const rulings = gridsOf(lines).flatMap((grid) => grid.horizontal.concat(grid.vertical))
  const clean = withoutRulings(resized.data, resized.info.width, rulings)
  const png = await sharp(clean, { raw: { width: resized.info.width, height: resized.info.height, channels: 1 } })
    .png({ compressionLevel: 1 })
    .toBuffer()
  return { png, scale, width: resized.info.width, height: resized.info.height, rulings }
}

/** Evenly lit grey, turned by the small angle at which the page was scanned; places are those of the straight page. */
async function straightened(picture: Sharp): Promise<{ grey: Uint8Array; info: { width: number; height: number } }> {
  const { data, info } = await picture.grayscale().raw().toBuffer({ resolveWithObject: true })
  const grey = evenLight(data)
  const angle = skewOf(grey, info.width, info.height)
  if (angle === 0) return { grey, info }
  const turned = await sharp(grey, { raw: { width: info.width, height: info.height, channels: 1 } })
    .rotate(angle, { background: '#fff' })
    .grayscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { grey: turned.data, info: turned.info }
}

type Word = { text: string; confidence: number; bbox: { x0: number; y0: number; x1: number; y1: number } }
type Recognised = { words: { word: Word; size: number; baseline: number }[]; confidence: number; han: number }

async function recognise(png: Buffer, script: Script): Promise<Recognised> {
  const worker = await engineFor(script)
  const { data } = await worker.recognize(png, {}, { text: false, blocks: true })
  const words: Recognised['words'] = []
  for (const line of (data.blocks ?? []).flatMap((block) => block.paragraphs).flatMap((paragraph) => paragraph.lines)) {
    const height = line.bbox.y1 - line.bbox.y0
    for (const word of line.words)
      if (word.text.trim() !== '') words.push({ word, size: height * 0.8, baseline: line.bbox.y0 + height * 0.85 })
  }
  const weight = words.reduce((sum, { word }) => sum + word.text.length, 0)
  const sum = words.reduce((all, { word }) => all + word.confidence * word.text.length, 0)
  const han = words.reduce(
    (all, { word }) => all + Array.from(word.text).filter((character) => isCjk(character.codePointAt(0) ?? 0)).length,
    0,
  )
  return { words, confidence: weight === 0 ? 0 : sum / weight / 100, han }
}

/** Below this, and with text of some length, a page may be lying on its side. */
const DOUBTFUL = 0.5

/** Both scripts read each other's common characters about equally well; measured: +0.07 on traditional text, up to +0.01 on simplified. */
const SCRIPT_MARGIN = 0.02

/** What is remembered over the pages of one document: which script it is in. */
export type OcrMemory = { script?: Script }

/**
 * Reads one picture. The first page of a document is read in both Chinese scripts, and the surer one is kept for the rest; a page that
 * reads badly is tried lying on its sides and upside down.
 *
 * @param pointScale pixels per point of the picture, so that places come back in points.
 */
export async function readPicture(picture: Uint8Array, pointScale: number, memory: OcrMemory): Promise<OcrPage> {
  let prepared = await prepare(picture, 0)
  let result = await recognise(prepared.png, memory.script ?? 'chi_sim')
  for (const rotation of result.confidence < DOUBTFUL ? [90, 270, 180] : []) {
    const turned = await prepare(picture, rotation)
    const other = await recognise(turned.png, memory.script ?? 'chi_sim')
    if (other.confidence > result.confidence + 0.15) [prepared, result] = [turned, other]
    if (result.confidence > 0.75) break
  }
  if (memory.script === undefined && result.han >= 5) {
    const other = await recognise(prepared.png, 'chi_tra')
    if (other.confidence > result.confidence + SCRIPT_MARGIN) result = other
    memory.script = result === other ? 'chi_tra' : 'chi_sim'
  }
  const unit = 1 / (prepared.scale * pointScale)
  return {
    pieces: result.words.map(({ word, size, baseline }) => pieceOf(word, size, baseline, unit)),
    rulings: prepared.rulings.map((ruling): Ruling => ({
      axis: ruling.axis,
      at: ruling.at * unit,
      from: ruling.from * unit,
      to: ruling.to * unit,
    })),
    confidence: result.confidence,
    width: prepared.width * unit,
    height: prepared.height * unit,
  }
}

function pieceOf(word: Word, size: number, baseline: number, unit: number): Piece {
  const { x0, y0, x1, y1 } = word.bbox
  return {
    text: word.text,
    left: x0 * unit,
    right: x1 * unit,
    top: y0 * unit,
    bottom: y1 * unit,
    baseline: baseline * unit,
    size: size * unit,
    bold: false,
    confidence: word.confidence / 100,
  }
}
