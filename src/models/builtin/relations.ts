// What a sentence says about two of its terms. Only what a cue word states gets a type and a direction; the rest is `related`.
import type { Span } from './sentences.ts'

export type Occurrence = Span & { name: string }
export type Cue = { source: string; target: string; keyword: 'prerequisite' | 'part_of' | 'alias' | 'related' }

type Rule = {
  keyword: Cue['keyword']
  /** Whether the first term of the sentence is the source. */ forward: boolean
  between: RegExp
  before?: RegExp
  after?: RegExp
}

const FORWARD = true
const BACKWARD = false

/** Tried in order; `between` is the text between the two terms, `before` and `after` what surrounds them in the sentence. */
const RULES: readonly Rule[] = [
  // A 是 B 的基础: A first.
  {
    keyword: 'prerequisite',
    forward: FORWARD,
    between: /^\s*(?:是|为|作为)(?:学习|理解|掌握)?$/,
    after: /^\s*的(?:重要)?(?:基础|前提|先修|前置|先备|预备)/,
  },
  {
    keyword: 'prerequisite',
    forward: FORWARD,
    between: /^(?:之后|后|以后)?[，,]?\s*(?:再|才能|才可以|方可|接着)(?:学习|理解|掌握|学)?$/,
    before: /(?:掌握|学习|学会|理解|学完|先学)(?:了|完)?$/,
  },
  // 学习 B 之前需要掌握 A, B 需要 A, B 以 A 为基础: the later one first in the sentence.
  {
    keyword: 'prerequisite',
    forward: BACKWARD,
    between: /(?:之前|以前|前)[，,]?\s*(?:应|须|必须|需要|需|要|先|应先|须先|要先|应该)*(?:掌握|理解|学习|学会|复习|认识|熟悉)?(?:好|了)?$/,
  },
  {
    keyword: 'prerequisite',
    forward: BACKWARD,
    between: /^的?\s*(?:前置知识|先修知识|先备知识|先修|前置|基础|前提)(?:知识|要求|内容|课程)?(?:是|为|包括|有|：|:)\s*$/,
  },
  {
    keyword: 'prerequisite',
    forward: BACKWARD,
    between: /^(?:的学习)?(?:需要|要求|依赖于?|有赖于|建立在)(?:先|预先|事先)?(?:掌握|理解|学习|了解)?$/,
  },
  { keyword: 'prerequisite', forward: BACKWARD, between: /^(?:是)?以$/, after: /^为(?:基础|前提)/ },
  {
    keyword: 'prerequisite',
    forward: BACKWARD,
    between:
      /^\s*(?:requires?|depends? on|builds? on|rel(?:y|ies) on|assumes?|presupposes?)(?: (?:the|a|an|some|knowledge of|an understanding of|understanding of))*\s*$/i,
  },
  {
    keyword: 'prerequisite',
    forward: FORWARD,
    between:
      /^\s*(?:is|are) (?:a |an |the )?(?:prerequisites?|foundations?|basis|necessary) (?:for|of|to)(?: (?:studying|learning|understanding))?(?: (?:the|a|an))?\s*$/i,
  },
  // Parts point to their whole.
  { keyword: 'part_of', forward: FORWARD, between: /^\s*(?:属于|隶属于)\s*$/ },
  { keyword: 'part_of', forward: FORWARD, between: /^\s*是\s*$/, after: /^\s*的(?:一部分|组成部分|一种|一类|特例|特殊情况|特殊情形|子集)/ },
  { keyword: 'part_of', forward: FORWARD, between: /^\s*是(?:一种|一类)(?:特殊的?)?\s*$/ },
  { keyword: 'part_of', forward: BACKWARD, between: /^(?:主要|通常|一般)?(?:包括|包含|分为|可分为|由)\s*$/ },
  {
    keyword: 'part_of',
    forward: FORWARD,
    between:
      /^\s*(?:is|are) (?:a |an |the )?(?:special )?(?:parts?|types?|kinds?|cases?|branch(?:es)?|forms?|classe?s?) of(?: (?:the|a|an))?\s*$/i,
  },
  {
    keyword: 'part_of',
    forward: BACKWARD,
    between: /^\s*(?:includes?|contains?|consists? of|comprises?|is divided into)(?: (?:the|a|an))?\s*$/i,
  },
  { keyword: 'alias', forward: FORWARD, between: /^[，,]?\s*(?:又|也|亦|还|或)(?:被)?(?:称|叫|名)(?:为|作|做)?\s*[“「]?$/ },
  { keyword: 'alias', forward: FORWARD, between: /^[，,]?\s*(?:即|等价于|等同于|简称)\s*[“「]?$/ },
  {
    keyword: 'alias',
    forward: FORWARD,
    between: /^,?\s*(?:is |are )?(?:also (?:called|known as)|equivalent to|the same as|abbreviated (?:as|to))(?: (?:the|a|an))?\s*$/i,
  },
]

const NEGATION = /不是|并非|不属于|不包括|不等|不需要|无需|没有|不依赖|not |never |n't |without /i
const LIST = /^\s*(?:[、,，和与及]|and|or|以及|，以及|, and)\s*$/i
/** More terms than this in one sentence is an enumeration; its pairs say nothing. */
const MAX_FOR_RELATED = 4

function stated(sentence: string, first: Occurrence, second: Occurrence, base: number): Cue | undefined {
  const between = sentence.slice(first.end - base, second.start - base)
  const before = sentence.slice(0, first.start - base)
  const after = sentence.slice(second.end - base)
  for (const { keyword, forward, between: middle, before: lead, after: tail } of RULES) {
    if (!middle.test(between) || (lead !== undefined && !lead.test(before)) || (tail !== undefined && !tail.test(after))) continue
    return forward ? { source: first.name, target: second.name, keyword } : { source: second.name, target: first.name, keyword }
  }
  return undefined
}

/**
 * The relations one sentence states between its terms, in order of appearance.
 *
 * @param aligned simplified, so the cues need one script only; same positions as the chunk
 * @param occurrences the sentence's terms in order, not overlapping
 */
export function sentenceRelations(aligned: string, { start, end }: Span, occurrences: readonly Occurrence[]): Cue[] {
  const sentence = aligned.slice(start, end)
  const cues: Cue[] = []
  for (let i = 0; i + 1 < occurrences.length; i += 1) {
    const [first, second] = [occurrences[i], occurrences[i + 1]]
    if (first === undefined || second === undefined || first.name === second.name) continue
    if (NEGATION.test(sentence.slice(first.end - start, second.start - start))) continue
    const cue = stated(sentence, first, second, start)
    if (cue === undefined) {
      if (occurrences.length <= MAX_FOR_RELATED) cues.push({ source: first.name, target: second.name, keyword: 'related' })
      continue
    }
    cues.push(cue)
    // "B 包括 A1、A2 和 A3": what holds for the first of a list holds for all of it.
    for (let j = i + 2; j < occurrences.length; j += 1) {
      const [last, next] = [occurrences[j - 1], occurrences[j]]
      if (last === undefined || next === undefined || !LIST.test(aligned.slice(last.end, next.start)) || next.name === first.name) break
      cues.push(cue.source === first.name ? { ...cue, target: next.name } : { ...cue, source: next.name })
      i = j - 1
    }
  }
  return cues
}
