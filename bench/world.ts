// A generated world for measuring retrieval: articles about people, companies, towns, rivers, schools and books that refer to each other,
// and questions of 2 to 4 hops whose answers stand in articles that the question does not name. The same seed gives the same world.
import type { CorpusEntry, Qrels, Question } from '../src/core/beir.ts'
import { seededRandom } from '../src/core/evaluation.ts'

type Kind = 'person' | 'company' | 'town' | 'river' | 'school' | 'book'
/** A fact of an article: how it is told there, in a question about its object, and as a graph's relation. */
type Relation = { name: string; from: Kind; to: Kind; told: readonly string[]; asked: string; keywords: string }
type Thing = { id: string; kind: Kind; name: string; facts: { relation: Relation; object: Thing }[] }

export type World = {
  corpus: CorpusEntry[]
  questions: (Question & { hops: number })[]
  qrels: Qrels
  /** Lines of a graph.jsonl. */
  graph: { _id: string; entities: object[]; relations: object[] }[]
}

/** Objects are skewed, so that some towns and schools are hubs. `{s}` is the subject, `{o}` the object. */
const RELATIONS: readonly Relation[] = [
  relation(
    'founder',
    'company',
    'person',
    ['{s} was set up by {o}.', '{o} started {s} in a rented workshop.'],
    'the founder of',
    'founded by',
  ),
  relation(
    'seat',
    'company',
    'town',
    ['Its head office is in {o}.', '{s} is run from {o}.'],
    'the town where the head office stands of',
    'headquartered in',
  ),
  relation(
    'birthplace',
    'person',
    'town',
    ['{s} was born in {o}.', '{s} grew up in {o}, as three generations before.'],
    'the birthplace of',
    'born in',
  ),
  relation(
    'school',
    'person',
    'school',
    ['{s} studied at {o}.', '{s} took a degree at {o} with distinction.'],
    'the school attended by',
    'educated at',
  ),
  relation('spouse', 'person', 'person', ['{s} married {o}.', '{s} is the wife or husband of {o}.'], 'the spouse of', 'married to'),
  relation(
    'river',
    'town',
    'river',
    ['{s} lies on the {o}.', 'The {o} runs past the old walls of {s}.'],
    'the river that flows through',
    'lies on',
  ),
  relation('mayor', 'town', 'person', ['Its mayor is {o}.', '{s} has been governed by {o} for years.'], 'the mayor of', 'governed by'),
  relation('site', 'school', 'town', ['{s} has its campus in {o}.', '{s} teaches in {o}.'], 'the town that houses', 'located in'),
  relation('rector', 'school', 'person', ['{s} is headed by {o}.', 'The rector of {s} is {o}.'], 'the head of', 'headed by'),
  relation('author', 'book', 'person', ['{s} was written by {o}.', '{o} wrote {s} in one winter.'], 'the writer of', 'written by'),
  relation('publisher', 'book', 'company', ['{s} was brought out by {o}.', '{o} printed {s}.'], 'the publisher of', 'published by'),
  relation(
    'mouth',
    'river',
    'town',
    ['The {s} reaches the sea at {o}.', 'The {s} ends in the harbour of {o}.'],
    'the town at the mouth of',
    'flows into the sea at',
  ),
]

function relation(name: string, from: Kind, to: Kind, told: readonly string[], asked: string, keywords: string): Relation {
  return { name, from, to, told, asked, keywords }
}

/** Shares of the articles. */
const KINDS: readonly (readonly [kind: Kind, share: number])[] = [
  ['person', 0.42], ['company', 0.16], ['town', 0.12], ['river', 0.04], ['school', 0.06], ['book', 0.2],
] // prettier-ignore

const FILLERS = [
  'Visitors praise the quiet of the early mornings.', 'Records from that time are incomplete.', 'A small museum keeps the original papers.',
  'Local papers have told the story many times.', 'The archive was opened to the public some years ago.', 'Critics disagree about the importance of it.',
  'An anniversary is kept every spring.', 'The accounts of two witnesses differ in detail.', 'A plaque was put up by former pupils.',
] // prettier-ignore

const SYLLABLES = ['ar', 'bel', 'cor', 'dan', 'el', 'fen', 'gal', 'hol', 'is', 'jor', 'kel', 'lin', 'mar', 'nor', 'os', 'pel', 'quin', 'ros', 'sel', 'tar', 'ul', 'ven', 'wil', 'yar', 'zan'] // prettier-ignore

export function makeWorld(articles: number, questions: number, seed = 7): World {
  const random = seededRandom(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const skewed = <T>(values: readonly T[]): T => values[Math.floor(random() ** 2 * values.length)] as T
  const used = new Set<string>()
  const word = (): string => {
    const text = Array.from({ length: 2 + Math.floor(random() * 2) }, () => pick(SYLLABLES)).join('')
    return text.charAt(0).toUpperCase() + text.slice(1)
  }
  const nameOf = (kind: Kind): string => {
    const named = { person: () => `${word()} ${word()}`, company: () => `${word()} ${pick(['Works', 'Mills', 'Trading', 'Press'])}`, town: word, river: () => `River ${word()}`, school: () => `${word()} College`, book: () => `The ${pick(['Last', 'Silent', 'Golden', 'Distant', 'Broken'])} ${word()}` } // prettier-ignore
    for (;;) {
      const name = named[kind]()
      if (!used.has(name)) return used.add(name) && name
    }
  }
  const things: Thing[] = KINDS.flatMap(([kind, share]) => Array.from({ length: Math.round(articles * share) }, () => ({ id: '', kind, name: nameOf(kind), facts: [] }))) // prettier-ignore
  things.forEach((thing, index) => (thing.id = `a${index}`))
  const ofKind = Map.groupBy(things, (thing) => thing.kind)
  for (const thing of things) {
    for (const one of RELATIONS.filter(({ from }) => from === thing.kind)) {
      const object = skewed(ofKind.get(one.to) ?? [])
      if (object !== thing) thing.facts.push({ relation: one, object })
    }
  }
  const qrels: Qrels = new Map()
  const asked: World['questions'] = []
  for (let tries = 0; asked.length < questions && tries < questions * 20; tries += 1) {
    const hops = 2 + (asked.length % 3)
    const path = walk(pick(things), hops, pick)
    if (!path) continue
    const id = `q${asked.length}`
    // Innermost first: "the mayor of the birthplace of the founder of X".
    const about = path.facts.reduce((inner, { relation: { asked: phrase } }) => `${phrase} ${inner}`, path.start.name)
    asked.push({ id, text: `${pick(['What is', 'Tell me the name of', 'Which is'])} ${about}?`, hops })
    qrels.set(id, new Map(path.gold.map((thing) => [thing.id, 1])))
  }
  return { corpus: things.map((thing) => articleOf(thing, pick, random)), questions: asked, qrels, graph: things.map(graphOf) }
}

type Path = { start: Thing; facts: Thing['facts']; gold: Thing[] }

/** A chain of facts without a circle; the articles that tell them are what must be found. */
function walk(start: Thing, hops: number, pick: <T>(values: readonly T[]) => T): Path | undefined {
  const gold: Thing[] = []
  const facts: Thing['facts'] = []
  let at = start
  for (let hop = 0; hop < hops; hop += 1) {
    const open = at.facts.filter(({ object }) => object !== start && !gold.includes(object))
    if (open.length === 0) return undefined
    const next = pick(open)
    gold.push(at)
    facts.push(next)
    at = next.object
  }
  return { start, facts, gold }
}

function articleOf(thing: Thing, pick: <T>(values: readonly T[]) => T, random: () => number): CorpusEntry {
  const sentences = thing.facts.map(({ relation: { told }, object }) =>
    pick(told).replaceAll('{s}', thing.name).replaceAll('{o}', object.name),
  )
  for (let more = 0; more < 3; more += 1) sentences.splice(Math.floor(random() * (sentences.length + 1)), 0, pick(FILLERS))
  return { id: thing.id, title: thing.name, text: sentences.join(' ') }
}

function graphOf(thing: Thing): World['graph'][number] {
  return {
    _id: thing.id,
    entities: [thing, ...thing.facts.map(({ object }) => object)].map(({ name, kind }) => ({
      name,
      type: kind,
      description: `${name} is a ${kind}.`,
    })),
    relations: thing.facts.map(({ relation: one, object }) => ({
      source: thing.name,
      target: object.name,
      keywords: one.keywords,
      description: `${thing.name} ${one.keywords} ${object.name}`,
    })),
  }
}
