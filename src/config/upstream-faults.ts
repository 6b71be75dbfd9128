import { isCanonicalFor, isModulePath } from '../gomod/module.ts';
import type { PeerRow } from './peer-rows.ts';
import { nameTroubles, secretTroubles, type TakenNames, urlTroubles, wordTroubles } from './place-faults.ts';
import { type PlacedTrouble, placed, type RowTrouble, when } from './row-trouble.ts';
import { parseRate } from './units.ts';
import { DEFAULT_POOL, type UpstreamRow } from './upstream-rows.ts';

/** What the rows are checked against. */
export interface RowsAround {
  /** Whether a URL leads back to this server. */
  readonly isSelf: (url: string) => boolean;
  /** Names that other rows have. Grows. */
  readonly taken: TakenNames;
}

/** The pools of `rows`, in the order in which they are first named. */
export function poolNames(rows: readonly Pick<UpstreamRow, 'pool'>[]): readonly string[] {
  return [...new Set(rows.map(({ pool }) => pool ?? DEFAULT_POOL))];
}

/** All that is wrong with the rows of `upstreams` by themselves. */
export function upstreamTroubles(rows: readonly UpstreamRow[], around: RowsAround): readonly PlacedTrouble[] {
  return placed(rows, (row) => [
    ...nameTroubles(row.name, around.taken, 'upstreams'),
    ...(row.pool === undefined ? [] : wordTroubles(row.pool, 'pool')),
    ...when(row.canary === true && isWithoutControl(row, rows), 'canary', 'canary-alone'),
    ...urlTroubles(row.url, around.isSelf),
    ...admissionTroubles(row),
    ...tlsTroubles(row),
    ...when(row.proxy !== undefined && !isProxy(row.proxy), 'proxy', 'proxy-unfit'),
    ...when(row.rate !== undefined && parseRate(row.rate) === undefined, 'rate', 'rate-unfit'),
    ...when(row.probe !== undefined && !isModuleVersion(row.probe), 'probe', 'probe-unfit'),
  ]);
}

/** All that is wrong with the rows of `peers`. */
export function peerTroubles(rows: readonly PeerRow[], around: RowsAround): readonly PlacedTrouble[] {
  return placed(rows, ({ name, url, token }) => [
    ...nameTroubles(name, around.taken, 'peers'),
    ...urlTroubles(url, around.isSelf),
    ...secretTroubles(url, { token }),
  ]);
}

/** What is on trial is compared with those that are not. */
function isWithoutControl(row: UpstreamRow, rows: readonly UpstreamRow[]): boolean {
  const pool = row.pool ?? DEFAULT_POOL;
  return rows.every((other) => (other.pool ?? DEFAULT_POOL) !== pool || other.canary === true);
}

function admissionTroubles({ url, token, user, password }: UpstreamRow): readonly RowTrouble[] {
  return [
    ...when(token !== undefined && password !== undefined, 'password', 'two-secrets'),
    ...when(user !== undefined && password === undefined, 'user', 'password-missing'),
    ...when(password !== undefined && user === undefined, 'password', 'user-missing'),
    ...secretTroubles(url, { token, password }),
  ];
}

const TLS_MEMBERS = ['minTls', 'ca', 'cert', 'key', 'pins'] as const;

function tlsTroubles(row: UpstreamRow): readonly RowTrouble[] {
  const [first] = TLS_MEMBERS.filter((member) => row[member] !== undefined);
  if (first !== undefined && URL.parse(row.url)?.protocol === 'http:')
    return [{ member: first, reason: 'tls-over-http' }];
  return [
    ...when(row.cert !== undefined && row.key === undefined, 'cert', 'key-missing'),
    ...when(row.key !== undefined && row.cert === undefined, 'key', 'cert-missing'),
    ...pinTroubles(row.pins),
  ];
}

/** Two that are the same are one: the day its key is changed, nothing would fit. */
function pinTroubles(pins: readonly string[] | undefined): readonly RowTrouble[] {
  if (pins === undefined) return [];
  if (!pins.every(isPin)) return [{ member: 'pins', reason: 'pin-unfit' }];
  return when(new Set(pins).size < 2, 'pins', 'pins-without-backup');
}

/** `sha256/` and 32 bytes in strict base64. */
function isPin(text: string): boolean {
  const digest = /^sha256\/([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1];
  return digest !== undefined && Buffer.from(digest, 'base64').toString('base64') === digest;
}

function isProxy(text: string): boolean {
  const url = text.includes('://') && !/\s/.test(text) ? URL.parse(text) : null;
  const isBare = url !== null && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '';
  return text === 'none' || (isBare && /^(https?|socks5?):$/.test(url.protocol) && url.hostname !== '');
}

function isModuleVersion(text: string): boolean {
  const at = text.indexOf('@');
  const path = text.slice(0, Math.max(at, 0));
  return isModulePath(path) && isCanonicalFor(path, text.slice(at + 1));
}
