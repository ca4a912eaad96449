// Which network addresses and names a download may go to. Pure; the download resolves a name once, asks here, and
// connects to exactly the address that was judged.

/** 4 or 16 bytes, most significant first. */
type AddressBytes = readonly number[]

function parseIpv4(text: string): AddressBytes | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = parts.map((part) => (/^(?:0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256))
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [at, group] of groups.entries()) {
    const embedded = at === groups.length - 1 && group.includes('.') ? parseIpv4(group) : undefined
    if (embedded !== undefined) bytes.push(...embedded)
    else if (/^[0-9a-f]{1,4}$/i.test(group)) bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255)
    else return undefined
  }
  return bytes
}

function parseIpv6(text: string): AddressBytes | undefined {
  const [left, right, ...more] = text.split('::')
  if (left === undefined || more.length > 0) return undefined
  const head = parseGroups(left)
  if (right === undefined) return head?.length === 16 ? head : undefined
  const tail = parseGroups(right)
  if (head === undefined || tail === undefined || head.length + tail.length > 14 || left.includes('.')) return undefined
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail]
}

/** The bytes of a canonical dotted IPv4 or any written form of an IPv6 address (no zone, no brackets); else undefined. */
function parseAddress(text: string): AddressBytes | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

type Range = { readonly bytes: AddressBytes; readonly bits: number }

function range(cidr: string): Range {
  const [address = '', bits = ''] = cidr.split('/')
  const bytes = parseAddress(address)
  if (bytes === undefined) throw new Error(`not a network: ${cidr}`)
  return { bytes, bits: Number(bits) }
}

function inRange(address: AddressBytes, { bytes, bits }: Range): boolean {
  if (address.length !== bytes.length) return false
  return bytes.every((byte, at) => {
    const held = Math.min(8, Math.max(0, bits - at * 8))
    const mask = (0xff << (8 - held)) & 0xff
    return ((address[at] ?? 0) & mask) === (byte & mask)
  })
}

/** IANA's IPv4 special-purpose registry plus what clouds keep for their own machines. */
const FORBIDDEN_IPV4: readonly Range[] = [
  '0.0.0.0/8', // this network; on Linux 0.0.0.0 is loopback
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT; Alibaba's metadata is 100.100.100.200
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // Azure's host
  '169.254.0.0/16', // link-local; metadata of AWS, GCP, Azure, Tencent
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; Oracle's metadata is 192.0.0.192
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
].map(range)

/**
 * Everything outside 2000::/3 is refused already: unspecified, loopback, IPv4-mapped and -compatible, NAT64, discard,
 * unique local (AWS metadata is fd00:ec2::254), link-local, site-local, multicast. These are the exceptions inside it.
 */
const GLOBAL_UNICAST = range('2000::/3')
const FORBIDDEN_GLOBAL_UNICAST: readonly Range[] = [
  '2001::/23', // protocol assignments: Teredo (IPv4 inside), ORCHID, benchmarks
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: IPv4 inside
  '3fff::/20', // documentation (RFC 9637)
].map(range)

/**
 * Whether a download must not connect to this address: anything that is not a public unicast address, and anything
 * that is not an address at all. An IPv6 address that carries an IPv4 one is refused whatever it carries: no public
 * file host is reached that way, and a guard that translates can be talked round.
 * Sources: IANA special-purpose registries; the providers' documentation of their metadata services.
 */
export function isForbiddenAddress(ip: string): boolean {
  const address = parseAddress(ip)
  if (address === undefined) return true
  if (address.length === 4) return FORBIDDEN_IPV4.some((forbidden) => inRange(address, forbidden))
  return !inRange(address, GLOBAL_UNICAST) || FORBIDDEN_GLOBAL_UNICAST.some((forbidden) => inRange(address, forbidden))
}

const FORBIDDEN_SUFFIXES = ['localhost', 'localdomain', 'internal', 'intranet', 'local', 'lan', 'home.arpa', 'svc', 'onion']

/**
 * Whether a name is one that never belongs to a public file host: a name without a dot (a machine next door, `localhost`,
 * `metadata`) or one under a suffix that is local by convention (`metadata.google.internal`, `…svc.cluster.local`).
 * Belt to the address check's braces: what such a name resolves to differs from one machine to the next. An address is no name and is judged by `isForbiddenAddress`.
 */
export function isForbiddenName(host: string): boolean {
  if (isAddress(host)) return false
  const name = bareHost(host)
  if (!name.includes('.')) return true
  return FORBIDDEN_SUFFIXES.some((suffix) => name.endsWith(`.${suffix}`))
}

/** Lower case, without brackets around an IPv6 address, without the final dot. */
export function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

/** Whether a host is written as an address (as a URL parser writes it) and not as a name. */
export function isAddress(host: string): boolean {
  return parseAddress(bareHost(host)) !== undefined
}

function bareSuffix(entry: string): string {
  const trimmed = entry.trim()
  const bracketed = /^(\[.*\])(?::\d+)?$/.exec(trimmed)?.[1]
  const withoutPort = bracketed ?? (parseAddress(trimmed) === undefined ? trimmed.replace(/:\d+$/, '') : trimmed)
  return bareHost(withoutPort).replace(/^\*?\./, '')
}

/**
 * The `OSS_HOSTS` rule: an address matches only itself, however it is written; a name matches itself and, at a label
 * boundary, everything below it (`aliyuncs.com` lets `bucket.oss-cn-hangzhou.aliyuncs.com` in and `evilaliyuncs.com` not).
 * Case, a final dot, a leading `*.` or `.` and ports do not matter.
 */
export function hostAllowed(host: string, suffixes: readonly string[]): boolean {
  const name = bareHost(host)
  const address = parseAddress(name)?.join('.')
  return suffixes.some((entry) => {
    const suffix = bareSuffix(entry)
    if (suffix === '') return false
    if (address !== undefined) return parseAddress(suffix)?.join('.') === address
    return name === suffix || name.endsWith(`.${suffix}`)
  })
}
