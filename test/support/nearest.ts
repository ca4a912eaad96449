// Vectors with neighbours worth finding, and what brute force finds among them.
import { seededRandom } from '../../src/core/evaluation.ts'
import { toHalf } from '../../src/store/vectors-codec.ts'

/** Twelve topics with noise, so that every vector has near ones and far ones; the same seed gives the same vectors. */
export function vectorMaker(dim: number, seed: number): () => Float32Array {
  const random = seededRandom(seed)
  const topics = Array.from({ length: 12 }, () => unitVector(dim, () => random() - 0.5))
  return () => {
    const topic = topics[Math.floor(random() * topics.length)]
    return unitVector(dim, (index) => (topic?.[index] ?? 0) + (random() - 0.5) * 0.4)
  }
}

function unitVector(dim: number, component: (index: number) => number): Float32Array {
  const vector = Float32Array.from({ length: dim }, (_unused, index) => component(index))
  const norm = Math.hypot(...vector)
  // As they are stored: a neighbour a hair nearer in single precision may be no nearer in half.
  return toHalf(vector.map((value) => value / norm))
}

export function bruteForce(rows: ReadonlyMap<string, Float32Array>, vector: Float32Array, limit: number): string[] {
  const cosine = (other: Float32Array): number =>
    other.reduce((sum, value, index) => sum + value * (vector[index] ?? 0), 0) / Math.hypot(...other)
  return [...rows]
    .map(([id, other]) => ({ id, score: cosine(other) }))
    .toSorted((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ id }) => id)
}
