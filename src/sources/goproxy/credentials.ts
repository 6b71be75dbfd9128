import type { HttpCredential } from '../../io/http-client.ts';
import { AppError } from '../../std/errors.ts';
import { findInNetrc, type NetrcEntry } from './netrc.ts';

/**
 * What is sent to the upstream at `base`, if anything: the userinfo of its own URL, for the base and below; else the netrc entry of its
 * host. Only over https. Throws CONFIG_INVALID for userinfo in an http URL: it would travel in the open.
 */
export function credentialFor(base: URL, netrc: readonly NetrcEntry[]): HttpCredential | undefined {
  const hasUserinfo = base.username !== '' || base.password !== '';
  if (base.protocol !== 'https:') {
    if (!hasUserinfo) return undefined;
    throw new AppError(
      'CONFIG_INVALID',
      `use the upstream http://${base.host}: refusing to send its user name and password over plain http: write https, or take them out of the URL`,
    );
  }
  if (hasUserinfo)
    return {
      origin: base.origin,
      pathPrefix: base.pathname,
      headers: basic(decodeUserinfo(base.username), decodeUserinfo(base.password)),
    };
  const entry = findInNetrc(netrc, base.host);
  return entry && { origin: base.origin, pathPrefix: '/', headers: basic(entry.login, entry.password) };
}

function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** Never prints the text: it is part of a secret. */
function decodeUserinfo(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AppError(
      'CONFIG_INVALID',
      'use an upstream URL: its user name or password is not percent-encoded properly',
    );
  }
}

/**
 * Values kept by URL prefix (`example.com`, `h:8080`, `https://other.org/x/`), https only. A URL has the value of the longest prefix that
 * ends at an element of its path: `example.com/a` is for `/a` and `/a/b`, not for `/ab`. A later value for one prefix takes its place.
 */
export class CredentialTable<T> {
  readonly #byPrefix = new Map<string, T>();

  set(prefix: string, value: T): void {
    this.#byPrefix.set(prefix.replace(/^https:\/\//, '').replace(/\/$/, ''), value);
  }

  /** Looks up an absolute URL, as text: the path counts as it is written. */
  find(url: string): T | undefined {
    if (!url.startsWith('https://')) return undefined;
    let prefix = url
      .slice('https://'.length)
      .replace(/[?#].*$/s, '')
      .replace(/\/$/, '');
    for (;;) {
      const value = this.#byPrefix.get(prefix);
      if (value !== undefined) return value;
      const slash = prefix.lastIndexOf('/');
      if (slash < 0) return undefined;
      prefix = prefix.slice(0, slash);
    }
  }
}
