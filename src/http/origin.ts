// In development mode there is no credential, so a page in the same browser could act as an administrator. Requests
// that a foreign page or a rebound name could have caused are refused; programs on this machine send neither header.
import { AppError } from '../core/errors.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

const LOOPBACK_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/** @throws AppError `forbidden` */
export function refuseForeignOrigin(headers: Headers): void {
  const { host, origin } = headers
  if (typeof host === 'string' && !LOOPBACK_NAME.test(host)) {
    throw new AppError('forbidden', 'Without an auth setting this service answers only under a loopback name such as localhost.')
  }
  if (origin !== undefined && (typeof origin !== 'string' || originHost(origin) !== host)) {
    throw new AppError('forbidden', 'Without an auth setting this service does not answer pages from elsewhere.')
  }
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
