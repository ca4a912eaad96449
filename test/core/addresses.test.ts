import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bareHost, hostAllowed, isAddress, isForbiddenAddress, isForbiddenName } from '../../src/core/addresses.ts'

const FORBIDDEN: Record<string, string[]> = {
  'this network': ['0.0.0.0', '0.0.0.1', '0.255.255.255'],
  private: [
    '10.0.0.0',
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.0',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.1.1',
    '192.168.255.255',
  ],
  'carrier-grade': ['100.64.0.0', '100.64.0.1', '100.127.255.255'],
  loopback: ['127.0.0.0', '127.0.0.1', '127.0.1.1', '127.255.255.255'],
  'cloud metadata': [
    '169.254.169.254',
    '169.254.0.23',
    '169.254.170.2',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    'fd00:ec2::254',
    'fd20:ce::254',
  ],
  'link-local': ['169.254.0.0', '169.254.255.255', 'fe80::', 'fe80::1', 'febf:ffff::1'],
  protocol: ['192.0.0.0', '192.0.0.255', '192.88.99.0', '192.88.99.255', '2001::', '2001:1ff:ffff::1', '2001:20::1', '2001:2::1'],
  documentation: ['192.0.2.1', '198.51.100.7', '203.0.113.255', '2001:db8::1', '2001:0db8:ffff::', '3fff::1', '3fff:fff::1'],
  benchmarks: ['198.18.0.0', '198.19.255.255'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff00::', 'ff02::1', 'ff0e::1'],
  'reserved and broadcast': ['240.0.0.1', '255.255.255.254', '255.255.255.255'],
  'unspecified and loopback IPv6': ['::', '::1', '0:0:0:0:0:0:0:1', '0000:0000:0000:0000:0000:0000:0000:0001'],
  'IPv4 mapped': [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:10.0.0.1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::ffff:8.8.8.8',
    '::ffff:0:127.0.0.1',
  ],
  'IPv4 compatible': ['::127.0.0.1', '::7f00:1', '::8.8.8.8'],
  NAT64: ['64:ff9b::7f00:1', '64:ff9b::169.254.169.254', '64:ff9b::8.8.8.8', '64:ff9b:1::1'],
  '6to4': ['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:808:808::'],
  Teredo: ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001::7f00:1'],
  'discard and segments': ['100::', '100::1', '5f00::1'],
  'unique local': ['fc00::', 'fc00::1', 'fdff:ffff::1', 'FD12:3456::1'],
  'site-local': ['fec0::1', 'feff::1'],
  'outside global unicast': ['1::1', '4000::1', '8000::1', '200::1'],
  'not an address': [
    '',
    'localhost',
    'example.com',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.256',
    '01.2.3.4',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '0x7f000001',
    '2130706433',
    '127.1',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4\0',
    '8.8.8.8/32',
    '１.2.3.4',
    'fe80::1%eth0',
    '2606:4700::1%1',
    '[2606:4700::1]',
    ':',
    ':::',
    '1::2::3',
    '2606:4700',
    '2606:4700:::1',
    '2606:4700::12345',
    '2606:4700::g',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '2606:4700::1.2.3',
    '2606:4700::1.2.3.4:5',
    '2606:1.2.3.4::1',
  ],
}

const PERMITTED = [
  '1.0.0.1',
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '47.110.23.1',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '168.63.129.15',
  '168.63.129.17',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.0.3.0',
  '192.88.98.255',
  '192.88.100.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '198.51.99.255',
  '198.51.101.0',
  '203.0.112.255',
  '203.0.114.0',
  '223.255.255.255',
  '2000::1',
  '2001:200::1',
  '2001:db7:ffff::1',
  '2001:db9::',
  '2003::1',
  '2400:3200::1',
  '2606:4700:4700::1111',
  '2A00:1450:4001:81b::200e',
  '3ffe:ffff::1',
  '3fff:1000::',
  '2606:4700::1.2.3.4',
]

describe('addresses a download must not connect to', () => {
  for (const [kind, addresses] of Object.entries(FORBIDDEN)) {
    test.each(addresses)(`${kind}: %j is forbidden`, (address) => {
      expect(isForbiddenAddress(address)).toBe(true)
    })
  }

  test.each(PERMITTED)('%s, public and next to what is forbidden, is permitted', (address) => {
    expect(isForbiddenAddress(address)).toBe(false)
  })

  test('an IPv4 address is never let in by being written inside an IPv6 one', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.constantFrom('::ffff:', '::', '64:ff9b::', '::ffff:0:'), (address, prefix) => {
        expect(isForbiddenAddress(prefix + address)).toBe(true)
      }),
    )
  })

  test('every way of writing an IPv6 address is judged alike', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
        expect(isForbiddenAddress(address)).toBe(isForbiddenAddress(canonical))
        expect(isForbiddenAddress(address.toUpperCase())).toBe(isForbiddenAddress(canonical))
      }),
    )
  })
})

describe('names that never belong to a public file host', () => {
  test.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    'metadata',
    'metadata.google.internal',
    'METADATA.google.internal.',
    'host.docker.internal',
    'db.internal',
    'printer.local',
    'api.default.svc.cluster.local',
    'kubernetes.default.svc',
    'minio',
    'redis.localdomain',
    'nas.lan',
    'router.home.arpa',
    'wiki.intranet',
    'something.onion',
    '',
    '.',
  ])('%j is forbidden', (name) => {
    expect(isForbiddenName(name)).toBe(true)
  })

  test.each([
    'example.com',
    'bucket.oss-cn-hangzhou.aliyuncs.com',
    'internal.example.com',
    'localhost.example.com',
    'notlocal.net',
    'xn--fiq228c.com',
    '8.8.8.8',
    '[2606:4700::1]',
  ])('%j is not', (name) => {
    expect(isForbiddenName(name)).toBe(false)
  })
})

describe('OSS_HOSTS', () => {
  const OSS = 'bucket.oss-cn-hangzhou.aliyuncs.com'
  test.each([
    [OSS, 'aliyuncs.com'],
    [OSS, 'oss-cn-hangzhou.aliyuncs.com'],
    [OSS, OSS],
    [OSS, '.aliyuncs.com'],
    [OSS, '*.aliyuncs.com'],
    [OSS, ' AliyunCS.com. '],
    [`${OSS.toUpperCase()}.`, 'aliyuncs.com'],
    [OSS, 'aliyuncs.com:443'],
    ['minio', 'minio'],
    ['minio', 'minio:9000'],
    ['localhost', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1:9000'],
    ['[::1]', '::1'],
    ['::1', '[::1]:9000'],
    ['[2001:db8:0:0::1]', '2001:DB8::1'],
  ])('%j is let in by %j', (host, entry) => {
    expect(hostAllowed(host, ['first.example', entry])).toBe(true)
  })

  test.each([
    ['evilaliyuncs.com', 'aliyuncs.com'],
    ['aliyuncs.com.evil.com', 'aliyuncs.com'],
    ['aliyuncs.com', OSS],
    ['aliyuncs', 'aliyuncs.com'],
    ['127.0.0.1', '0.0.1'],
    ['127.0.0.1', '1'],
    ['1127.0.0.1', '127.0.0.1'],
    ['127.0.0.11', '127.0.0.1'],
    ['x.127.0.0.1', '0.0.1.example'],
    ['[::ffff:127.0.0.1]', '127.0.0.1'],
    ['[fd00::1]', '::1'],
    [OSS, ''],
    [OSS, '*'],
    [OSS, '.'],
    ['', 'aliyuncs.com'],
    ['', ''],
  ])('%j is not let in by %j', (host, entry) => {
    expect(hostAllowed(host, [entry])).toBe(false)
  })

  test('an empty list lets nothing in', () => {
    expect(hostAllowed(OSS, [])).toBe(false)
  })
})

test('a host is bare in lower case, without brackets and the final dot', () => {
  expect(['EXAMPLE.com.', '[2606:4700::1]', 'a.b'].map(bareHost)).toEqual(['example.com', '2606:4700::1', 'a.b'])
})

test('an address is told from a name after the URL parser has written it', () => {
  const hosts = [
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://１２７.0.0.1/',
    'http://[::1]/',
  ].map((url) => new URL(url).hostname)
  expect(hosts.map(isAddress)).toEqual(hosts.map(() => true))
  expect(['example.com', '1.2.3', 'localhost'].map(isAddress)).toEqual([false, false, false])
})
