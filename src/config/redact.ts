import type { MemberFacts, Members } from './rows.ts';

/** What may not be printed, logged or shown: passwords in URLs, keys that sign, and values that look like secrets. */

const HIDDEN = '***';

/** `text` without the userinfo and the query values of every URL in it: `https://***@proxy.corp,direct`. Text without URLs stays as it is. */
export function redactUrls(text: string): string {
  return text
    .replaceAll(/(^|[^a-z+])((?:git\+)?ssh:\/\/[\w.-]+@)|(:\/\/)[^\s/,|]*@/gi, (_, before, user, mark) =>
      user === undefined ? `${mark}${HIDDEN}@` : `${before}${user}`,
    )
    .replaceAll(/(:\/\/[^\s?#,|]*\?)([^\s#,|]*)/g, (_, head: string, query: string) => head + redactQuery(query));
}

/** `text` with nothing left of its http URLs but scheme and host, for logs: tokens stand in the paths of real mirrors. */
export function withoutPaths(text: string): string {
  return text.replaceAll(/(https?:\/\/)(?:[^\s/?#,|]*@)?([^\s/?#,|]*)[^\s,|]*/gi, '$1$2');
}

/** `text` without the passwords of its URLs and without signer keys, which are easily put where a verifier key, a name or a path belongs. */
export function redactText(text: string): string {
  return redactUrls(text).replaceAll(/(PRIVATE\+KEY\+)[^\s"]*/g, `$1${HIDDEN}`);
}

function redactQuery(query: string): string {
  return query.replaceAll(/(^|&)([^=&]*)=[^&]*/g, `$1$2=${HIDDEN}`);
}

/** Whether a key's name says that its value is a secret. */
export function isSecretName(name: string): boolean {
  return /(^|[._-])(password|passwd|secret|token|credentials?|api-?key|private-?key)s?$/i.test(name);
}

/** The value of a member of a row as it may be printed: a secret only where it says where the secret is. */
export function redactMember(value: unknown, facts: MemberFacts | undefined): unknown {
  if (facts?.takes === 'secret') return typeof value === 'string' && /^(env|file):/.test(value) ? value : HIDDEN;
  if (Array.isArray(value))
    return value.map((item, at) => (isSecretFlag(value[at - 1]) ? HIDDEN : redactMember(item, facts)));
  if (typeof value !== 'string') return value;
  return facts?.takes === 'words' ? redactText(redactWords(value)) : redactText(value);
}

/** Arguments of a program that say by their name that they are secrets. */
function redactWords(text: string): string {
  return text.replaceAll(/((?:password|passwd|secret|token|api-?key)[\w-]*=)\S+/gi, `$1${HIDDEN}`);
}

/** Whether the argument after this one is a secret: `--token`, without its value. */
function isSecretFlag(before: unknown): boolean {
  return typeof before === 'string' && /^-[\w-]*(?:password|passwd|secret|token|api-?key)[\w-]*$/i.test(before);
}

/** Rows as they may be printed. What is no row, or no member of one, shows nothing. */
export function redactRows(rows: unknown, members: Members): unknown {
  if (!Array.isArray(rows)) return [];
  return rows.map((row: unknown) =>
    Object.fromEntries(
      Object.entries(row as Readonly<Record<string, unknown>>).map(([name, value]) => [
        name,
        redactMember(value, members[name]),
      ]),
    ),
  );
}

/** The value of config key `name` as it may be printed. Lists are redacted item by item. */
export function redactValue(name: string, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (isSecretName(name)) return HIDDEN;
  if (typeof value === 'string') return redactText(value);
  return Array.isArray(value) ? value.map((item) => redactValue(name, item)) : value;
}
