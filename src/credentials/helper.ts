import { Secret } from '../std/secret.ts';
import { basicHeaders } from './authorization.ts';
import { KeptAnswers } from './kept-answers.ts';
import type { Place } from './place.ts';
import { placeText } from './place.ts';
import { askProgram } from './program.ts';
import type { Way, WayParts } from './way.ts';

/** A user name and a password as git's credential protocol has them. */
export interface GitCredential {
  readonly username: string;
  readonly password: Secret;
}

/** Who is not let in with what a helper gave is not to start it again and again. */
const AGAIN_AFTER_MS = 10_000;

/** `protocol=https`, `host=h:8443` and so on, in the form of git's credential protocol. */
export function credentialLines(lines: Readonly<Record<string, string | undefined>>): string {
  const written = Object.entries(lines).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}\n`]));
  return `${written.join('')}\n`;
}

/** The answer of a helper, undefined when it has none. Lines that are not understood are passed over, as git does. */
export function parseGitCredential(output: string): GitCredential | undefined {
  const lines = new Map<string, string>();
  for (const line of output.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) lines.set(line.slice(0, at), line.slice(at + 1));
  }
  const password = lines.get('password') ?? '';
  if (password === '' || /^(?:1|true|yes|on)$/i.test(lines.get('quit') ?? '')) return undefined;
  // A Latin-1 view of the bytes was taken; names and passwords are UTF-8.
  const text = (value: string): string => Buffer.from(value, 'latin1').toString('utf8');
  return { username: text(lines.get('username') ?? ''), password: new Secret(text(password)) };
}

/** As git has paths in this protocol. Rows with control characters behind percent signs are refused, so no line is added. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

interface HelperRow {
  readonly argv: readonly string[];
  readonly username?: string | undefined;
  readonly place: Place;
}

/** A git credential helper: asked with `get` about the place of the row, told with `erase` when what it gave was answered by 401. */
export class HelperWay implements Way {
  readonly text: string;
  readonly #row: HelperRow;
  readonly #parts: WayParts;
  readonly #kept: KeptAnswers<GitCredential | undefined>;
  #last: GitCredential | undefined;
  #refusedAt = Number.NEGATIVE_INFINITY;
  /** The answer to `#last` that the helper was not told of yet. */
  #refusal: number | undefined;
  #isToAskAgain = false;

  constructor(row: HelperRow, parts: WayParts) {
    this.text = `the helper ${row.argv[0] ?? ''}`;
    this.#row = row;
    this.#parts = parts;
    this.#kept = new KeptAnswers(parts);
  }

  async given(_: URL, { signal }: { readonly signal: AbortSignal }): ReturnType<Way['given']> {
    if (this.#isToAskAgain) this.#kept.forget('get');
    this.#isToAskAgain = false;
    const credential = await this.#kept.ask('get', (o) => this.#get(o), { signal });
    if (credential === undefined) return undefined;
    return { headers: basicHeaders(credential.username, credential.password, this.#parts.known), path: '/' };
  }

  refused(_: URL, status: number | undefined): void {
    const at = this.#parts.clock.monotonic();
    if (at < this.#refusedAt + AGAIN_AFTER_MS) return;
    this.#refusedAt = at;
    this.#refusal = status;
    this.#isToAskAgain = true;
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  async #get(o: { readonly signal: AbortSignal }): Promise<GitCredential | undefined> {
    const stale = this.#last;
    const refusal = this.#refusal;
    this.#last = undefined;
    this.#refusal = undefined;
    // As git does: 403 and 404 say that this one may not, which another one may.
    if (stale !== undefined && refusal === 401) await this.#ask('erase', stale, o);
    const answer = parseGitCredential(await this.#ask('get', undefined, o));
    if (answer === undefined) return undefined;
    this.#parts.known.add(answer.password.reveal());
    this.#last = { ...answer, username: answer.username || (this.#row.username ?? '') };
    return this.#last;
  }

  #ask(action: 'get' | 'erase', credential: GitCredential | undefined, { signal }: { readonly signal: AbortSignal }) {
    const { argv, place, username } = this.#row;
    const [, host = ''] = placeText({ ...place, path: '/' }).split('://');
    const input = credentialLines({
      protocol: place.scheme,
      host,
      path: place.path === '/' ? undefined : decoded(place.path.slice(1)),
      username: credential?.username ?? username,
      password: credential?.password.reveal(),
    });
    return askProgram(this.#parts, { argv: [...argv, action], text: this.text, input, signal });
  }
}
