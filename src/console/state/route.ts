// Where one is: the part of the address behind #. The server needs to know nothing of it, and back and bookmarks work.
import { createStore, useStore } from './store.ts'

export type Route = { view: string; rest: string[]; query: URLSearchParams }

const read = (): Route => {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [view = '', ...rest] = path.split('/').map(decoded)
  return { view, rest, query: new URLSearchParams(query) }
}

/** An address typed by hand may hold a lone %. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

const route = createStore<Route>(read())
addEventListener('hashchange', () => route.set(read()))

export const useRoute = (): Route => useStore(route)

export function href(path: readonly string[], query: Record<string, string | undefined> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
  const search = new URLSearchParams(given).toString()
  return `#/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}

export function go(path: readonly string[], query: Record<string, string | undefined> = {}): void {
  location.hash = href(path, query)
}
