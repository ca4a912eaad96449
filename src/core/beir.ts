// BEIR's files as text: a corpus, its questions, the judgements, and ready-made extractions beside them.
import { AppError } from './errors.ts'
import type { Extraction } from './extraction.ts'
import { displayName, splitBracketedAlias } from './names.ts'

export type CorpusEntry = { id: string; title: string; text: string }
export type Question = { id: string; text: string }
/** Relevance by entry, by question. */
export type Qrels = Map<string, Map<string, number>>

type Json = Record<string, unknown>

/** @throws AppError `invalid_request` naming file and line. */
export function readCorpus(text: string, name: string): CorpusEntry[] {
  return distinct(
    name,
    rows(text, name).map(({ row, at }) => ({ id: idOf(row, at), title: string(row['title']), text: string(row['text']) })),
  )
}

/** @throws AppError `invalid_request` naming file and line. */
export function readQuestions(text: string, name: string): Question[] {
  return distinct(
    name,
    rows(text, name).map(({ row, at }) => ({ id: idOf(row, at), text: string(row['text']) })),
  )
}

/** Tab-separated question, entry, grade; the header line may be missing. @throws AppError `invalid_request` naming file and line. */
export function readQrels(text: string, name: string): Qrels {
  const qrels: Qrels = new Map()
  linesOf(text).forEach(({ line, number }, index) => {
    const [question, entry, grade] = line.split('\t').map((cell) => cell.trim())
    if (index === 0 && Number.isNaN(Number(grade))) return
    if (!question || !entry || !grade || Number.isNaN(Number(grade))) throw wrong(name, number, 'is not `query-id<TAB>corpus-id<TAB>score`')
    const judged = qrels.get(question) ?? new Map<string, number>()
    judged.set(entry, Number(grade))
    qrels.set(question, judged)
  })
  return qrels
}

/** Ready-made extractions by entry. @throws AppError `invalid_request` naming file and line. */
export function readGraph(text: string, name: string): Map<string, Extraction> {
  return new Map(
    rows(text, name).map(({ row, at }) => [
      idOf(row, at),
      { entities: list(row['entities']).map(entityOf), relations: list(row['relations']).map(relationOf), dropped: 0, truncated: false },
    ]),
  )
}

/** A name as an extractor's reply is read: a translation or abbreviation in brackets is another name. */
const nameOf = (value: unknown): ReturnType<typeof splitBracketedAlias> => splitBracketedAlias(displayName(string(value)))

function entityOf(row: Json): Extraction['entities'][number] {
  const { name, alias } = nameOf(row['name'])
  return {
    name,
    type: string(row['type']) || 'other',
    description: string(row['description']),
    aliases: [...(alias === undefined ? [] : [alias]), ...strings(row['aliases'])],
    quote: '',
  }
}

const relationOf = (row: Json): Extraction['relations'][number] => ({
  source: nameOf(row['source']).name,
  target: nameOf(row['target']).name,
  keywords: strings(row['keywords']),
  description: string(row['description']),
  quote: '',
  weight: typeof row['weight'] === 'number' && row['weight'] > 0 ? row['weight'] : 1,
})

const string = (value: unknown): string => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '')
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : [])
/** A list of strings, or one string with commas. */
const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value.map(string) : string(value).split(/[,，、]/)).map((word) => word.trim()).filter((word) => word !== '')

type Place = { name: string; number: number }

const wrong = (name: string, number: number, what: string): AppError =>
  new AppError('invalid_request', `Line ${number} of ${name} ${what}.`)

const linesOf = (text: string): { line: string; number: number }[] =>
  text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')

function rows(text: string, name: string): { row: Json; at: Place }[] {
  return linesOf(text).map(({ line, number }) => {
    let row: unknown
    try {
      row = JSON.parse(line)
    } catch {
      // Said below, with the place.
      row = undefined
    }
    if (!isObject(row)) throw wrong(name, number, 'is not a JSON object')
    return { row, at: { name, number } }
  })
}

function idOf(row: Json, at: Place): string {
  const id = string(row['_id'] ?? row['id'])
  if (id === '') throw wrong(at.name, at.number, 'has no _id')
  return id
}

function distinct<T extends { id: string }>(name: string, entries: T[]): T[] {
  const seen = new Set<string>()
  for (const { id } of entries) {
    if (seen.has(id)) throw new AppError('invalid_request', `${name} has the _id ${id} twice.`)
    seen.add(id)
  }
  return entries
}
