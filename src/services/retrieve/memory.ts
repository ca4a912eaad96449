// What a process remembers between questions. Keys hold everything a value depends on (model, workspace, the stamp of its row), so that nothing
// stale or foreign is ever served; the least recently used goes first.
import type { TermStatistics } from '../../store/search-terms.ts'

/** At most `limit` values; reading one makes it the youngest. */
export class Memory<T> {
  readonly #limit: number
  readonly #values = new Map<string, T>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): T | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: string, value: T): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    const oldest = this.#values.keys().next()
    if (this.#values.size > this.#limit && !oldest.done) this.#values.delete(oldest.value)
  }
}

/** Keeps what is asked for a second time: most questions come once, and would only push out those that come often. */
export class HotMemory<T> {
  readonly #asked: Memory<true>
  readonly #kept: Memory<T>

  constructor(limit: number) {
    this.#asked = new Memory(limit)
    this.#kept = new Memory(limit)
  }

  get(key: string): T | undefined {
    return this.#kept.get(key)
  }

  set(key: string, value: T): void {
    if (this.#asked.get(key)) this.#kept.set(key, value)
    else this.#asked.set(key, true)
  }
}

export type Remembered = {
  /** Vector of a question, by model, dimension and text. */
  vectors: HotMemory<Float32Array>
  /** Size of a lexical index, by workspace and its row's stamp. */
  statistics: Memory<TermStatistics>
  /** Document frequency of a term in a large index, by workspace, stamp and term. */
  frequencies: Memory<number>
  /** Keys of title and headings, by context header. */
  headings: Memory<string[]>
}

/** About 20 MB at most. */
export const newMemory = (): Remembered => ({
  vectors: new HotMemory(1000),
  statistics: new Memory(10_000),
  frequencies: new Memory(50_000),
  headings: new Memory(20_000),
})
