// The weights of mode `auto`, in one readable place. Version 1, tuned by hand on fixtures/corpora (Chinese, English, mixed; each with its
// hand-made graph and with the built-in extractor) and on a generated world of 1,000 linked articles with 2- to 4-hop questions. The optimum
// is flat: halving or doubling any one weight moves mean recall@10 by at most 2 points. With random links in place of the graph
// recall@5 falls by at most 5 points, so a noisy graph cannot drag the answer far down.

export type AutoWeights = {
  /** Share of the vector leg in what the two text legs say together; the rest is the lexical leg's. */
  vector: number
  /** A chunk that asserts a fact near the question. */
  fact: number
  /** A chunk about an entity that the question names. */
  named: number
  /** A chunk reached over an entity it shares with a good one. */
  walk: number
}

/** The built-in embedding compares words as the lexical leg does, only more coarsely; a semantic one knows more. */
export function autoWeights(model: string): AutoWeights {
  return { vector: model.startsWith('builtin/') ? 0.35 : 0.6, fact: 0.2, named: 0.25, walk: 0.8 }
}

/** Candidates of each text leg; the last one's similarity is what is taken for none. */
export const AUTO_DEPTH = 60
/** Facts whose chunks count. */
export const AUTO_FACTS = 30
/** Chunks from which each round of the walk starts. */
export const WALK_SEEDS = 4
/** Two rounds reach the third hop; a third round changed nothing measurable. */
export const WALK_ROUNDS = 2
/** What a round's finds are worth in the next. */
export const WALK_DECAY = 0.8
/** What a chunk is worth at most beside the one it was walked to from, so that the answer to a plain question stands before its neighbours. */
export const WALK_CAP = 0.95
/** An entity in more chunks than this connects everything with everything. */
export const WALK_HUB = 50
/** Rarest entities of a chunk that are followed. */
export const WALK_ENTITIES = 20
/** How much more an entity counts whose fact in the chunk is as near to the question as any. */
export const WALK_FACT_GAIN = 0.4
/** Worth of a chunk that has the entity in its title among others, and of one that only mentions it. */
export const ABOUT_PART = 0.7
export const ABOUT_MENTION = 0.4
