import type { HttpCredential } from '../io/http-client.ts';
import { KnownSecrets } from '../std/known-secrets.ts';

/** `text` of a place that was sent `credential`, without what it may repeat of it. */
export function withoutCredential(text: string, credential: HttpCredential | undefined): string {
  const known = new KnownSecrets();
  for (const value of Object.values(credential?.headers ?? {})) {
    known.add(value);
    const [, scheme = '', sent = ''] = /^(\S+) +(\S+)$/.exec(value) ?? [];
    known.add(sent);
    if (scheme.toLowerCase() === 'basic') known.add(passwordIn(sent));
  }
  return known.redact(text);
}

function passwordIn(encoded: string): string {
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
