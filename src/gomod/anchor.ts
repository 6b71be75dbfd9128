/** Where in a repository a module version came from: what can be compared later with what the repository says then. */
export interface Anchor {
  /** As in Origin: without userinfo, before any rewriting. Printable ASCII, at most 2 KiB. */
  readonly url: string;
  /** Full commit hash: 40 or 64 lower-case hex digits. */
  readonly commit: string;
  /** Hash of the commit's root tree, in the same form. */
  readonly tree: string;
  /** The tag that names the version, without `refs/tags/`; absent for pseudo-versions. One line, at most 1,024 characters. */
  readonly tag?: string;
}

const URL_FORM = /^[\x21-\x7e]{1,2048}$/;
const HASH_FORM = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const TAG_FORM = /^[^\p{C}\p{Z}]{1,1024}$/u;
const MEMBERS: readonly string[] = ['url', 'commit', 'tree', 'tag'];

/** Whether `value` has exactly the members and the forms of an anchor; both hashes of one kind. */
export function isAnchor(value: unknown): value is Anchor {
  if (typeof value !== 'object' || value === null) return false;
  const { url, commit, tree, tag } = value as Partial<Record<keyof Anchor, unknown>>;
  return (
    Object.keys(value).every((name) => MEMBERS.includes(name)) &&
    isText(url, URL_FORM) &&
    isText(commit, HASH_FORM) &&
    isText(tree, HASH_FORM) &&
    commit.length === tree.length &&
    (tag === undefined || isText(tag, TAG_FORM))
  );
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}
