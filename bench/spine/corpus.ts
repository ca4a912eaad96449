// Generated documents of about 5 KB: a teacher's notes in Chinese and English over a pool of shared topics. The same number gives the
// same document on every machine.
import { ENGLISH_SENTENCES, ENGLISH_TOPICS, CHINESE_SENTENCES, CHINESE_TOPICS } from './phrases.ts'

/** UTF-8 bytes of a document. */
const TARGET_BYTES = 5000
const SECTIONS = 5

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Squared, so that some topics are in most documents and some in few. */
const skewed = <T>(random: () => number, items: readonly T[]): T => items[Math.floor(random() ** 2 * items.length)] as T
const even = <T>(random: () => number, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T

export type BenchDocument = { fileId: string; fileName: string; text: string }

export function document(number: number): BenchDocument {
  const random = randomFrom(number * 2654435761 + 17)
  const chinese = Array.from({ length: 6 }, () => skewed(random, CHINESE_TOPICS))
  const english = Array.from({ length: 4 }, () => skewed(random, ENGLISH_TOPICS))
  const own = `${even(random, CHINESE_TOPICS).slice(0, 2)}${number}号定理`
  const sentence = (): string => {
    const inChinese = random() < 0.65
    const topics = inChinese ? [...chinese, own] : english
    const pattern = even(random, inChinese ? CHINESE_SENTENCES : ENGLISH_SENTENCES)
    const [a, b] = [even(random, topics), even(random, topics)]
    return pattern
      .replaceAll('{a}', a)
      .replaceAll('{b}', b)
      .replaceAll('{n}', String(1 + Math.floor(random() * 900)))
  }
  // Books name the same thing in both languages always the same way.
  const paired = Math.floor(random() ** 2 * ENGLISH_TOPICS.length)
  let text = `# ${own}与${chinese[0]}\n\n本节用到${CHINESE_TOPICS[paired]}（${ENGLISH_TOPICS[paired]}）。\n`
  for (let section = 1; section <= SECTIONS; section++) {
    text += `\n## ${section}. ${even(random, [...chinese, ...english])}\n`
    let paragraph = ''
    while (Buffer.byteLength(text) + Buffer.byteLength(paragraph) < (TARGET_BYTES * section) / SECTIONS) {
      paragraph += sentence()
      if (random() < 0.25) {
        text += `\n${paragraph}\n`
        paragraph = ''
      }
    }
    text += `\n${paragraph}\n`
  }
  const fileId = `note-${String(number).padStart(5, '0')}`
  return { fileId, fileName: `${fileId}.md`, text }
}

/** Questions about what the documents treat, some with words of two topics. */
export function questions(count: number): string[] {
  const random = randomFrom(4711)
  return Array.from({ length: count }, (_, index) => {
    const [a, b] = [skewed(random, CHINESE_TOPICS), skewed(random, CHINESE_TOPICS)]
    const english = skewed(random, ENGLISH_TOPICS)
    return [`${a}和${b}有什么关系？`, `怎样用${a}解题？`, `How does the ${english} help with ${a}?`, `${a}的前置知识是什么？`][
      index % 4
    ] as string
  })
}
