// Fetches a file from an address that somebody else chose. The name is resolved once, every address it has is judged, and the
// connection goes to those addresses and no others; redirects start over. Nothing of ours (tokens, cookies) is ever sent.
import { createHash } from 'node:crypto'
import { lookup as systemLookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { Agent, request, type Dispatcher } from 'undici'
import { bareHost, hostAllowed, isAddress, isForbiddenAddress, isForbiddenName } from '../core/addresses.ts'
import { AppError } from '../core/errors.ts'
import type { DownloadedFile } from '../ports/java.ts'
import { discard, faultName, header, isRedirect, isTransient, readAtMost } from './http.ts'

export type ResolvedAddress = { address: string; family: number }
/** All addresses of a name; rejects when it has none. */
export type Resolver = (hostname: string) => Promise<readonly ResolvedAddress[]>

export type DownloadOptions = {
  /** `OSS_HOSTS`; when not empty nothing else is fetched, and these may have private addresses. */
  ossHosts: readonly string[]
  maxBytes: number
  /** For the whole download, redirects included. */
  timeoutMs: number
  /** Default 3. */
  maxRedirects?: number
  /** Default: the system's resolver. */
  lookup?: Resolver
}

/** Answers that a fresh signed address may cure: expired or used-up signatures come as any of these (S3 says 400 for an expired session). */
const EXPIRED = new Set([400, 401, 403, 404, 410])
const CONNECT_TIMEOUT_MS = 10_000

const systemResolver: Resolver = (hostname) => systemLookup(hostname, { all: true, verbatim: true })

/**
 * @returns the bytes as they were sent (no content decoding), their SHA-256 and the declared type.
 * @throws AppError `forbidden_url` (permanent): the address, or one it redirects to, is not one to fetch.
 * @throws AppError `payload_too_large`: more than `maxBytes`, declared or sent; reading stops there.
 * @throws AppError `download_failed`: network, timeout, or the host's answer, with `details.status`; `details.expired` is true
 *   when a fresh signed address may help, `details.permanent` when the host refused in a way that no repeat will cure.
 * Rejects with the signal's reason when `signal` is aborted.
 */
export async function downloadFile(url: string, options: DownloadOptions, signal: AbortSignal): Promise<DownloadedFile> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)])
  const maxRedirects = options.maxRedirects ?? 3
  let address = parseUrl(url)
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    const outcome = await faultsAsErrors(signal, () => fetchOnce(address, options, deadline))
    if (!(outcome instanceof URL)) return outcome
    address = outcome
  }
  throw new AppError('forbidden_url', `The file host redirects more than ${maxRedirects} times.`)
}

function parseUrl(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw new AppError('forbidden_url', 'The file address is not a URL.')
  return new URL(text, base)
}

/** Network faults as `download_failed`; what is already an AppError, and the caller's own cancellation, pass through. */
async function faultsAsErrors<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AppError) throw error
    throw new AppError('download_failed', `The file could not be downloaded (${faultName(error)}).`, { cause: error })
  }
}

/** One hop: the file, or where the host sends us next. */
async function fetchOnce(url: URL, options: DownloadOptions, deadline: AbortSignal): Promise<DownloadedFile | URL> {
  const addresses = await permittedAddresses(url, options, deadline)
  const dispatcher = new Agent({ connect: { lookup: answering(addresses), timeout: CONNECT_TIMEOUT_MS }, pipelining: 0 })
  try {
    const response = await request(url, {
      dispatcher,
      signal: deadline,
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      headers: { accept: '*/*', 'accept-encoding': 'identity' },
    })
    return await judge(response, url, options.maxBytes)
  } finally {
    await dispatcher.destroy()
  }
}

async function judge(response: Dispatcher.ResponseData, url: URL, maxBytes: number): Promise<DownloadedFile | URL> {
  const { statusCode: status, headers, body } = response
  if (isRedirect(status)) {
    discard(body)
    const location = header(headers, 'location')
    if (location === undefined) throw new AppError('download_failed', 'The file host redirects to nowhere.', { details: { status } })
    return parseUrl(location, url)
  }
  if (status !== 200) {
    discard(body)
    throw refusal(status)
  }
  const bytes = Number(header(headers, 'content-length') ?? 0) > maxBytes ? undefined : await readAtMost(body, maxBytes)
  if (bytes === undefined) {
    discard(body)
    throw new AppError('payload_too_large', `The file is larger than ${maxBytes} bytes.`)
  }
  const mediaType = header(headers, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { bytes, sha256, ...(mediaType === undefined || mediaType === '' ? {} : { mediaType }) }
}

function refusal(status: number): AppError {
  const expired = EXPIRED.has(status)
  const permanent = !expired && !isTransient(status)
  return new AppError('download_failed', `The file host answered ${status}.`, { details: { status, expired, permanent } })
}

/** @returns every address of the host, all of them judged, or none for an address written out. */
async function permittedAddresses(
  url: URL,
  { ossHosts, lookup = systemResolver }: DownloadOptions,
  deadline: AbortSignal,
): Promise<readonly ResolvedAddress[]> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new AppError('forbidden_url', 'Only http and https addresses are fetched.')
  if (url.username !== '' || url.password !== '')
    throw new AppError('forbidden_url', 'A file address must not carry a user name or password.')
  const host = bareHost(url.hostname)
  const trusted = hostAllowed(host, ossHosts)
  if (!trusted && ossHosts.length > 0) throw new AppError('forbidden_url', 'The file host is not one of OSS_HOSTS.')
  if (isAddress(host)) {
    if (!trusted && isForbiddenAddress(host)) throw privateHost()
    return []
  }
  if (!trusted && isForbiddenName(host)) throw privateHost()
  const addresses = await unlessAborted(lookup(host), deadline)
  if (addresses.length === 0) throw new AppError('download_failed', 'The file host has no address.')
  if (!trusted && addresses.some(({ address }) => isForbiddenAddress(address))) throw privateHost()
  return addresses
}

const privateHost = () => new AppError('forbidden_url', 'The file host is not on the public internet.')

/** A resolver cannot be told to stop, so we stop waiting for it. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: gone, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([work, gone])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/** A lookup for the socket that knows one answer, so that a name cannot change its mind between judging and connecting. */
function answering(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, lookupOptions, done) => {
    const [first] = addresses
    if (first === undefined) done(new Error('no judged address'), '', 0)
    else if (lookupOptions.all === true) done(null, [...addresses])
    else done(null, first.address, first.family)
  }
}
