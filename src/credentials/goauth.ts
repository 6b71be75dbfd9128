import { STATUS_CODES } from 'node:http';
import type { Ask } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import { withHiddenValues } from '../std/secret.ts';
import { basicHeaders, type SecretHeaders } from './authorization.ts';
import { type GoauthCredential, parseGoauthOutput } from './goauth-output.ts';
import { credentialLines, parseGitCredential } from './helper.ts';
import { KeptAnswers } from './kept-answers.ts';
import { hidesControl } from './place.ts';
import { PrefixTable } from './prefix-table.ts';
import { askProgram } from './program.ts';
import type { Given, Way, WayParts } from './way.ts';

/** What was learnt, and by which question: `''`, or the URL that was not let in. */
interface Learnt {
  readonly headers: SecretHeaders;
  readonly question: string;
}

/** One prefix and its headers; none takes away what was known of it. */
type Answer = readonly { readonly prefix: string; readonly headers: SecretHeaders | undefined }[];

/** A URL that was not let in, with the answer and when it came. */
interface Refusal {
  readonly status: number | undefined;
  readonly at: number;
  isToAsk: boolean;
  isToTell: boolean;
}

/** How a URL was answered: the last time that is known, and since its question was put, undefined when nobody was refused since. */
interface Answered {
  readonly last: number | undefined;
  readonly since: number | undefined;
}

/** Puts one question: `''` for all that is known beforehand, else a URL without userinfo and query that was not let in. */
type Put = (question: string, answered: Answered, o: Ask) => Promise<Answer>;

const AGAIN_AFTER_MS = 10_000;
const MOST = 256;
const MOST_LEARNT = 10_000;

/**
 * A source of the kind that GOAUTH names: asked once without a URL, and again with the URL of what was refused; https only. What it said is kept for
 * five minutes, and asked for again in the same words.
 */
class GoauthWay implements Way {
  readonly text: string;
  readonly #put: Put;
  readonly #parts: WayParts;
  readonly #kept: KeptAnswers<void>;
  readonly #table = new PrefixTable<Learnt>();
  readonly #refusals = new Map<string, Refusal>();

  constructor(text: string, put: Put, parts: WayParts) {
    this.text = text;
    this.#put = put;
    this.#parts = parts;
    this.#kept = new KeptAnswers(parts);
  }

  async given(url: URL, o: Ask): Promise<Given | undefined> {
    if (url.protocol !== 'https:') return undefined;
    await this.#learn('', o);
    const asked = plainText(url);
    const refusal = this.#refusals.get(asked);
    // Anybody can ask for names that are not let in, each of them once.
    if (refusal?.isToAsk === true && !this.#kept.isBusy) {
      refusal.isToAsk = false;
      this.#kept.forget(asked);
      await this.#learn(asked, o);
    }
    const question = this.#table.find(asked)?.value.question;
    if (question === undefined) return undefined;
    if (question !== '') await this.#learn(question, o);
    const found = this.#table.find(asked);
    return found && { headers: found.value.headers, path: `/${found.prefix.split('/').slice(1).join('/')}` };
  }

  refused(url: URL, status: number | undefined): void {
    const asked = plainText(url);
    const at = this.#parts.clock.monotonic();
    if (at < (this.#refusals.get(asked)?.at ?? Number.NEGATIVE_INFINITY) + AGAIN_AFTER_MS) return;
    this.#refusals.delete(asked);
    this.#refusals.set(asked, { status, at, isToAsk: true, isToTell: true });
    const [oldest = ''] = this.#refusals.keys();
    if (this.#refusals.size > MOST) this.#refusals.delete(oldest);
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  #learn(question: string, o: Ask): Promise<void> {
    const work = async (own: Ask): Promise<void> =>
      this.#take(question, await this.#put(question, this.#answered(question), own));
    return this.#kept.ask(question, work, o);
  }

  /** A refusal is told once: what is learnt after it may be good. */
  #answered(question: string): Answered {
    const refusal = this.#refusals.get(question);
    const since = refusal?.isToTell === true ? refusal.status : undefined;
    if (refusal !== undefined) refusal.isToTell = false;
    return { last: refusal?.status, since };
  }

  #take(question: string, answer: Answer): void {
    this.#table.deleteWhere((learnt) => learnt.question === question);
    for (const { prefix, headers } of answer) {
      if (headers === undefined) this.#table.deleteWhere((_, known) => known === prefix);
      else if (this.#table.size < MOST_LEARNT) this.#table.set(prefix, { headers, question });
    }
  }
}

/** The path counts as it is written; nothing else of it may reach the arguments of a process. */
function plainText(url: URL): string {
  return url.origin + url.pathname;
}

/** A command in the manner of GOAUTH: the URL is its last argument, and the head of the answer its input. */
export function commandWay(text: string, argv: readonly string[], parts: WayParts): Way {
  const put: Put = async (question, { last: status = 401 }, { signal }) => {
    const words = question === '' ? argv : [...argv, question];
    const input = question === '' ? '' : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\n\n`;
    const output = await askProgram(parts, { argv: words, text, input, signal });
    return parsed(output, text).map(({ prefix, headers }) => ({ prefix, headers: hidden(headers, parts) }));
  };
  return new GoauthWay(text, put, parts);
}

function parsed(output: string, text: string): readonly GoauthCredential[] {
  try {
    return parseGoauthOutput(output);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError('CONFIG_INVALID', `read the output of ${text}: ${error.message}`, { cause: error });
  }
}

function hidden(headers: GoauthCredential['headers'], { known }: WayParts): SecretHeaders | undefined {
  if (headers.size === 0) return undefined;
  for (const value of [...headers.values()].flat()) {
    known.add(value);
    const [, credentials = ''] = /^\S+ +(\S+)$/.exec(value) ?? [];
    known.add(credentials);
  }
  return withHiddenValues(Object.fromEntries([...headers].map(([name, values]) => [name, values.join(', ')])));
}

/** `git DIR` of GOAUTH: what git's own configuration in that folder has, asked about URLs that were not let in. */
export function gitWay(folder: string, parts: WayParts): Way {
  const text = `git credential in ${folder}`;
  const outputs = new Map<string, string>();
  const ask = (action: string, input: string, { signal }: Ask): Promise<string> =>
    askProgram(parts, { argv: ['git', 'credential', action], text, folder, input, signal });
  const put: Put = async (question, { since }, o) => {
    // git decodes it for its helpers, which have a line for each value.
    if (question === '' || hidesControl(question)) return [];
    const stale = outputs.get(question);
    outputs.delete(question);
    if (stale !== undefined && since === 401) await ask('reject', stale, o);
    const output = await ask('fill', credentialLines({ url: question }), o);
    const credential = parseGitCredential(output);
    const prefix = prefixIn(output, question);
    if (credential === undefined || prefix === undefined) return [];
    if (outputs.size < MOST) outputs.set(question, output);
    parts.known.add(credential.password.reveal());
    return [{ prefix, headers: basicHeaders(credential.username, credential.password, parts.known) }];
  };
  return new GoauthWay(text, put, parts);
}

/** What git says its answer is for, when that is a part of what was asked. */
function prefixIn(output: string, question: string): string | undefined {
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(output)?.[1] ?? '';
  const path = value('path');
  const prefix = `${value('protocol')}://${value('host')}${path === '' ? '' : `/${path}`}`;
  return prefix.startsWith('https://') && `${question}/`.startsWith(`${prefix}/`)
    ? prefix.slice('https://'.length)
    : undefined;
}
