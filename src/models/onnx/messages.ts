// What the main thread and an inference worker say to each other.

export type Device = 'auto' | 'cuda' | 'cpu'

export type WorkerSetup = {
  modelFile: string
  tokenizerFile: string
  tokenizerConfigFile: string
  device: Device
  /** Threads of one operator. */
  threads: number
}

/** What is read off the graph per row: its last token's hidden state, or the logits of some tokens after it. */
export type Readout = { kind: 'last-hidden' } | { kind: 'logits'; tokens: string[] }

export type Request =
  | { id: number; type: 'tokenise'; texts: readonly string[]; maxTokens: number; specialTokens: boolean }
  | { id: number; type: 'run'; rows: readonly Int32Array[]; readout: Readout }

export type Failure = { kind: 'memory' | 'protocol' | 'run'; message: string }

export type Response =
  | { type: 'ready'; device: 'cuda' | 'cpu' }
  | { type: 'unloadable'; message: string }
  | { type: 'tokenised'; id: number; rows: Int32Array[]; cut: boolean[] }
  | { type: 'ran'; id: number; values: Float32Array[] }
  | { type: 'failed'; id: number; failure: Failure }
