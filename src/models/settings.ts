// What the operator may choose about models, as plain data. The configuration fills it from the environment;
// roles.ts turns it into endpoints. Nothing here reads the environment.

/** What a model is used for; each may have its own server, key and model. */
export type RoleName = 'extract' | 'keyword' | 'answer' | 'summarise' | 'vision' | 'rerank' | 'embed'

export type EndpointSettings = {
  /** Up to and without the trailing `/chat/completions`, e.g. `https://host/v1`. */
  baseUrl?: string | undefined
  apiKey?: string | undefined
  model?: string | undefined
  /** Requests in flight at most; the adaptive limit starts here and never exceeds it. */
  concurrency?: number | undefined
  /** One attempt, in milliseconds; for a stream, the longest silence. */
  timeoutMs?: number | undefined
  /** Extra fields of the request body for servers that want them, e.g. `{ "enable_thinking": false }`. */
  options?: Record<string, unknown> | undefined
}

export type EmbeddingSettings = EndpointSettings & {
  provider?: 'builtin' | 'openai' | 'onnx' | undefined
  /** Components of a vector; default: what the catalogue says of the model. */
  dim?: number | undefined
  /** Folder of the local model (`onnx`). */
  modelPath?: string | undefined
  device?: 'auto' | 'cuda' | 'cpu' | undefined
  /** Longer texts are cut; default: what the catalogue says, 512 for a local model. */
  maxTokens?: number | undefined
}

export type RerankSettings = EndpointSettings & {
  /** Folder of a local reranker; when set, no server is asked. */
  modelPath?: string | undefined
  device?: 'auto' | 'cuda' | 'cpu' | undefined
}

export type ModelSettings = {
  /** One key that turns on the whole hosted set of DashScope. */
  dashscopeApiKey?: string | undefined
  /** `LLM_*`: what every language role inherits. */
  llm?: EndpointSettings | undefined
  extract?: EndpointSettings | undefined
  keyword?: EndpointSettings | undefined
  answer?: EndpointSettings | undefined
  /** `SUMMARY_*` */
  summarise?: EndpointSettings | undefined
  vision?: EndpointSettings | undefined
  rerank?: RerankSettings | undefined
  embedding?: EmbeddingSettings | undefined
  /** Default: `llm` where an extract model is configured, else `builtin`. */
  extraction?: 'llm' | 'builtin' | 'none' | undefined
  /** Default profile of extraction; a workspace may bring its own. */
  entityTypes?: readonly string[] | undefined
  /** Language of descriptions, in words, e.g. `Chinese`; default: the language of the text. */
  language?: string | undefined
  /** `none`: long descriptions stay as they are. Default: summarised where a language model extracts. */
  summaries?: 'auto' | 'none' | undefined
  /** `llm`: a language model decides about names that look alike; default: a person does. */
  entityResolution?: 'person' | 'llm' | undefined
  /** Extra rounds asking for what was missed; default 0. */
  gleaning?: number | undefined
}
