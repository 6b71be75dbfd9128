/** What the history of a run must be: a write-once register for each file, a list that only grows for each module, one log. */
import type { Heard } from './recorder.ts';

/** What is known beside the history. */
export interface Known {
  /** Hex SHA-256 of a file; undefined where nobody can say: of a private one. */
  readonly shaOf: (target: string) => string | undefined;
  /** Hash of the tree of so many records, as the log has it. */
  readonly treeOf: (size: number) => string | undefined;
  /** Questions that each upstream got, by target. */
  readonly asked: ReadonlyMap<string, readonly string[]>;
  /** Names that no upstream may hear. */
  readonly privateNames: readonly string[];
  /** Faults that were made. */
  readonly faults: number;
  /** What servers did not do when they were told to: end well, serve again. */
  readonly failedRestarts: readonly string[];
}

/** One thing that must not be. */
export interface Breach {
  readonly rule:
    | 'wrong-bytes'
    | 'changed'
    | 'gone'
    | 'list-shrank'
    | 'fork'
    | 'head-went-back'
    | 'private-told'
    | 'too-many-fetches'
    | 'failed-restart';
  readonly what: string;
}

/** Everything that is wrong with the history. */
export function breachesIn(history: readonly Heard[], known: Known): readonly Breach[] {
  const inOrder = history.toSorted((a, b) => a.at - b.at);
  return [
    ...inOrder.flatMap((one) => wrongBytes(one, known)),
    ...changed(inOrder),
    ...gone(inOrder),
    ...shrunk(inOrder),
    ...forked(inOrder, known),
    ...told(known),
    ...tooMany(inOrder, known),
    ...known.failedRestarts.map((what) => ({ rule: 'failed-restart' as const, what })),
  ];
}

const FILE = /\/@v\/v[^/]+\.(info|mod|zip)$/;

function isFile({ target, status, isWhole }: Heard): boolean {
  return FILE.test(target) && status === 200 && isWhole;
}

function wrongBytes(heard: Heard, { shaOf }: Known): readonly Breach[] {
  if (!isFile(heard) || heard.target.endsWith('.info')) return [];
  const sha256 = shaOf(heard.target);
  if (sha256 === undefined || sha256 === heard.sha256) return [];
  return [{ rule: 'wrong-bytes', what: `${heard.target} at ${heard.at} ms: ${heard.sha256}, not ${sha256}` }];
}

function changed(history: readonly Heard[]): readonly Breach[] {
  const first = new Map<string, string>();
  return history.filter(isFile).flatMap(({ target, sha256, at }) => {
    const before = first.get(target) ?? sha256;
    first.set(target, before);
    return before === sha256 ? [] : [{ rule: 'changed' as const, what: `${target} at ${at} ms` }];
  });
}

/** Not here, after it was here for somebody whose answer had ended. */
function gone(history: readonly Heard[]): readonly Breach[] {
  const hereSince = new Map<string, number>();
  for (const one of history)
    if (one.status === 200 && one.isWhole && isOfModule(one)) {
      hereSince.set(one.target, Math.min(one.endedAt, hereSince.get(one.target) ?? Number.POSITIVE_INFINITY));
    }
  return history
    .filter((one) => (one.status === 404 || one.status === 410) && isOfModule(one))
    .filter((one) => one.at > (hereSince.get(one.target) ?? Number.POSITIVE_INFINITY))
    .map(({ target, status, at }) => ({ rule: 'gone' as const, what: `${target} is ${status} at ${at} ms` }));
}

function isOfModule({ target }: Heard): boolean {
  return FILE.test(target) || /\/@v\/list$|\/@latest$/.test(target);
}

/** Whichever replica tells it: they keep their lists together. */
function shrunk(history: readonly Heard[]): readonly Breach[] {
  const known = new Map<string, { readonly endedAt: number; readonly versions: readonly string[] }[]>();
  return history
    .filter(({ target, status, isWhole }) => target.endsWith('/@v/list') && status === 200 && isWhole)
    .flatMap(({ target, replica, at, endedAt, text = '' }) => {
      const before = known.get(target) ?? [];
      const versions = text.split('\n').filter((line) => line !== '');
      const earlier = before.filter((one) => one.endedAt < at).flatMap((one) => one.versions);
      known.set(target, [...before, { endedAt, versions }].slice(-20));
      const lost = [...new Set(earlier)].filter((one) => !versions.includes(one));
      return lost.length === 0
        ? []
        : [{ rule: 'list-shrank' as const, what: `${target} of ${replica} at ${at} ms lost ${lost.join(' ')}` }];
    });
}

/** Every head is one of the log, and none that a replica gives out as the latest is older than its last one. */
function forked(history: readonly Heard[], { treeOf }: Known): readonly Breach[] {
  const newest = new Map<string, { readonly size: number; readonly endedAt: number }>();
  return history
    .filter(({ target, status, isWhole }) => target.startsWith('sumdb/') && status === 200 && isWhole)
    .flatMap(({ target, text = '', replica, at, endedAt }): readonly Breach[] => {
      const [, digits = '', hash = ''] = /(?:^|\n)go\.sum database tree\n(\d+)\n(\S+)\n/.exec(text) ?? [];
      if (digits === '') return [];
      const size = Number(digits);
      if (treeOf(size) !== hash)
        return [{ rule: 'fork', what: `${target} at ${at} ms: a tree of ${size} records with hash ${hash}` }];
      const last = newest.get(replica);
      if (last === undefined || last.size <= size) newest.set(replica, { size, endedAt });
      const isBack = last !== undefined && last.endedAt < at && size < last.size;
      return isBack ? [{ rule: 'head-went-back', what: `${replica} at ${at} ms: ${size} after ${last.size}` }] : [];
    });
}

function told({ asked, privateNames }: Known): readonly Breach[] {
  return [...asked].flatMap(([upstream, targets]) =>
    targets
      .filter((target) => privateNames.some((name) => target.includes(name)))
      .map((target) => ({ rule: 'private-told' as const, what: `${upstream} heard of ${target}` })),
  );
}

/** Files are fetched once, but for what faults make necessary: hedges, retries, and fills that died with their process. */
function tooMany(history: readonly Heard[], known: Known): readonly Breach[] {
  const { fetches, files, bound } = fetchFigures(history, known);
  return fetches <= bound
    ? []
    : [{ rule: 'too-many-fetches', what: `${fetches} fetches of ${files} files; ${bound} is the bound` }];
}

/** How often upstreams were asked for zips, how many different ones clients got, and how often is still in order. */
export function fetchFigures(
  history: readonly Heard[],
  { asked, faults }: Pick<Known, 'asked' | 'faults'>,
): { readonly fetches: number; readonly files: number; readonly bound: number } {
  const isZip = (target: string): boolean => target.endsWith('.zip');
  const fetches = [...asked.values()].reduce((sum, targets) => sum + targets.filter(isZip).length, 0);
  const files = new Set(
    history
      .filter(isFile)
      .map(({ target }) => target)
      .filter(isZip),
  ).size;
  return { fetches, files, bound: Math.ceil(files * 1.5) + 12 * faults + 10 };
}
