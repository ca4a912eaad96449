// The identity provider's public keys (JWKS), kept through rotation and outage.
import { createLocalJWKSet, errors, type CryptoKey, type JSONWebKeySet, type JWTHeaderParameters } from 'jose'
import { AppError } from '../../core/errors.ts'
import { fetchText, whileWanted } from './fetch-json.ts'

/** Keys are looked up anew after this; a key taken back is trusted no longer than this while the provider answers. */
const FRESH_MS = 10 * 60_000
/** How long keys are trusted while the provider does not answer. */
const OUTAGE_MS = 24 * 3_600_000
/** Least time between two look-ups caused by unknown key ids, and between two tries during an outage. */
const COOLDOWN_MS = 30_000
/** Least time between two tries while there is no key at all; shorter, because nobody can sign in meanwhile. */
const FIRST_COOLDOWN_MS = 2_000
const TIMEOUT_MS = 5_000
const MAX_BYTES = 256 * 1024

type Held = { resolve: ReturnType<typeof createLocalJWKSet>; fetchedAt: number }

export type KeySet = {
  /**
   * The keys that may have signed a token with this header, by algorithm and `kid`; usually one. `jku`, `jwk`, `x5u` and `x5c`
   * in the header are never looked at.
   *
   * @throws AppError `java_unavailable` when no key has been obtained within 24 hours.
   */
  candidates(header: JWTHeaderParameters, signal: AbortSignal): Promise<CryptoKey[]>
}

export function createKeySet(url: string, now: () => number): KeySet {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new AppError('invalid_request', 'JWT_JWKS_URL must be an http or https address.')
  let held: Held | undefined
  let triedAt = -Infinity
  let forcedAt = -Infinity
  let loading: Promise<void> | undefined

  /** Fetches the keys, shared by all who ask meanwhile. A failure leaves the held keys as they are. */
  function load(): Promise<void> {
    triedAt = now()
    loading ??= fetchKeys(url)
      .then((resolve) => {
        held = { resolve, fetchedAt: now() }
      })
      .catch(() => {
        // The keys at hand stay; whether they may still be used is decided by their age, not by the reason of this failure.
      })
      .finally(() => {
        loading = undefined
      })
    return loading
  }

  async function current(signal: AbortSignal): Promise<Held> {
    const age = now() - (held?.fetchedAt ?? -Infinity)
    const cooldown = age < OUTAGE_MS ? COOLDOWN_MS : FIRST_COOLDOWN_MS
    if (age >= FRESH_MS && (loading !== undefined || now() - triedAt >= cooldown)) await whileWanted(load(), signal)
    if (held === undefined || now() - held.fetchedAt >= OUTAGE_MS) {
      throw new AppError('java_unavailable', 'The keys that sign tokens cannot be obtained right now; try again.', { retryAfterSeconds: 5 })
    }
    return held
  }

  return {
    async candidates(header, signal) {
      const keys = await matching((await current(signal)).resolve, header)
      if (keys.length > 0) return keys
      // A look-up already under way may bring the key, so all who need it wait for it.
      if (loading === undefined) {
        if (now() - forcedAt < COOLDOWN_MS) return keys
        forcedAt = now()
      }
      await whileWanted(load(), signal)
      return matching((await current(signal)).resolve, header)
    },
  }
}

async function fetchKeys(url: string): Promise<Held['resolve']> {
  const { status, text } = await fetchText(url, { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS })
  if (status !== 200) throw new Error(`key set answered ${status}`)
  return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet) // checks the shape itself
}

async function matching(resolve: Held['resolve'], header: JWTHeaderParameters): Promise<CryptoKey[]> {
  try {
    return [await resolve(header)]
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      const keys: CryptoKey[] = []
      for await (const key of error) keys.push(key)
      return keys
    }
    // No key of that id and algorithm, or one that cannot be used to verify: nothing to try.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return []
    throw error
  }
}
