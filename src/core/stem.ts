// A light English stemmer: enough that a plural or a participle finds its base form, too little to join words that differ.

/** Without a prototype: `constructor` is a word like any other. */
const IRREGULAR: Readonly<Record<string, string>> = Object.assign(Object.create(null) as Record<string, string>, {
  vertices: 'vertex',
  matrices: 'matrix',
  indices: 'index',
  axes: 'axis',
  formulae: 'formula',
  radii: 'radius',
  loci: 'locus',
  hypotheses: 'hypothesis',
  analyses: 'analysis',
  bases: 'base',
  criteria: 'criterion',
  phenomena: 'phenomenon',
  children: 'child',
  women: 'woman',
  men: 'man',
})

/** A stripped participle that lost its `e`: solv(e), calculat(e), defin(e), squar(e). */
const LOST_E = /(?:[vzcu]|[^aeo]at|[ai]s|[bp]l|[dr]g|quir|squar|fin|vid|scrib|ntrat)$/

/** Of a lower-case word; what only looks like a plural (`gas`, `analysis`) stays. */
export function singular(word: string): string {
  const irregular = IRREGULAR[word]
  if (irregular !== undefined) return irregular
  if (word.length <= 3 || !word.endsWith('s') || /(?:ss|us|is)$/.test(word)) return word
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`
  return /(?:ss|x|ch|sh|zz)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1)
}

function base(word: string): string {
  const ending = word.endsWith('ing') ? 3 : word.endsWith('ed') && !word.endsWith('eed') ? 2 : 0
  const stem = word.slice(0, word.length - ending)
  if (ending === 0 || stem.length < 3 || !/[aeiouy]/.test(stem)) return word
  if (/([bdgmnprt])\1$/.test(stem) && stem.length > 3) return stem.slice(0, -1)
  if (stem.length < 4) return /[^aeiouy]{2}$/.test(stem) ? stem : word
  if (/[^aeiou]i$/.test(stem)) return `${stem.slice(0, -1)}y`
  return LOST_E.test(stem) ? `${stem}e` : stem
}

/**
 * The base form of a lower-case ASCII word: plural -s/-es/-ies, then -ing and -ed where the rest is still a word.
 * No derivation (-tion, -ly, -er) is touched. Words with other characters come back unchanged.
 */
export function stem(word: string): string {
  return /^[a-z]{4,}$/.test(word) || IRREGULAR[word] !== undefined ? base(singular(word)) : word
}
