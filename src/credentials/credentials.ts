import type { HttpCredential, HttpRefusal } from '../io/http-client.ts';
import type { Ask } from '../std/ask.ts';
import { withoutCredential } from './echo.ts';

/** How to be known to an ssh server. Paths are absolute; the key never enters this process. */
export interface SshIdentity {
  /** The user where the URL names none. */
  readonly user?: string;
  readonly keyFile?: string;
  /** Hosts whose keys are known. Without it no host is believed. */
  readonly knownHostsFile?: string;
}

/**
 * What this server may say to be let in, by exact origin (scheme, host, port) and path prefix; the longest prefix wins. Read again when its
 * files change.
 */
export interface Credentials {
  /**
   * The headers for `url` (https; http only where the operator named it), undefined for none. Userinfo, query and fragment of `url` do not count.
   * Rejects with CONFIG_INVALID naming the place, never the secret, when a file, helper or command of that place fails, and with ABORTED.
   */
  http(url: URL, o: Ask): Promise<HttpCredential | undefined>;
  /**
   * Says that `url` was not let in: 401 or 403, or 404 of those who hide, whether or not http() had something. Helpers and commands are then
   * asked again, with `status` where they want to know; what was written down stays as it is. So ask http() once more, and go there once
   * more only when it gives something else.
   */
  refused(url: URL, status?: number): void;
  /** For `ssh://` URLs. */
  ssh(url: URL): SshIdentity;
  /** For messages: what to set so that `url` lets us in. One line, names keys and files, no secret. */
  advice(url: URL): string;
}

/** Nobody lets us in anywhere. */
export const NO_CREDENTIALS: Credentials = {
  http: () => Promise.resolve(undefined),
  refused: () => {},
  ssh: () => ({}),
  advice: () => 'no credentials are configured',
};

/**
 * What `ask` gets at `url` with what `credentials` have for it; when that is 401 or 403, once more with what they have then, if it is something
 * else. The reason of a refusal repeats nothing of what was sent. Rejects as http() and `ask` do.
 */
export async function askAdmitted<T extends { readonly kind: 'ok' } | HttpRefusal>(
  credentials: Pick<Credentials, 'http' | 'refused'>,
  url: URL,
  { signal, ask }: Ask & { readonly ask: (credential: HttpCredential | undefined) => Promise<T> },
): Promise<T> {
  const first = await credentials.http(url, { signal });
  const answer = withoutEcho(await ask(first), first);
  if (answer.kind === 'ok' || (answer.status !== 401 && answer.status !== 403)) return answer;
  credentials.refused(url, answer.status);
  const second = await credentials.http(url, { signal });
  return second === undefined || isSameCredential(first, second) ? answer : withoutEcho(await ask(second), second);
}

function withoutEcho<T extends { readonly kind: 'ok' } | HttpRefusal>(answer: T, sent: HttpCredential | undefined): T {
  if (answer.kind === 'ok' || answer.reason === undefined) return answer;
  return { ...answer, reason: withoutCredential(answer.reason, sent) };
}

/** Whether both send the same. Their values are compared as they are: JSON and inspection show nothing of them. */
export function isSameCredential(a: HttpCredential | undefined, b: HttpCredential | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const names = Object.keys(b.headers);
  return names.length === Object.keys(a.headers).length && names.every((name) => a.headers[name] === b.headers[name]);
}
