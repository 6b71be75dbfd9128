import { parsePrefixPatterns } from '../gomod/goenv.ts';
import { type ChainAround, chainFaults } from './chain.ts';
import { nameTroubles } from './place-faults.ts';
import type { RouteRow } from './route-rows.ts';
import { type PlacedTrouble, placed, type RowTrouble, when } from './row-trouble.ts';
import { parseRate } from './units.ts';

/** Headers whose values are secrets, or say where a request goes. */
const UNFIT_HEADERS: readonly string[] = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/** All that is wrong with the rows of `routes`. */
export function routeTroubles(rows: readonly RouteRow[], around: ChainAround): readonly PlacedTrouble[] {
  const taken = new Map<string, string>();
  return placed(rows, (row) => [
    ...nameTroubles(row.name, taken, 'routes'),
    ...matchTroubles(row),
    ...chainTroubles(row.upstream, around),
    ...when(row.rate !== undefined && parseRate(row.rate) === undefined, 'rate', 'rate-unfit'),
    ...when(row.burst !== undefined && row.rate === undefined, 'burst', 'burst-without-rate'),
  ]);
}

function matchTroubles({ modules, header, credential }: RouteRow): readonly RowTrouble[] {
  if (modules === undefined && header === undefined && credential === undefined)
    return [{ member: 'modules', reason: 'matches-all' }];
  return [
    ...when(modules !== undefined && !areGlobs(modules), 'modules', 'globs-unfit'),
    ...(header === undefined ? [] : headerTroubles(header)),
  ];
}

function areGlobs(text: string): boolean {
  return text.split(',').every((glob) => parsePrefixPatterns(glob.trim()).length > 0);
}

function headerTroubles(text: string): readonly RowTrouble[] {
  const wanted = headerOf(text);
  if (wanted === undefined) return [{ member: 'header', reason: 'header-unfit' }];
  const isUnfit = UNFIT_HEADERS.includes(wanted.name);
  return isUnfit ? [{ member: 'header', reason: 'header-is-secret', other: wanted.name }] : [];
}

/** Name (in lower case) and value of `name: value`; undefined when it is none, or could not stand in a request. */
export function headerOf(text: string): { readonly name: string; readonly value: string } | undefined {
  const [, name = '', value = ''] =
    /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/.exec(text) ?? [];
  return name === '' ? undefined : { name: name.toLowerCase(), value };
}

function chainTroubles(chain: string, around: ChainAround): readonly RowTrouble[] {
  return chainFaults(chain, around).map((one): RowTrouble => {
    const member = 'upstream';
    if (one.kind === 'bad-upstream') return { member, reason: 'chain-unfit' };
    if (one.kind === 'self-call') return { member, reason: 'self-call' };
    return { member, reason: 'pool-unknown', other: one.pool, ...(one.nearest && { nearest: one.nearest }) };
  });
}
