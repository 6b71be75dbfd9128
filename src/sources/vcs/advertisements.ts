import { Readable } from 'node:stream';
import { recentEntries } from '../../std/recent.ts';
import { ADVERTISEMENT } from './git-answer.ts';
import { advertisementUrl } from './git-redirect.ts';
import type { GitQuestion, RelayedAnswer } from './relayed-repository.ts';
import { wholeOrRest } from './short-body.ts';

/** A server that can do other things by then costs a command that fails. */
const KEPT_MS = 300_000;
const KEPT = 1000;
/** Longest one that is kept: what servers can do fits into a few hundred bytes. */
const ADVERTISEMENT_BYTES = 8192;

/** What a server said it can do. */
interface Advertisement {
  readonly bytes: Buffer;
  /** Monotonic ms. */
  readonly heardAt: number;
}

/**
 * What git servers said they can do, for a few minutes: the answer to the first question of protocol version 2, which tells nothing of the repository. Whoever uses one
 * takes it, and gives it back when all went well: what may have been the reason of a failure is not believed again. In memory, of bounded size.
 */
export class Advertisements {
  readonly #kept = recentEntries<string, Advertisement>(KEPT);
  readonly #monotonic: () => number;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** One that was heard now. */
  heard(bytes: Buffer): Advertisement {
    return { bytes, heardAt: this.#monotonic() };
  }

  take({ href }: URL): Advertisement | undefined {
    const kept = this.#kept.get(href);
    this.#kept.delete(href);
    return kept !== undefined && this.#monotonic() - kept.heardAt <= KEPT_MS ? kept : undefined;
  }

  keep({ href }: URL, advertisement: Advertisement): void {
    this.#kept.set(href, advertisement);
  }
}

/** What one git command hears of it, and leaves for the next. */
export class HeardAdvertisement {
  readonly #url: URL;
  readonly #all: Advertisements;
  readonly #isFresh: boolean;
  #heard: Advertisement | undefined;
  #wasKnown = false;

  /** `url`: of the repository, without credentials. `isFresh`: the server itself is to be asked. */
  constructor(url: URL, all: Advertisements, isFresh: boolean) {
    this.#url = url;
    this.#all = all;
    this.#isFresh = isFresh;
  }

  /** The answer was known: the server has not been asked for it. */
  get wasKnown(): boolean {
    return this.#wasKnown;
  }

  /** The answer to the first question, where it is known. */
  known(question: GitQuestion): RelayedAnswer | undefined {
    if (this.#isFresh || !isOfTwo(question)) return undefined;
    this.#heard = this.#all.take(this.#url);
    this.#wasKnown = this.#heard !== undefined;
    return this.#heard && shortAnswer(this.#heard.bytes);
  }

  /** Listens to the answer that came `from`, unless redirects led there: they may lead elsewhere the next time. Rejects as reading it does. */
  async hear(question: GitQuestion, answer: RelayedAnswer, from: URL): Promise<RelayedAnswer> {
    const isDirect = from.href === advertisementUrl(this.#url.href).href;
    if (!isDirect || !isOfTwo(question) || answer.headers['content-encoding'] !== undefined) return answer;
    const body = await wholeOrRest(answer.body, ADVERTISEMENT_BYTES);
    if (body instanceof Readable) return { ...answer, body };
    if (isAdvertisementOfTwo(body)) this.#heard = this.#all.heard(body);
    return shortAnswer(body);
  }

  /** The command went well. */
  keep(): void {
    if (this.#heard !== undefined) this.#all.keep(this.#url, this.#heard);
  }
}

function isOfTwo({ headers }: GitQuestion): boolean {
  return headers['git-protocol'] === 'version=2';
}

function shortAnswer(body: Buffer): RelayedAnswer {
  const headers = { 'content-type': ADVERTISEMENT, 'content-length': String(body.length) };
  return { headers, body: Readable.from([body], { objectMode: false }) };
}

const SERVICE = '# service=git-upload-pack\n';
const FIRST = 'version 2\n';
const CAPABILITY = /^[a-z][\w-]*(?:=[\x20-\x7e]*)?\n?$/;
const LENGTH = /^[0-9a-f]{4}$/;

/** Whether `bytes` are what a server of protocol version 2 says it can do, the whole of it and nothing else: no ref, no error. */
export function isAdvertisementOfTwo(bytes: Buffer): boolean {
  const lines = packetsOf(bytes);
  if (lines === undefined) return false;
  const [first, ...more] = lines[0] === SERVICE && lines[1] === '' ? lines.slice(2) : lines;
  return first === FIRST && more.pop() === '' && more.every((line) => CAPABILITY.test(line));
}

/** The packets of git's framing, flushes as ''; undefined when that is not what it is. */
function packetsOf(bytes: Buffer): string[] | undefined {
  const packets: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.toString('latin1', at, at + 4);
    const size = LENGTH.test(length) ? Number.parseInt(length, 16) : 1;
    if (size !== 0 && (size <= 4 || at + size > bytes.length)) return undefined;
    packets.push(bytes.toString('latin1', at + 4, at + size));
    at += Math.max(size, 4);
  }
  return packets;
}
