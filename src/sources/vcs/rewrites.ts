/** Where repositories are contacted: rows as git's `url.<base>.insteadOf`. What a repository is called, in answers and in the mirrors, stays. */

/** URLs that begin with `from` begin with `to` instead when they are contacted. Absolute URLs without query, fragment or password. */
export interface Rewrite {
  readonly from: string;
  readonly to: string;
}

/** Says where the repository `url` (absolute, https, http, ssh or git+ssh) is contacted: by the row with the longest fitting `from`, else there itself. `git+ssh` is ssh. */
export type RewriteUrl = (url: string) => URL;

/** The rows as one function. Throws TypeError for a row that is no URL: the configuration has checked them. */
export function rewriteBy(rows: readonly Rewrite[]): RewriteUrl {
  const longestFirst = rows
    .map(({ from, to }) => ({ from: withoutSlash(contacted(from).href), to: withoutSlash(contacted(to).href) }))
    .toSorted((a, b) => b.from.length - a.from.length);
  return (text) => {
    const url = contacted(text);
    const row = longestFirst.find(({ from }) => isAtOrBelow(url.href, from));
    return row === undefined ? url : new URL(row.to + url.href.slice(row.from.length));
  };
}

/** Up to the end of a path element: `https://git.example` has nothing to say about `https://git.example.evil.test`. */
function isAtOrBelow(href: string, from: string): boolean {
  return href === from || href.startsWith(`${from}/`);
}

/** Host names are the same in whatever case; only of https and http does URL know that. Port 22 goes without saying. */
function contacted(text: string): URL {
  const url = new URL(text.replace(/^git\+ssh:/i, 'ssh:'));
  if (url.protocol !== 'ssh:') return url;
  url.hostname = url.hostname.toLowerCase();
  if (url.port === '22') url.port = '';
  return url;
}

function withoutSlash(href: string): string {
  return href.endsWith('/') ? href.slice(0, -1) : href;
}
