import { sha256Hex } from '../gomod/sha256.ts';
import type { Held, Register } from '../coordination/register.ts';
import { escapePath, isCanonicalFor, type ModulePath, parseModulePath, type Version } from '../gomod/module.ts';
import { formatRevInfo, parseRevInfo, type RevInfo } from '../gomod/rev-info.ts';
import { sortVersions } from '../gomod/semver.ts';
import { DEFAULT_ROUTE, type RoutePlan } from '../policy/plan.ts';
import type { Ask } from '../std/ask.ts';
import { decodeUtf8, encodeUtf8 } from '../std/bytes.ts';
import { AppError, isAppError } from '../std/errors.ts';

/** A mutable answer as it outlives the process. */
export interface Remembered {
  readonly kind: 'list' | 'latest' | 'query';
  readonly module: ModulePath;
  /** Empty unless kind is `query`. */
  readonly query: string;
  /** Name of the source that gave it. */
  readonly source: string;
  /** Wall time in ms when a source last gave it; 0 = never, it was put together from what is stored. */
  readonly confirmedAt: number;
  readonly content: Content;
}

/** Versions in semver order, or the info that `latest` or a query gave. */
export type Content = { readonly versions: readonly Version[] } | { readonly info: RevInfo };

/** As many as a source may tell of: an upstream that makes up new ones each time must not fill the memory. */
const MAX_VERSIONS = 100_000;

/** A record further ahead of now than this was written under a wrong clock: it must not win over what is confirmed now. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000;

const FORMAT = 1;
const TRIES = 4;

/** Whose answers. */
type Space = Pick<RoutePlan, 'scope' | 'route'>;

/** The mutable answers in a register: one name each, a strict JSON envelope with a format number, replaced by compare-and-swap. */
export class RememberedAnswers {
  readonly #register: Register;

  constructor(register: Register) {
    this.#register = register;
  }

  /** What was written last for plans of this scope and route. Rejects with STORE_CORRUPT when it is not in the form that `write` writes, or speaks of something else. */
  async read(plan: Space, of: Pick<Remembered, 'kind' | 'module' | 'query'>, o: Ask): Promise<Remembered | undefined> {
    const held = await this.#register.read(nameOf(plan, of), o);
    return held === undefined ? undefined : decoded(held, of);
  }

  /** Writes `mine`, which was confirmed just now, together with what others wrote meanwhile (see merged), and returns the result. */
  async write(plan: Space, mine: Remembered, o: Ask): Promise<Remembered> {
    const name = nameOf(plan, mine);
    for (let tried = 1; ; tried++) {
      try {
        const held = await this.#register.read(name, o);
        const theirs = held === undefined ? undefined : soundOrNothing(held, mine);
        const whole = merged(theirs, mine, mine.confirmedAt);
        const bytes = encode(whole);
        await (held === undefined ? this.#register.create(name, bytes, o) : this.#register.replace(held, bytes, o));
        return whole;
      } catch (error) {
        if (tried === TRIES || !isAppError(error, 'CONFLICT')) throw error;
      }
    }
  }
}

/** Two memories of one question as one: a version once seen does not vanish; of two infos the one confirmed later, where one from the future of `now` (wall ms) is earlier than any. */
export function merged(theirs: Remembered | undefined, mine: Remembered, now: number): Remembered {
  if (theirs === undefined) return mine;
  const rank = ({ confirmedAt }: Remembered): number => (confirmedAt - now < MAX_CLOCK_SKEW_MS ? confirmedAt : -1);
  const [later, earlier] = rank(theirs) > rank(mine) ? [theirs, mine] : [mine, theirs];
  return { ...later, content: grown(earlier.content, later.content) };
}

/** What is known after `now` was told: the info as it is now; but a list only grows. */
export function grown(before: Content, now: Content): Content {
  if (!('versions' in now) || !('versions' in before)) return now;
  return { versions: union(now.versions, before.versions) };
}

/** All versions of both, once each, in semver order; the first list itself when the second adds nothing. Of more than MAX_VERSIONS the highest. */
export function union(versions: readonly Version[], more: readonly Version[]): readonly Version[] {
  const known = new Set(versions);
  const added = more.filter((version) => !known.has(version));
  return added.length === 0 ? versions : sortVersions([...new Set([...versions, ...added])]).slice(-MAX_VERSIONS);
}

/** A query may hold any character and be long, so its name is a hash. `@v` cannot be part of a module path. Each scope has names of its own: what was public once must not answer for what is private now; and so has each route but the default one. */
function nameOf(
  { scope, route }: Space,
  { kind, module, query }: Pick<Remembered, 'kind' | 'module' | 'query'>,
): string {
  const leaf = kind === 'query' ? `query/${sha256Hex(query)}` : kind;
  const place = `${scope === 'public' ? '' : `scopes/${scope}/`}${route === DEFAULT_ROUTE ? '' : `routes/${route}/`}`;
  return `${place}mutable/${escapePath(module)}/@v/${leaf}.json`;
}

/** The envelope's bytes; decoding them and encoding again gives the same. */
export function encode({ kind, module, query, source, confirmedAt, content }: Remembered): Uint8Array {
  const body =
    'versions' in content ? { versions: content.versions } : { info: decodeUtf8(formatRevInfo(content.info)) };
  return encodeUtf8(JSON.stringify({ format: FORMAT, kind, module, query, source, confirmedAt, ...body }));
}

function soundOrNothing(held: Held, of: Pick<Remembered, 'kind' | 'module' | 'query'>): Remembered | undefined {
  try {
    return decoded(held, of);
  } catch {
    return undefined;
  }
}

function decoded(held: Held, of: Pick<Remembered, 'kind' | 'module' | 'query'>): Remembered {
  const found = decode(held.value);
  if (found?.kind === of.kind && found.module === of.module && found.query === of.query) return found;
  throw new AppError('STORE_CORRUPT', `read the remembered ${of.kind} of ${of.module}: its envelope is damaged`);
}

/** The envelope in `bytes`, or undefined when encoding it again would not give the same bytes. */
export function decode(bytes: Uint8Array): Remembered | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    const found = fromJson(JSON.parse(text));
    return found !== undefined && Buffer.from(encode(found)).equals(bytes) ? found : undefined;
  } catch {
    return undefined;
  }
}

function fromJson(json: unknown): Remembered | undefined {
  const { kind, module, query, source, confirmedAt, versions, info } = json as Record<string, unknown>;
  if (kind !== 'list' && kind !== 'latest' && kind !== 'query') return undefined;
  if (typeof module !== 'string' || typeof query !== 'string' || typeof source !== 'string') return undefined;
  if (typeof confirmedAt !== 'number' || !Number.isSafeInteger(confirmedAt) || confirmedAt < 0) return undefined;
  const path = parseModulePath(module);
  const content = kind === 'list' ? listOf(path, versions) : infoOf(info);
  return content === undefined ? undefined : { kind, module: path, query, source, confirmedAt, content };
}

function listOf(module: ModulePath, versions: unknown): Content | undefined {
  if (!Array.isArray(versions)) return undefined;
  const isSound = (version: unknown): version is Version =>
    typeof version === 'string' && isCanonicalFor(module, version);
  return versions.every(isSound) ? { versions } : undefined;
}

function infoOf(info: unknown): Content | undefined {
  return typeof info === 'string' ? { info: parseRevInfo(encodeUtf8(info)) } : undefined;
}
