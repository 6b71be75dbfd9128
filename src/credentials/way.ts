import type { Ask } from '../std/ask.ts';
import type { Clock } from '../std/clock.ts';
import type { KnownSecrets } from '../std/known-secrets.ts';
import type { Run } from '../io/subprocess.ts';
import { basicHeaders, formOf, type SecretHeaders, tokenHeaders } from './authorization.ts';
import { findInNetrc, type NetrcEntry } from './netrc.ts';
import type { SecretReference } from './reference.ts';
import type { CredentialRow } from './rows.ts';
import { Secret } from '../std/secret.ts';

/** What one way has for a URL. */
export interface Given {
  readonly headers: SecretHeaders;
  /** The path of the URL's origin that it is for, and all below it. Where it is narrower than that of the row, it counts. */
  readonly path: string;
}

/** One source of credentials: a row of the configuration, or an entry of GOAUTH. */
export interface Way {
  /** For messages: `the token of env:NAME`. */
  readonly text: string;
  /** What it has for `url` now, undefined for nothing. Rejects with CONFIG_INVALID without secrets. */
  given(url: URL, o: Ask): Promise<Given | undefined>;
  /** What it gave for `url`, if anything, did not let us in. */
  refused(url: URL, status: number | undefined): void;
  /** Reads what can be read without running anything. Rejects with CONFIG_INVALID when it cannot be used. */
  check(): Promise<void>;
}

/** What ways are made with. */
export interface WayParts {
  readonly known: KnownSecrets;
  readonly clock: Clock;
  readonly run: Run;
  /** All that helpers and commands get to see of the environment. */
  readonly childEnvironment: Readonly<Record<string, string>>;
  /** Fires when nobody asks any more. */
  readonly closing: AbortSignal;
}

/** A password or a token that is written down, here or in a variable or file. `host` tells the form of a token that names none. */
export function fixedWay(
  { username, form }: CredentialRow,
  secret: { readonly kind: 'password' | 'token'; readonly host: string; readonly reference: SecretReference },
  known: KnownSecrets,
): Way {
  const { kind, host, reference } = secret;
  const headers = async (): Promise<SecretHeaders> => {
    const value = await reference.read();
    if (kind === 'password') return basicHeaders(username ?? '', value, known);
    return tokenHeaders(value, { form: form ?? formOf(host), known, ...(username !== undefined && { username }) });
  };
  return {
    text: `the ${kind} of ${reference.place}`,
    given: async () => ({ headers: await headers(), path: '/' }),
    refused: () => {},
    check: async () => void (await headers()),
  };
}

/** The entries of netrc files. `read` looks at them each time. */
export function netrcWay(text: string, read: () => Promise<readonly NetrcEntry[]>, known: KnownSecrets): Way {
  return {
    text,
    given: async (url) => {
      const entry = findInNetrc(await read(), url.host);
      if (entry === undefined) return undefined;
      known.add(entry.password);
      return { headers: basicHeaders(entry.login, new Secret(entry.password), known), path: '/' };
    },
    refused: () => {},
    check: async () => void (await read()),
  };
}
