import { randomBytes } from 'node:crypto';
import { AppError } from '../std/errors.ts';
import { askAdmitted } from '../credentials/credentials.ts';
import type { DrillLine } from '../drill/drill-kind.ts';
import { type FaultProxy, startFaultProxy } from '../drill/fault-proxy.ts';
import type { Origin, OriginAnswer } from '../drill/origin.ts';
import { MAX_ZIP_BYTES } from '../gomod/zip/limits.ts';
import { createEgressGuard } from '../io/egress/egress-guard.ts';
import { readEgressRules } from '../io/egress/rules.ts';
import { HttpClient, type HttpClientOptions, type HttpOk, type HttpRefusal } from '../io/http-client.ts';
import { credentialsFor } from '../sources/goproxy/credentials.ts';
import { GoproxySource } from '../sources/goproxy/goproxy.ts';
import type { SourceDependencies } from '../sources/registry.ts';
import type { Source } from '../sources/source.ts';

/** How an upstream is truly asked. */
export interface MemberAccess extends SourceDependencies {
  readonly base: URL;
}

/** Where a drill leads the questions to an upstream. */
export interface Detour {
  /** Has the name of the upstream. */
  readonly source: Source;
  readonly proxy?: FaultProxy;
  /** Ends what is under way. Never rejects. */
  close(): Promise<void>;
}

/** What a detour is opened with; `limits` as for any upstream. */
export interface DetourNeeds {
  readonly name: string;
  readonly access: MemberAccess;
  readonly limits: HttpClientOptions;
}

const ZIP_TOTAL_MS = 30 * 60_000;
/** Header with the word by which the proxy of a drill knows its own server. */
const PASSWORD = 'larder-drill';
const NO_CREDENTIALS = { http: () => Promise.resolve(undefined), refused: () => {}, advice: () => 'in a drill' };

/**
 * A line to the upstream with the faults of a drill on it. What asks is another client than the upstream's own: it reaches the proxy alone, trusts its authority beside the usual
 * ones, and is told nothing that is secret; credentials go from the proxy to the true upstream. So that nobody else on this machine gets through with them, the proxy asks for this server alone.
 */
export async function openDetour({ faults, isTls }: DrillLine, needs: DetourNeeds): Promise<Detour> {
  const word = randomBytes(16).toString('hex');
  const origin = forThoseWho(word, originOf(needs.access));
  const proxy = await startFaultProxy({ target: { kind: 'http', origin }, ...(isTls && { tls: {} }) });
  const limits = { ...needs.limits, headers: { ...needs.limits.headers, [PASSWORD]: word } };
  const client = clientTo(proxy.port, limits, proxy.authority);
  const close = async (): Promise<void> => {
    await proxy.close();
    await client.close();
  };
  try {
    await proxy.set(faults);
    return { source: sourceAt(needs.name, `${proxy.url}/`, client), proxy, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The upstream as one whose name has no address. No name server is asked. */
export function openNameless({ name, limits }: Pick<DetourNeeds, 'name' | 'limits'>): Detour {
  const rules = readEgressRules({ allow: [], ports: [], named: [{ host: 'drill.invalid', port: 80 }] });
  const lookup = (host: string): Promise<never> =>
    Promise.reject(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND', hostname: host }));
  const client = new HttpClient({ ...limits, guard: createEgressGuard({ rules, lookup }) });
  return { source: sourceAt(name, 'http://drill.invalid/', client), close: () => client.close() };
}

function clientTo(port: number, limits: HttpClientOptions, authority: string | undefined): HttpClient {
  const rules = readEgressRules({ allow: [], ports: [], named: [{ host: '127.0.0.1', port }] });
  const tls = authority === undefined ? {} : { tls: { ca: authority } };
  return new HttpClient({ ...limits, ...tls, guard: createEgressGuard({ rules }) });
}

function sourceAt(name: string, url: string, client: HttpClient): Source {
  return new GoproxySource({ name, base: new URL(url), client, credentials: NO_CREDENTIALS });
}

/** `inner` for those who say the word; others are refused, whatever they ask for. */
function forThoseWho(word: string, inner: Origin): Origin {
  return async (request, o) =>
    request.headers[PASSWORD] === word ? await inner(request, o) : plain(403, 'this is the line of a drill');
}

/** Asks the true upstream as it is always asked: with its client, its credentials, below its base. */
function originOf({ base, client, credentials }: MemberAccess): Origin {
  const admitted = credentialsFor(base, credentials);
  return async ({ path }, { signal }) => {
    const url = below(base, path);
    const ask = { signal, attempt: 'ask the upstream behind the drill', maxBytes: MAX_ZIP_BYTES };
    const answer = await askAdmitted(admitted, url, {
      signal,
      ask: (credential) => client.get(url, { ...ask, totalTimeoutMs: ZIP_TOTAL_MS, ...(credential && { credential }) }),
    });
    return answer.kind === 'ok' ? passedOn(answer) : refusal(answer);
  };
}

/** `path` is on the wire already, as the detour's source wrote it. */
function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.username = '';
  url.password = '';
  url.hash = '';
  url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`;
  return url;
}

function passedOn({ contentType, sizeBytes, framing, body }: HttpOk): OriginAnswer {
  if (framing === 'until-close')
    throw new AppError('UPSTREAM_BAD_RESPONSE', 'the answer has neither a length nor chunks: it may be cut');
  const headers = contentType === '' ? [] : [['content-type', contentType] as const];
  return { status: 200, headers, body, ...(sizeBytes !== undefined && { sizeBytes }) };
}

function refusal({ status, reason = '', retryAfterSeconds }: HttpRefusal): OriginAnswer {
  return plain(status, reason, retryAfterSeconds === undefined ? [] : [['retry-after', String(retryAfterSeconds)]]);
}

function plain(status: number, text: string, more: OriginAnswer['headers'] = []): OriginAnswer {
  const bytes = Buffer.from(`${text}\n`);
  const headers = [['content-type', 'text/plain; charset=utf-8'] as const, ...more];
  return { status, headers, sizeBytes: bytes.length, body: once(bytes) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
