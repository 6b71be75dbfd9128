import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnchorLine, parseAnchors } from '../../gomod/anchor-file.ts';
import type { GoSumLine } from '../../gomod/gosum.ts';
import { artifactTarget } from '../../gomod/protocol.ts';
import { parseRevInfo } from '../../gomod/rev-info.ts';
import { AppError, messageOf } from '../../std/errors.ts';

/** The lines of an anchor file. Rejects with CONFIG_INVALID and a reason. */
export async function readAnchors(path: string): Promise<readonly AnchorLine[]> {
  try {
    return parseAnchors(await readFile(path, 'utf8'), path);
  } catch (error) {
    const detail = { reason: 'anchors-unusable', why: messageOf(error) };
    throw new AppError('CONFIG_INVALID', `read ${path}: ${messageOf(error)}`, { cause: error, detail });
  }
}

/**
 * The first of the pinned versions whose info in the module cache names another commit than the anchors do: its tag was moved. go.sum already keeps other bytes out; this tells a place that is not what it was.
 * Infos of go commands before 1.19 name no commit, and say nothing.
 */
export async function contradictedAnchor(
  modcache: string,
  anchors: readonly AnchorLine[],
  pins: readonly GoSumLine[],
): Promise<string | undefined> {
  const pinned = new Set(pins.map(({ path, version }) => `${path}@${version}`));
  const known = Map.groupBy(anchors, ({ module }) => `${module.path}@${module.version}`);
  for (const [name, lines] of known) {
    const [first] = lines;
    if (first === undefined || !pinned.has(name)) continue;
    const commit = await commitIn(
      join(modcache, 'cache', 'download', artifactTarget({ module: first.module, kind: 'info' })),
    );
    if (commit !== undefined && !lines.some(({ anchor }) => anchor.commit === commit)) return name;
  }
  return undefined;
}

async function commitIn(file: string): Promise<string | undefined> {
  try {
    return parseRevInfo(await readFile(file)).origin?.Hash;
  } catch {
    return undefined;
  }
}
