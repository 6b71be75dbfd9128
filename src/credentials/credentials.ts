import type { HttpCredential } from '../io/http-client.ts';
import type { Ask } from '../std/ask.ts';

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
  /** The headers for `url` (https; http only where the operator named it), undefined for none. Rejects with CONFIG_INVALID naming the place, never the secret, when a file, helper or command fails. */
  http(url: URL, o: Ask): Promise<HttpCredential | undefined>;
  /** The same with everything that the place itself refused a moment ago left out. Call it when an answer was 401 or 403 (404 of those who hide): helpers and commands are asked again. */
  refused(url: URL): void;
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
