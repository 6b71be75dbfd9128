import { AppError } from '../std/errors.ts';
import type { KnownSecrets } from '../std/known-secrets.ts';
import { type Secret, withHiddenValues } from '../std/secret.ts';
import type { TokenForm } from './rows.ts';

/** Headers that let us in. Secret: inspection and JSON do not show their values. */
export type SecretHeaders = Readonly<Record<string, string>>;

/** `Authorization: Basic`. Whoever sends it is not told apart by its bytes: any secret that came from one line can be sent. */
export function basicHeaders(user: string, password: Secret, known: KnownSecrets): SecretHeaders {
  const encoded = Buffer.from(`${user}:${password.reveal()}`).toString('base64');
  known.add(encoded);
  return withHiddenValues({ authorization: `Basic ${encoded}` });
}

/**
 * The user name beside a token where the operator gives none. A token is always the password, never the user name, which servers and the
 * proxies before them write into their access logs; Gitea, which takes it as either, included.
 */
const USERS: Readonly<Record<Exclude<TokenForm, 'bearer'>, string>> = {
  basic: 'git',
  github: 'x-access-token',
  gitlab: 'oauth2',
  gitea: 'x-access-token',
};

/** How `token` is sent in `form`, by `username` where there is one. Throws CONFIG_INVALID for a bearer token that no header can hold. */
export function tokenHeaders(
  token: Secret,
  { form, username, known }: { readonly form: TokenForm; readonly username?: string; readonly known: KnownSecrets },
): SecretHeaders {
  if (form !== 'bearer') return basicHeaders(username ?? USERS[form], token, known);
  if (!/^[\x21-\x7e]+$/.test(token.reveal()))
    throw new AppError('CONFIG_INVALID', 'a bearer token must be printable ASCII without blanks');
  return withHiddenValues({ authorization: `Bearer ${token.reveal()}` });
}

/** The form that the host is known for, else `basic`. */
export function formOf(host: string): TokenForm {
  if (host === 'github.com') return 'github';
  if (host === 'gitlab.com') return 'gitlab';
  return host === 'gitea.com' || host === 'codeberg.org' ? 'gitea' : 'basic';
}
