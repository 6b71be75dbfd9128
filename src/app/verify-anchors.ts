import { readFile } from 'node:fs/promises';
import { type AnchorFinding, type AnchorState, findDrift, type LookAt } from '../anchors/drift.ts';
import type { Config } from '../config/schema.ts';
import type { Anchor } from '../gomod/anchor.ts';
import { type AnchorLine, formatAnchors, parseAnchors } from '../gomod/anchor-file.ts';
import type { ModuleVersion } from '../gomod/module.ts';
import type { Ask } from '../std/ask.ts';
import { AppError, messageOf } from '../std/errors.ts';
import { linesIn, lookingAt } from './anchors.ts';
import type { Around } from './around.ts';
import { onQuietEngine } from './engine.ts';
import { openShelves } from './keep.ts';
import { blame } from './start-failure.ts';
import { everySoOften, requireData } from './stored-data.ts';

/** How an anchor of a report stands: as drift.ts has it, or `contradicts`: a file says something else than the store. */
export type AnchorCount = AnchorState | 'contradicts';

/** One version that is not as it was. */
export interface ReportedAnchor {
  /** `PATH@VERSION`. */
  readonly module: string;
  readonly state: AnchorCount;
  readonly anchor: Anchor;
  /** `moved`: the commit now; `differs`: the tree; `contradicts`: the commit in the store; `unknown`: why. */
  readonly now?: string;
}

/** What a comparison found. */
export interface AnchorReport {
  readonly checked: number;
  readonly counts: Readonly<Record<AnchorCount, number>>;
  /** All that are not `held`. */
  readonly findings: readonly ReportedAnchor[];
}

interface Looking extends Ask {
  /** Hears how many records or versions have been looked at, a few times a second. */
  readonly onProgress: (checked: number) => void;
}

/**
 * The anchors of everything that is stored, and the text of their file. A server may run on the same folder. Rejects with CONFIG_INVALID when there is no data folder, with
 * STORE_UNAVAILABLE or ABORTED.
 */
export async function exportAnchors(
  config: Config,
  o: Looking,
): Promise<{ readonly text: string; readonly lines: readonly AnchorLine[] }> {
  await requireData(config);
  const shelves = await openShelves(config);
  try {
    const lines = await linesIn(shelves.store, counting(o));
    return { text: formatAnchors(lines), lines };
  } finally {
    await shelves.close();
  }
}

/**
 * Compares what is stored, or the lines of an anchor file, with what the repositories say now; a file also with the store. Changes nothing that is stored. Rejects as
 * exportAnchors does, and with CONFIG_INVALID when the file cannot be used; repositories that cannot be asked are in the report.
 */
export async function verifyAnchors(
  config: Config,
  around: Around,
  { file, signal, onProgress }: Looking & { readonly file?: string },
): Promise<AnchorReport> {
  await requireData(config);
  const given = file === undefined ? undefined : await readAnchorFile(file);
  return await onQuietEngine(config, { around, name: 'anchors' }, async (engine) => {
    const stored = await linesIn(engine.keep.store, { signal });
    const look = { lookAt: lookingAt(engine.repositories), signal, onProgress: everySoOften(onProgress) };
    return given === undefined ? await reportOn(stored, 'refs', look) : await compared(given, stored, look);
  });
}

/** How many records were read, told a few times a second. */
function counting({ signal, onProgress }: Looking): Ask & { readonly onRecord: () => void } {
  const tell = everySoOften(onProgress);
  let read = 0;
  return { signal, onRecord: () => tell(++read) };
}

async function readAnchorFile(file: string): Promise<readonly AnchorLine[]> {
  return await blame({ reason: 'anchors-unusable' }, async () => {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new AppError('CONFIG_INVALID', `read ${file}: ${messageOf(error)}`, { cause: error });
    });
    return parseAnchors(text, file);
  });
}

interface Look extends Looking {
  readonly lookAt: LookAt;
}

/** A line that the store contradicts is not asked about: one of the two is wrong whatever the repository says. */
async function compared(
  given: readonly AnchorLine[],
  stored: readonly AnchorLine[],
  look: Look,
): Promise<AnchorReport> {
  const known = Map.groupBy(stored, ({ module }) => nameOf(module));
  const contradicting = given.flatMap((line) => {
    const other = known.get(nameOf(line.module))?.find(({ anchor }) => !isSame(anchor, line.anchor));
    return other === undefined ? [] : [{ line, now: other.anchor.commit }];
  });
  const wrong = new Set(contradicting.map(({ line }) => line));
  const report = await reportOn(
    given.filter((line) => !wrong.has(line)),
    'trees',
    look,
  );
  const findings = contradicting.map(
    ({ line: { module, anchor }, now }): ReportedAnchor => ({
      module: nameOf(module),
      state: 'contradicts',
      anchor,
      now,
    }),
  );
  return {
    checked: report.checked + findings.length,
    counts: { ...report.counts, contradicts: findings.length },
    findings: [...findings, ...report.findings],
  };
}

function isSame(one: Anchor, other: Anchor): boolean {
  return one.commit === other.commit && one.tree === other.tree;
}

async function reportOn(lines: readonly AnchorLine[], reads: 'refs' | 'trees', look: Look): Promise<AnchorReport> {
  const counts = { held: 0, moved: 0, deleted: 0, lost: 0, differs: 0, contradicts: 0, unknown: 0 };
  const findings: ReportedAnchor[] = [];
  let checked = 0;
  for await (const finding of findDrift(lines, { ...look, reads })) {
    counts[finding.state]++;
    look.onProgress(++checked);
    if (finding.state !== 'held') findings.push(reported(finding));
  }
  return { checked, counts, findings };
}

function reported({ module, anchor, state, now, why }: AnchorFinding): ReportedAnchor {
  const said = now ?? why?.message;
  return { module: nameOf(module), state, anchor, ...(said !== undefined && { now: said }) };
}

function nameOf({ path, version }: ModuleVersion): string {
  return `${path}@${version}`;
}
