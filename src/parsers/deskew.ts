// The small angle by which a scan lies askew, found where rows of ink are most sharply apart.

/** Degrees to either side that are looked at; more is a photo from the side, which no turn straightens. */
const MAX_ANGLE = 5
const COARSE = 0.5
const FINE = 0.1
/** Below this the engine levels lines itself. A scan turned by about half a degree read no better, and its headings lost the size they are told by. */
const MIN_ANGLE = 0.8
/** How much sharper the rows must become. Text that stands straight gains nothing at any angle. */
const MIN_GAIN = 1.1
const INK = 128
/** Points of ink looked at; more do not change the answer. */
const MAX_POINTS = 60_000

/**
 * @param grey `[height × width]` bytes, 0 is ink.
 * @returns    degrees to turn clockwise so that lines become level; 0 for a straight page and for one without lines.
 */
export function skewOf(grey: Uint8Array, width: number, height: number): number {
  const points = inkPoints(grey, width)
  if (points.length < 1000) return 0
  const best = (angles: readonly number[]): { angle: number; score: number } =>
    angles
      .map((angle) => ({ angle, score: sharpness(points, height, angle) }))
      .reduce((one, other) => (other.score > one.score ? other : one), { angle: 0, score: 0 })
  const steps = (from: number, to: number, step: number): number[] =>
    Array.from({ length: Math.round((to - from) / step) + 1 }, (_, at) => from + at * step)
  const coarse = best(steps(-MAX_ANGLE, MAX_ANGLE, COARSE))
  const { angle, score } = best(steps(coarse.angle - COARSE, coarse.angle + COARSE, FINE))
  const isSkewed = Math.abs(angle) >= MIN_ANGLE && Math.abs(angle) < MAX_ANGLE && score > sharpness(points, height, 0) * MIN_GAIN
  return isSkewed ? -Math.round(angle * 10) / 10 : 0
}

/** Lower edges of ink, x and y in turn: they lie along the lines of text, while areas of pictures have few. */
function inkPoints(grey: Uint8Array, width: number): Int32Array {
  const found: number[] = []
  for (let at = 0; at + width < grey.length; at += 1)
    if ((grey[at] ?? 255) < INK && (grey[at + width] ?? 255) >= INK) found.push(at % width, Math.floor(at / width))
  const every = Math.max(1, Math.ceil(found.length / 2 / MAX_POINTS))
  return Int32Array.from(found.filter((_, index) => (index >> 1) % every === 0))
}

/** Sum of squares of ink per row, of the page sheared by an angle. */
function sharpness(points: Int32Array, height: number, degrees: number): number {
  const slope = Math.tan((degrees * Math.PI) / 180)
  const margin = height
  const rows = new Uint32Array(height + 2 * margin)
  for (let at = 0; at < points.length; at += 2) {
    const row = Math.round((points[at + 1] ?? 0) - (points[at] ?? 0) * slope) + margin
    rows[row] = (rows[row] ?? 0) + 1
  }
  let sum = 0
  for (const count of rows) sum += count * count
  return sum
}
