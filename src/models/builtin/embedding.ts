// The embedding that needs no weights, no key and no network: hashed words and character n-grams. It finds texts that share words,
// forms of words or parts of words, in either Chinese script; it knows no synonyms and no translation beyond the folded wordings.
import { contentPieces, ENGLISH_STOP_WORDS } from '../../core/stopwords.ts'
import { indexTerms } from '../../core/terms.ts'
import { isCjk, normaliseForSearch } from '../../core/text.ts'
import { truncateTokens } from '../../core/tokens.ts'
import type { EmbeddingModel } from '../../ports/models.ts'
import { NO_USAGE } from '../../ports/models.ts'

const DIM = 1024

// Set by hand, checked by test/quality/builtin.test.ts: bigrams are the Chinese words most often, trigrams settle ties between them.
const WORD = 1.4
const STOP_WORD = 0.1
const NUMBER = 0.5
const IDENTIFIER = 1.2
const LATIN_TRIGRAM = 0.25
const LATIN_FOURGRAM = 0.3
const HAN_UNIGRAM = 0.3
const HAN_BIGRAM = 1
const HAN_TRIGRAM = 0.5
/** Factor of an n-gram that holds a stop character, for each such character. */
const DAMPED = 0.25

/** Characters that stand in most Chinese sentences and so tell little; a static stand-in for idf. */
const COMMON_HAN = new Set(
  Array.from(
    '的一是在不了有和人这中大为上个以要他时来用们到作于就分对会可主年同也能下过子之而后多定所由其与或及等从被把将此该使让更最很都还又并各每',
    (c) => c.charCodeAt(0),
  ),
)

/** murmur3's finaliser: every input bit reaches the low bits that pick the place. */
function avalanche(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** 32-bit FNV-1a over the kind of the feature and its UTF-16 units. */
function hash(kind: string, units: string, from = 0, end = units.length): number {
  let h = Math.imul(0x811c9dc5 ^ kind.charCodeAt(0), 0x01000193)
  for (let i = from; i < end; i += 1) h = Math.imul(h ^ units.charCodeAt(i), 0x01000193)
  return avalanche(h)
}

/** By feature hash: how often it stands in the text, and what one occurrence weighs. */
type Features = { counts: Map<number, number>; weights: Map<number, number> }

function count(features: Features, feature: number, weight: number, times = 1): void {
  const known = features.counts.get(feature)
  features.counts.set(feature, (known ?? 0) + times)
  if (known === undefined) features.weights.set(feature, weight)
}

/** A character of the rare planes counts as two; its halves only ever stand together, so nothing is lost. */
function hanFeatures(run: string, features: Features): void {
  let before = 1
  let beforeThat = 1
  for (let i = 0; i < run.length; i += 1) {
    const damp = COMMON_HAN.has(run.charCodeAt(i)) ? DAMPED : 1
    count(features, hash('1', run, i, i + 1), HAN_UNIGRAM * damp)
    if (i >= 1) count(features, hash('2', run, i - 1, i + 1), HAN_BIGRAM * before * damp)
    if (i >= 2) count(features, hash('3', run, i - 2, i + 1), HAN_TRIGRAM * beforeThat * before * damp)
    beforeThat = before
    before = damp
  }
}

function latinFeatures(term: string, times: number, features: Features): void {
  if (/^[\d.]+$/.test(term)) return count(features, hash('n', term), NUMBER, times)
  if (!/^[\p{L}\p{M}\p{N}]+$/u.test(term)) return count(features, hash('i', term), IDENTIFIER, times)
  if (ENGLISH_STOP_WORDS.has(term)) return count(features, hash('w', term), STOP_WORD, times)
  count(features, hash('w', term), WORD, times)
  if (term.length < 4) return
  const framed = `^${term}$`
  for (let i = 0; i + 3 <= framed.length; i += 1) {
    count(features, hash('c', framed, i, i + 3), LATIN_TRIGRAM, times)
    if (i + 4 <= framed.length) count(features, hash('c', framed, i, i + 4), LATIN_FOURGRAM, times)
  }
}

const HAN_RUN = /[\p{Script=Han}\u3041-\u30ff]+/gu

function featuresOf(text: string): Features {
  const features: Features = { counts: new Map(), weights: new Map() }
  for (const [run] of normaliseForSearch(text).matchAll(HAN_RUN)) for (const piece of contentPieces(run)) hanFeatures(piece, features)
  for (const [term, times] of indexTerms(text)) {
    const codePoint = term.codePointAt(0) ?? 0
    if (!isCjk(codePoint) && !(codePoint >= 0x3041 && codePoint <= 0x30ff)) latinFeatures(term, times, features)
  }
  return features
}

/**
 * The unit vector `[1024]` of a text: signed feature hashing of weighted n-grams with sub-linear frequency (1 + ln tf).
 * Equal for a text and its traditional or simplified twin. A text without any feature gets the first basis vector.
 * Source of the hashing trick: Weinberger et al., ICML 2009. Cost: O(length).
 */
export function embedText(text: string): Float32Array {
  const vector = new Float32Array(DIM)
  const { counts, weights } = featuresOf(text)
  for (const [feature, times] of counts) {
    const value = (weights.get(feature) ?? 0) * (1 + Math.log(times))
    // Two places per feature: one collision then costs half of it, not all.
    for (const h of [feature, avalanche(feature ^ 0x9e3779b9)]) {
      const slot = h % DIM
      vector[slot] = (vector[slot] ?? 0) + (h & 0x80000000 ? -value : value)
    }
  }
  let square = 0
  for (const value of vector) square += value * value
  if (square === 0) {
    vector[0] = 1
    return vector
  }
  const norm = Math.sqrt(square)
  return vector.map((value) => value / norm)
}

/** Texts between two looks at other work of the process: a chunk takes 2 ms, and this thread answers everybody. */
const SLICE = 4

/** @param maxTokens longer texts are cut there, by the estimate that also sizes chunks, and counted. */
export function createBuiltinEmbedding(maxTokens = 512): EmbeddingModel {
  return {
    model: 'builtin/hashed-lexical-v1',
    dim: DIM,
    maxBatch: 64,
    maxTokens,
    async embed(texts, _kind, signal) {
      const vectors: Float32Array[] = []
      let truncated = 0
      for (const text of texts) {
        signal.throwIfAborted()
        const cut = truncateTokens(text, maxTokens)
        if (cut.length < text.length) truncated += 1
        vectors.push(embedText(cut))
        if (vectors.length % SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve))
      }
      return { vectors, truncated, usage: NO_USAGE }
    },
  }
}
