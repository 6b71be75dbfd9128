/** Anchor files: which commit and tree each module version was made from, one line each. */
import { compareBytewise } from '../std/bytes.ts';
import { AppError } from '../std/errors.ts';
import { type Anchor, isAnchor } from './anchor.ts';
import { compareModuleVersions, isCanonicalFor, isModulePath, type ModuleVersion } from './module.ts';
import { shown } from './shown.ts';

/** A module version and where it came from. */
export interface AnchorLine {
  readonly module: ModuleVersion;
  readonly anchor: Anchor;
}

/** The first line of a file. */
const HEADER = 'larder anchors v1';
/** Stands for the tag of a version that has none: no tag that names a version is called so. */
const NO_TAG = '-';
/** More lines than any store has; a bound for memory. */
const MAX_LINES = 1_000_000;

/** The text of an anchor file: a header, then `PATH VERSION COMMIT TREE TAG URL` for each, once each, sorted as go.sum is. */
export function formatAnchors(lines: readonly AnchorLine[]): string {
  const written = new Map(lines.map((line) => [formatLine(line), line.module]));
  const sorted = [...written].toSorted(([a, x], [b, y]) => compareModuleVersions(x, y) || compareBytewise(a, b));
  return `${HEADER}\n${sorted.map(([text]) => text).join('')}`;
}

function formatLine({ module, anchor }: AnchorLine): string {
  const { commit, tree, tag = NO_TAG, url } = anchor;
  return `${module.path} ${module.version} ${commit} ${tree} ${tag} ${url}\n`;
}

/**
 * The lines of an anchor file. `name` is what messages call it. Blank lines and those that begin with `#` are passed over. Throws CONFIG_INVALID naming the line that is
 * not one or stands there twice, or a text that is no anchor file. A version may have several lines: what is stored of it may come from several commits.
 */
export function parseAnchors(text: string, name: string): readonly AnchorLine[] {
  const [header, ...rest] = text.split('\n');
  if (header !== HEADER) throw new AppError('CONFIG_INVALID', `parse ${name}: its first line is not "${HEADER}"`);
  if (rest.length > MAX_LINES) throw new AppError('CONFIG_INVALID', `parse ${name}: more than ${MAX_LINES} lines`);
  const lines = new Map<string, AnchorLine>();
  rest.forEach((line, i) => {
    if (line === '' || line.startsWith('#')) return;
    const parsed = parseLine(line);
    if (parsed === undefined || lines.has(line)) {
      const fault = parsed === undefined ? 'not PATH VERSION COMMIT TREE TAG URL' : 'stands there twice';
      throw new AppError('CONFIG_INVALID', `parse ${name}:${i + 2}: ${shown(line)}: ${fault}`);
    }
    lines.set(line, parsed);
  });
  return [...lines.values()];
}

function parseLine(line: string): AnchorLine | undefined {
  const [path = '', version = '', commit = '', tree = '', tag = '', url = '', ...more] = line.split(' ');
  const anchor = { url, commit, tree, ...(tag === NO_TAG ? {} : { tag }) };
  if (more.length > 0 || !isAnchor(anchor) || !isModulePath(path) || !isCanonicalFor(path, version)) return undefined;
  return { module: { path, version }, anchor };
}
