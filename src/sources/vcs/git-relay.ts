import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { httpFailure } from '../../io/http-failure.ts';
import { type Ask, throwIfAborted } from '../../std/ask.ts';
import { AppError, isAppError, toAppError } from '../../std/errors.ts';
import { QUESTION } from './git-answer.ts';
import { Advertisements, HeardAdvertisement } from './advertisements.ts';
import type { GitRemote, OpenAsk } from './git-network.ts';
import { isListQuestion, listingHeaders, sendListing } from './ref-listing.ts';
import { type RelayedAnswer, RelayedRepository, type RelayedRepositoryOptions } from './relayed-repository.ts';
import { wholeOrRest } from './short-body.ts';

/** Git commands at a time, each with a connection or two. */
const MAX_CONNECTIONS = 512;
/** What git asks for is sent again when it is at most so long: nearly always. */
const KEPT_BODY_BYTES = 1024 * 1024;
const KEY_HEADER = 'larder-key';

/** One repository that is open: what git may ask, and why the last thing it asked for failed. */
interface OpenRepository {
  readonly attempt: string;
  readonly repository: RelayedRepository;
  readonly closing: AbortController;
  /** What a request says in the header of that name. */
  readonly key: Buffer;
  failure: AppError | undefined;
}

/**
 * A server on loopback that git is pointed at in place of a git host: it passes on the two questions of a fetch over smart HTTP and nothing else, so git itself never
 * resolves a name, follows a redirect or sees a credential. A repository is known to the command that it was opened for alone, by a key in its environment: the arguments of a
 * process, where its URL stands, are for every account of the machine to read.
 */
export class GitRelay {
  readonly #options: RelayedRepositoryOptions;
  readonly #advertisements: Advertisements;
  readonly #open = new Map<string, OpenRepository>();
  #server: Promise<Server> | undefined;

  /** Opens nothing yet. */
  constructor(options: RelayedRepositoryOptions, advertisements = new Advertisements()) {
    this.#options = options;
    this.#advertisements = advertisements;
  }

  /** Where git finds the repository at `url` (http or https) until the remote is closed. Rejects with INTERNAL when this machine gives no port. */
  async open(url: URL, { attempt, signal, isFresh = false }: OpenAsk): Promise<GitRemote> {
    throwIfAborted(signal);
    this.#server ??= listen((request, response) => void this.#answer(request, response));
    const server = await this.#server.catch((error: unknown) => {
      this.#server = undefined;
      throw new AppError('INTERNAL', `${attempt}: listen on loopback for git`, { cause: error });
    });
    const id = randomBytes(16).toString('hex');
    const place = new URL(url);
    place.username = place.password = place.hash = '';
    const heard = new HeardAdvertisement(place, this.#advertisements, isFresh);
    const repository = new RelayedRepository(place, attempt, this.#options, heard);
    const key = randomBytes(16).toString('hex');
    const entry: OpenRepository = {
      attempt,
      repository,
      closing: new AbortController(),
      key: Buffer.from(key),
      failure: undefined,
    };
    this.#open.set(id, entry);
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${id}`,
      environment: {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.extraHeader',
        GIT_CONFIG_VALUE_0: `${KEY_HEADER}: ${key}`,
      },
      failure: () => entry.failure,
      usedMemory: () => heard.wasKnown,
      close: (o) => {
        if (o?.wentWell === true) heard.keep();
        this.#open.delete(id);
        entry.closing.abort();
      },
    };
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    for (const { closing } of this.#open.values()) closing.abort();
    this.#open.clear();
    const server = await this.#server?.catch(() => undefined);
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const [, id = '', question] = /^\/([0-9a-f]{32})\/(.*)$/s.exec(request.url ?? '') ?? [];
    const entry = this.#open.get(id);
    const kind = entry && isKnown(request, entry) ? kindOf(request, question) : undefined;
    if (kind === undefined) return turnAway(request, response, 403, 'not relayed');
    try {
      await relay(entry as OpenRepository, kind, request, response);
    } catch (error) {
      // The first reason is the reason; what follows is its consequence.
      const failure = toAppError(error, entry?.attempt ?? '');
      if (entry !== undefined && !isAppError(failure, 'ABORTED')) entry.failure ??= failure;
      turnAway(request, response, statusFor(failure), 'not available');
    }
  }
}

/** Whether the command that the repository was opened for asks. */
function isKnown({ headers }: IncomingMessage, { key }: OpenRepository): boolean {
  const said = Buffer.from(String(headers[KEY_HEADER] ?? ''));
  return said.length === key.length && timingSafeEqual(said, key);
}

/** The two questions, exactly as git puts them; everything else is refused: the dumb protocol, pushes, alternates, LFS. */
function kindOf(request: IncomingMessage, question: string | undefined): 'advertisement' | 'result' | undefined {
  if (request.method === 'GET' && question === 'info/refs?service=git-upload-pack') return 'advertisement';
  const isAsk = request.headers['content-type'] === QUESTION;
  return request.method === 'POST' && question === 'git-upload-pack' && isAsk ? 'result' : undefined;
}

async function relay(
  { repository, closing, attempt }: OpenRepository,
  kind: 'advertisement' | 'result',
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing.signal]);
  const ask = { headers: passedOn(request) };
  if (kind === 'advertisement')
    return await send(await repository.advertisement(ask, { signal }), response, { attempt, signal, isListing: true });
  const body = await wholeOrRest(request, KEPT_BODY_BYTES);
  const isListing = isListQuestion(body);
  await send(await repository.result(ask, body, { signal }), response, { attempt, signal, isListing });
}

async function send(
  answer: RelayedAnswer,
  response: ServerResponse,
  { attempt, signal, isListing }: Ask & { readonly attempt: string; readonly isListing: boolean },
): Promise<void> {
  // A body that fails takes the response with it, and then it looks as if git had left.
  let broken: AppError | undefined;
  answer.body.once('error', (error) => (broken = httpFailure(error, attempt, { signal })));
  try {
    response.writeHead(200, isListing ? listingHeaders(answer) : { ...answer.headers });
    if (isListing) await sendListing(answer, response, { attempt, signal });
    else await pipeline(answer.body, response, { signal });
  } catch (error) {
    throw isAppError(error, 'TOO_LARGE') ? error : (broken ?? httpFailure(error, attempt, { signal }));
  }
}

/** Nothing of what git says goes out but these, in the form that git has for them. */
const PASSED_ON: readonly (readonly [name: string, form: RegExp])[] = [
  ['git-protocol', /^version=[0-9]$/],
  ['user-agent', /^git\/[\w.-]{1,40}$/],
  ['content-encoding', /^gzip$/],
];

function passedOn({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const passed: Record<string, string> = {};
  for (const [name, form] of PASSED_ON) {
    const value = headers[name];
    if (typeof value === 'string' && form.test(value)) passed[name] = value;
  }
  return passed;
}

/** Git prints the number; the reason is `failure()`. Never 401: git would look for a password. */
function statusFor(failure: AppError): number {
  if (isAppError(failure, 'NOT_FOUND')) return 404;
  return isAppError(failure, 'AUTH_REQUIRED', 'POLICY_DENIED') ? 403 : 502;
}

function turnAway(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  request.resume();
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(text);
}

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer({ headersTimeout: 10_000, maxHeaderSize: 16_384 }, answer);
  server.maxConnections = MAX_CONNECTIONS;
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  server.once('error', reject);
  // Does not keep the process: whoever runs git does.
  server.listen(0, '127.0.0.1', () => resolve(server.unref()));
  return await promise;
}
