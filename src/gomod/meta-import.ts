/** The go-import tags of a page, and which of them speaks for a path (spec: "go-import meta parsing"). All of it is attacker-controlled. */
import { fieldsOf } from './go-text.ts';
import { hasPathPrefix } from './path-prefix.ts';
import { XmlFault } from './xml-cursor.ts';
import { XmlTags } from './xml-tags.ts';

/** What one tag claims: modules at and below `prefix` are kept at `repository`. Nothing of it was checked. */
export interface MetaImport {
  readonly prefix: string;
  /** `git`, `hg`, ..., or `mod`: the GOPROXY protocol. */
  readonly vcs: string;
  readonly repository: string;
  /** Where in the repository `prefix` lies; empty for its top. */
  readonly subdirectory: string;
}

export interface MetaPage {
  /** In the order of the page; with `mod` preferred, those come first. */
  readonly imports: readonly MetaImport[];
  /** What ended the reading: the end of the head (or the body's beginning), the end of the page, its end in the middle of something, or something that cannot be read. */
  readonly ended: 'head' | 'page' | 'cut' | 'fault';
  /** What could not be read; printable. */
  readonly fault?: string;
}

/**
 * The tags in the head of `page`, which is any bytes. A fault behind the first tag is no matter. `mod: 'prefer'`, as for modules: `mod` tags come
 * first, and a tag of another kind with the same prefix counts no more; `'ignore'`: as if there were none.
 */
export function parseMetaImports(page: Uint8Array, mod: 'prefer' | 'ignore' = 'prefer'): MetaPage {
  const found: MetaImport[] = [];
  const { ended, fault } = readHead(new XmlTags(page, WANTED), found);
  const imports = ordered(found, mod);
  return { imports, ended, ...(fault !== undefined && { fault }) };
}

const WANTED = { tag: 'meta', names: ['name', 'content'] };

function readHead(tags: XmlTags, found: MetaImport[]): Omit<MetaPage, 'imports'> {
  try {
    for (let kind = tags.next(); kind !== undefined; kind = tags.next()) {
      if (kind === 'end' ? tags.is('head') : tags.is('body')) return { ended: 'head' };
      if (kind === 'start' && tags.is('meta') && tags.attribute('name') === 'go-import')
        found.push(...importOf(tags.attribute('content')));
    }
    return { ended: 'page' };
  } catch (error) {
    if (error instanceof XmlFault) return { ended: error.isAtEnd ? 'cut' : 'fault', fault: error.message };
    throw error;
  }
}

/** Three or four fields, else the tag is none. */
function importOf(content: string): readonly MetaImport[] {
  const [prefix, vcs, repository, subdirectory = '', ...more] = fieldsOf(content);
  if (prefix === undefined || vcs === undefined || repository === undefined || more.length > 0) return [];
  return [{ prefix, vcs, repository, subdirectory }];
}

function ordered(found: readonly MetaImport[], mod: 'prefer' | 'ignore'): readonly MetaImport[] {
  const first = mod === 'prefer' ? found.filter(({ vcs }) => vcs === 'mod') : [];
  const taken = new Set(first.map(({ prefix }) => prefix));
  return [...first, ...found.filter(({ vcs, prefix }) => vcs !== 'mod' && !taken.has(prefix))];
}

/** The one tag that speaks for a path, or why there is none. */
export type MetaMatch = MetaImport | 'none' | 'several';

/** Which of `imports` (`mod` ones first) has a prefix of `path`. Two are too many, even when they agree, but what comes after a fitting `mod` tag and is of another kind does not count. */
export function matchMetaImport(imports: readonly MetaImport[], path: string): MetaMatch {
  let match: MetaImport | undefined;
  for (const one of imports) {
    if (!hasPathPrefix(path, one.prefix)) continue;
    if (match !== undefined) return match.vcs === 'mod' && one.vcs !== 'mod' ? match : 'several';
    match = one;
  }
  return match ?? 'none';
}

/** Whether two tags claim the same. */
export function isSameImport(a: MetaImport, b: MetaImport): boolean {
  return a.prefix === b.prefix && a.vcs === b.vcs && a.repository === b.repository && a.subdirectory === b.subdirectory;
}

/** Why `subdirectory` of a tag cannot be used, or undefined when it can, as the go command has it: it says nothing about `..`. */
export function subdirectoryFault(subdirectory: string): string | undefined {
  if (subdirectory.startsWith('/')) return 'leading slash';
  return subdirectory.startsWith('-') ? 'leading hyphen' : undefined;
}
