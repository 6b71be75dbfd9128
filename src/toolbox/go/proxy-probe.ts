/** Which proxies of a GOPROXY chain can be believed just now. */
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { hashGoMod } from '../../gomod/dirhash.ts';
import { matchPrefixPatterns, parseProxyList, type ProxyEntry, type ProxyUrl } from '../../gomod/goenv.ts';
import type { GoSumLine } from '../../gomod/gosum.ts';
import { isCanonicalFor, isModulePath, type ModulePath } from '../../gomod/module.ts';
import { artifactTarget, escapedTarget, toWire } from '../../gomod/protocol.ts';
import { isValid } from '../../gomod/semver.ts';
import { createDispatchers, type Dispatchers, forwardProxies } from '../../io/http-dispatcher.ts';
import { decodeUtf8 } from '../../std/bytes.ts';
import { messageOf, systemCodeOf } from '../../std/errors.ts';
import type { Environment } from './go-settings.ts';

const MAX_BODY_BYTES = 1 << 20;
const MAX_REDIRECTS = 4;
/** What stands for "alive" as well: it wants credentials that go has and we have not, or will not tell us. */
const ALIVE: ReadonlySet<number> = new Set([401, 403, 404, 407, 410, 429]);

/** What can be wrong with a proxy, beside what HTTP and the system have words for. `open-password` = it would travel in the open: go refuses that, and so do we. */
export type ProbeTrouble = 'silent' | 'wrong-content' | 'redirects' | 'no-folder' | 'open-password';

/** What became of asking one proxy. */
export interface ProbedProxy {
  readonly entry: ProxyUrl;
  /** Its host, without secrets; for a file URL `file:`. */
  readonly name: string;
  /** A ProbeTrouble, an HTTP status or the system's word for it; absent = it answers as a proxy does. */
  readonly trouble?: string;
  /** What its `Larder-Level` header says, when it is a Larder. */
  readonly larderLevel?: string;
  readonly ms: number;
}

/** A chain and the state of its proxies, in its order. */
export interface ProbedChain {
  readonly proxies: readonly ProbedProxy[];
  /** `direct` or `off` at its end. */
  readonly end?: 'direct' | 'off';
}

/** One question whose answer can be held against something. */
interface Question {
  readonly target: string;
  readonly isAnswer: (body: Uint8Array) => boolean;
}

/** Asks every proxy of `goproxy` at once for a go.mod that go.sum pins (or for a list of versions, where it pins none). Never rejects for what a proxy does; throws CONFIG_INVALID for a chain that go would refuse too. */
export async function probeChain(
  goproxy: string,
  o: {
    readonly pins: readonly GoSumLine[];
    readonly gonoproxy: string;
    readonly environment: Environment;
    /** All probes together take no longer. */
    readonly probeMs: number;
  },
): Promise<ProbedChain> {
  const entries = parseProxyList(goproxy);
  const last = entries.at(-1)?.kind;
  const question = questionOf(o.pins, o.gonoproxy);
  const proxies = forwardProxies(o.environment);
  const dispatchers = createDispatchers({
    connectTimeoutMs: o.probeMs,
    firstByteTimeoutMs: o.probeMs,
    maxConnections: 4,
    ...(proxies && { proxies }),
  });
  try {
    const probed = await Promise.all(
      entries.filter(isProxy).map((entry) => probe(entry, question, { dispatchers, probeMs: o.probeMs })),
    );
    return { proxies: probed, ...(last === 'direct' || last === 'off' ? { end: last } : {}) };
  } finally {
    await dispatchers.destroy();
  }
}

function isProxy(entry: ProxyEntry): entry is ProxyUrl {
  return entry.kind === 'proxy';
}

/** Names of private modules are told to nobody. */
function questionOf(pins: readonly GoSumLine[], gonoproxy: string): Question {
  for (const { path, version, hash } of pins) {
    const plain = version.replace(/\/go\.mod$/, '');
    if (
      plain === version ||
      !isModulePath(path) ||
      !isCanonicalFor(path, plain) ||
      matchPrefixPatterns(gonoproxy, path)
    )
      continue;
    const target = artifactTarget({ module: { path, version: plain }, kind: 'mod' });
    return { target, isAnswer: (body) => hashGoMod(body) === hash };
  }
  return { target: escapedTarget({ kind: 'list', module: 'golang.org/x/mod' as ModulePath }), isAnswer: isVersionList };
}

function isVersionList(body: Uint8Array): boolean {
  const lines = decodeUtf8(body)?.split('\n');
  return lines?.every((line) => line.trim() === '' || isValid(line.split(/\s/)[0] ?? '')) === true;
}

interface Asking {
  readonly dispatchers: Dispatchers;
  readonly probeMs: number;
}

async function probe(entry: ProxyUrl, question: Question, asking: Asking): Promise<ProbedProxy> {
  const startedAt = performance.now();
  const url = new URL(entry.url);
  const name = url.protocol === 'file:' ? 'file:' : url.host;
  const outcome = await (url.protocol === 'file:' ? askFolder(url) : askHost(url, question, asking)).catch(
    (error: unknown) => ({ trouble: troubleIn(error) }),
  );
  return { entry, name, ...outcome, ms: Math.round(performance.now() - startedAt) };
}

type Outcome = Pick<ProbedProxy, 'larderLevel'> & { readonly trouble?: ProbeTrouble | `${number}` };

async function askFolder(url: URL): Promise<Outcome> {
  return (await stat(fileURLToPath(url))).isDirectory() ? {} : { trouble: 'no-folder' };
}

async function askHost(base: URL, { target, isAnswer }: Question, { dispatchers, probeMs }: Asking): Promise<Outcome> {
  const headers = authorizationIn(base);
  if (headers === undefined) return { trouble: 'open-password' };
  const signal = AbortSignal.timeout(probeMs);
  let url = new URL(`${base.origin}${base.pathname.replace(/\/$/, '')}/${toWire(target)}`);
  for (let i = 0; i <= MAX_REDIRECTS; i++) {
    const sent = url.origin === base.origin ? headers : {};
    const answer = await dispatchers
      .for(url)
      .request({ origin: url.origin, path: url.pathname + url.search, method: 'GET', headers: sent, signal });
    const { statusCode } = answer;
    const location = String(answer.headers['location'] ?? '');
    if (statusCode >= 300 && statusCode < 400 && URL.canParse(location, url.href)) {
      answer.body.on('error', () => undefined).destroy();
      url = new URL(location, url);
      continue;
    }
    const level = answer.headers['larder-level'];
    const told = typeof level === 'string' && /^\d$/.test(level) ? { larderLevel: level } : {};
    if (statusCode !== 200) {
      answer.body.on('error', () => undefined).destroy();
      return ALIVE.has(statusCode) ? told : { trouble: `${statusCode}` };
    }
    return isAnswer(await bodyOf(answer.body)) ? told : { trouble: 'wrong-content' };
  }
  return { trouble: 'redirects' };
}

async function bodyOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > MAX_BODY_BYTES) break;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The header that the userinfo of `url` makes; undefined where it must not be sent. */
export function authorizationIn({ protocol, username, password }: URL): Readonly<Record<string, string>> | undefined {
  if (username === '' && password === '') return {};
  if (protocol !== 'https:') return undefined;
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
}

/** In a word or two, without addresses. */
function troubleIn(error: unknown): string {
  if (error instanceof Error && /abort|timeout/i.test(error.name)) return 'silent';
  return systemCodeOf(error) ?? messageOf(error).split('\n')[0] ?? '';
}

/** The chain without the proxies that are in trouble, as a GOPROXY value; undefined when none is left. After `|` the order is go's to choose, so the quicker one comes first; after `,` it is the user's. */
export function chainOfSound({ proxies, end }: ProbedChain): string | undefined {
  const sound = inHealthOrder(proxies.filter(({ trouble }) => trouble === undefined));
  if (sound.length === 0) return undefined;
  const text = sound.map(({ entry, separator }) => `${entry.url}${separator}`).join('');
  return end === undefined ? text.slice(0, -1) : text + end;
}

function inHealthOrder(
  sound: readonly ProbedProxy[],
): readonly { readonly entry: ProxyUrl; readonly separator: string }[] {
  const groups: ProbedProxy[][] = [[]];
  for (const one of sound) {
    groups.at(-1)?.push(one);
    if (one.entry.separator === ',') groups.push([]);
  }
  return groups.flatMap((group) => {
    const ordered = group.toSorted((a, b) => a.ms - b.ms);
    // Places keep their separators; who stands in them changes.
    return ordered.map(({ entry }, i) => ({ entry, separator: group[i]?.entry.separator ?? ',' }));
  });
}
