/** Ways to write an address that nobody may be sent to. */

/** One of every range of IPv4 that is not for strangers. */
const V4 = [
  '127.0.0.1',
  '127.8.8.8',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.254',
  '192.168.1.1',
  '169.254.169.254',
  '169.254.1.1',
  '100.64.0.1',
  '100.100.100.200',
  '192.0.0.192',
  '198.18.0.1',
  '168.63.129.16',
  '240.0.0.1',
  '0.0.0.0',
] as const;

const V6 = [
  '::1',
  '::',
  'fd00::1',
  'fd00:ec2::254',
  'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  'fc00::1',
  'fec0::1',
  'fe80::1',
  'ff02::1',
  '64:ff9b:1::1',
  '64:ff9b:1:ffff::a00:1',
  '100::1',
] as const;

/** What the name server of the lab says; `mixed` has a public address beside the private one. */
export const FORBIDDEN_NAMES: Readonly<Record<string, readonly string[]>> = {
  'private.test': ['10.0.0.1'],
  'loopback.test': ['127.0.0.1'],
  'metadata.test': ['169.254.169.254'],
  'six.test': ['fd00::1'],
  'mapped.test': ['::ffff:a00:1'],
  'mixed.test': ['203.0.113.10', '10.0.0.1'],
  'mixed-first.test': ['10.0.0.1', '203.0.113.10'],
  'nat64.test': ['64:ff9b::a00:1'],
  'unspecified.test': ['0.0.0.0'],
};

const NAMES = [
  'localhost',
  'LOCALHOST',
  'localhost.',
  'x.localhost',
  'PRIVATE.test',
  'private.test.',
  ...Object.keys(FORBIDDEN_NAMES),
];

type Spelling = (address: string) => string;

const numbers = (address: string): readonly number[] => address.split('.').map(Number);
const whole = (address: string): number => numbers(address).reduce((sum, byte) => sum * 256 + byte, 0);
const tail = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);
const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');
const groups = (address: string): string =>
  `${hex(tail(numbers(address).slice(0, 2)), 1)}:${hex(tail(numbers(address).slice(2)), 1)}`;
const other =
  (digits: string): Spelling =>
  (address) =>
    address.replace(/\d/g, (digit) => Array.from(digits)[Number(digit)] ?? '');

const V4_SPELLINGS: readonly Spelling[] = [
  (a) => a,
  (a) => `${a}.`,
  (a) => String(whole(a)),
  (a) => `0x${hex(whole(a), 8)}`,
  (a) => `0X${hex(whole(a), 8).toUpperCase()}`,
  (a) => `0${whole(a).toString(8)}`,
  (a) =>
    numbers(a)
      .map((byte) => `0x${hex(byte, 2)}`)
      .join('.'),
  (a) =>
    numbers(a)
      .map((byte) => `0${byte.toString(8)}`)
      .join('.'),
  (a) =>
    numbers(a)
      .map((byte) => byte.toString(8).padStart(9, '0'))
      .join('.'),
  (a) => `${numbers(a)[0]}.${tail(numbers(a).slice(1))}`,
  (a) => `${numbers(a)[0]}.${numbers(a)[1]}.${tail(numbers(a).slice(2))}`,
  (a) => `0x${hex(numbers(a)[0] ?? 0, 1)}.${tail(numbers(a).slice(1))}`,
  other('０１２３４５６７８９'),
  other('⓪①②③④⑤⑥⑦⑧⑨'),
  other('𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗'),
  (a) => a.replaceAll('.', '。'),
  (a) => a.replaceAll('.', '．'),
  (a) => a.replace(/./g, (one) => `%${hex(one.charCodeAt(0), 2)}`),
  (a) => `[::ffff:${a}]`,
  (a) => `[::ffff:${groups(a)}]`,
  (a) => `[0:0:0:0:0:FFFF:${groups(a).toUpperCase()}]`,
  (a) => `[::${a}]`,
  (a) => `[64:ff9b::${a}]`,
  (a) => `[2002:${groups(a)}::1]`,
  (a) =>
    `[2001:0:cb00:710a::${numbers(a)
      .map((byte) => hex(byte ^ 255, 2))
      .join('')
      .replace(/^(....)/, '$1:')}]`,
];

const V6_SPELLINGS: readonly Spelling[] = [
  (a) => `[${a}]`,
  (a) => `[${a.toUpperCase()}]`,
  (a) => `[${expanded(a)}]`,
  (a) => `[${expanded(a).replace(/(:0000)+:/, '::')}]`,
];

function expanded(address: string): string {
  const [left = [], right = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const all = address.includes('::')
    ? [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
    : left;
  return all.map((group) => group.padStart(4, '0')).join(':');
}

/** Hosts as they may stand in a URL, without repetitions; all of them forbidden. More than 300. */
export const FORBIDDEN_HOSTS: readonly string[] = [
  ...new Set([
    ...V4.flatMap((address) => V4_SPELLINGS.map((spell) => spell(address))),
    ...V6.flatMap((address) => V6_SPELLINGS.map((spell) => spell(address))),
    ...NAMES,
    // The public address is not where these lead.
    'public.test@10.0.0.1',
    '203.0.113.10%40x@10.0.0.1',
    'public.test:80@[::1]',
  ]),
];
