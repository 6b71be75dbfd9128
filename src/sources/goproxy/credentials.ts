import type { Credentials } from '../../credentials/credentials.ts';
import type { HttpCredential } from '../../io/http-client.ts';
import { AppError } from '../../std/errors.ts';
import { withHiddenValues } from '../../std/secret.ts';

/** What asking over HTTP needs of credentials. */
export type HttpCredentials = Omit<Credentials, 'ssh'>;

/**
 * What is sent to the upstream at `base`: the userinfo of its own URL, for the base and below; else what `credentials` have. Throws CONFIG_INVALID
 * for userinfo in an http URL: it would travel in the open.
 */
export function credentialsFor(base: URL, credentials: HttpCredentials): HttpCredentials {
  if (base.username === '' && base.password === '') return credentials;
  if (base.protocol !== 'https:')
    throw new AppError(
      'CONFIG_INVALID',
      `use the upstream http://${base.host}: refusing to send its user name and password over plain http: write https, or take them out of the URL`,
    );
  const credential = ownCredential(base);
  return {
    http: () => Promise.resolve(credential),
    refused: () => {},
    advice: () => `the user name and password in the URL of the upstream ${base.host} are not accepted`,
  };
}

function ownCredential(base: URL): HttpCredential {
  const text = `${decodeUserinfo(base.username)}:${decodeUserinfo(base.password)}`;
  const headers = withHiddenValues({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  return { origin: base.origin, pathPrefix: base.pathname, headers };
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
