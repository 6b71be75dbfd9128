/** Keeps a vendor/ as it was: a checksum file beside it, and a copy to come back to. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shown } from '../../gomod/shown.ts';
import { diskFailure, isAbsence } from '../../io/disk-failure.ts';
import { isAppError } from '../../std/errors.ts';
import { hasLeftovers, inTurn, type Turn } from '../turn.ts';
import { vendorFault } from './consistency.ts';
import { formatVendorSum, parseVendorSum, SUM_FILE, type VendoredFile, vendorHash } from './vendor-sum.ts';
import { finishInterrupted, OFFLINE, replaceSum, replaceTree, VENDOR } from './vendor-swap.ts';
import { copyTree, differences, isFolder, type Progress, refused, stateOf, type VendorState } from './vendor-tree.ts';

export type { Progress, VendorFault, VendorState } from './vendor-tree.ts';

/** What a snapshot has. */
export interface Snapshot {
  readonly h1: string;
  readonly files: number;
}

/**
 * Copies vendor/ of `project` to vendor.offline/ and writes vendor.sum, both or neither, also when it is killed while this machine stays up; after a power cut the checksums tell. Rejects with CONFIG_INVALID and a reason when vendor/ is not what go.mod wants, has
 * links or names that cannot be listed, or differs from vendor.sum though its modules.txt is the same (`onDamage` 'take' takes it all the same); with STORE_UNAVAILABLE.
 */
export async function takeSnapshot(
  project: string,
  o: Progress & { readonly onDamage: 'refuse' | 'take' },
): Promise<Snapshot> {
  await endInterrupted(project, o);
  const fault = await vendorFault(project);
  if (fault !== undefined) throw refused('vendor-inconsistent', `take a snapshot of vendor/: ${fault}`, fault);
  if (o.onDamage === 'refuse') await refuseDamage(project, o);
  return await changing(project, 'take a snapshot of vendor/', o, async (turn) => {
    const files = await replaceTree(
      { project, to: OFFLINE, turn },
      (folder) => copyTree(join(project, VENDOR), folder, o),
      (copied) => replaceSum(project, formatVendorSum(copied), turn),
    );
    return { h1: vendorHash(files), files: files.length };
  });
}

/** What changed while the list of modules did not was not changed by go mod vendor. A snapshot of it would take the place of the last good one. */
async function refuseDamage(project: string, o: Progress): Promise<void> {
  const sum = await readSum(project);
  const state = sum && (await stateOf(join(project, VENDOR), sum, o));
  if (state?.kind !== 'damaged' || state.faults.some(({ name }) => name === shown('modules.txt'))) return;
  const why = `${state.faults[0]?.name} is not as ${SUM_FILE} says, though modules.txt is`;
  throw refused('vendor-damaged', `take a snapshot of vendor/: ${why}`, why);
}

/** Holds vendor/ of `project` against vendor.sum, after what another command was killed in was ended. Rejects with CONFIG_INVALID when vendor.sum itself is damaged, and with STORE_UNAVAILABLE. */
export async function verifyVendor(project: string, o: Progress): Promise<VendorState> {
  await endInterrupted(project, o);
  const sum = await readSum(project);
  return sum === undefined ? { kind: 'no-sum' } : await stateOf(join(project, VENDOR), sum, o);
}

/**
 * Puts the snapshot in vendor.offline/ in the place of vendor/, in one step, after every byte of the copy was found to be what vendor.sum says; a vendor/ that is that already stays, since somebody may be building from it.
 * Rejects with CONFIG_INVALID and a reason when there is no vendor.sum or no snapshot, or the snapshot is not what vendor.sum says; then vendor/ is as it was.
 */
export async function restoreVendor(project: string, o: Progress): Promise<Snapshot> {
  await requireSum(project);
  return await changing(project, `copy ${OFFLINE}/ to ${VENDOR}/`, o, async (turn) => {
    const sum = await requireSum(project);
    const state = await stateOf(join(project, VENDOR), sum, o);
    if (state.kind === 'intact') return { h1: state.h1, files: state.files };
    if (!(await isFolder(join(project, OFFLINE))))
      throw refused('vendor-no-snapshot', `restore vendor/: there is no ${OFFLINE}/`, project);
    const files = await replaceTree({ project, to: VENDOR, turn }, async (folder) => {
      const copied = await copyTree(join(project, OFFLINE), folder, o);
      requireEqual(sum, copied);
      return copied;
    });
    return { h1: vendorHash(files), files: files.length };
  });
}

function requireEqual(sum: ReadonlyMap<string, VendoredFile>, copied: readonly VendoredFile[]): void {
  const [fault] = differences(sum, copied);
  if (fault === undefined) return;
  const what = `restore vendor/: ${fault.name} in ${OFFLINE}/ is not as ${SUM_FILE} says`;
  throw refused('vendor-snapshot-damaged', what, fault.name);
}

/** Ends what a command was killed in that switched something in `project`; whether there was such a thing. What cannot be ended here is left, and found when it is looked at. Rejects with ABORTED only. */
export async function endInterrupted(project: string, o: Progress): Promise<boolean> {
  if (!(await hasLeftovers(project))) return false;
  try {
    await changing(project, 'end what was interrupted', o, async () => {});
    return true;
  } catch (error) {
    if (isAppError(error, 'ABORTED')) throw error;
    return false;
  }
}

/** On turn, with nothing left of those who were killed. */
async function changing<T>(
  project: string,
  attempted: string,
  o: Progress,
  act: (turn: Turn) => Promise<T>,
): Promise<T> {
  try {
    return await inTurn(project, o, async (turn) => {
      await finishInterrupted(project, turn, await readSum(project).catch(() => undefined), o);
      return await act(turn);
    });
  } catch (error) {
    throw diskFailure(error, attempted, project);
  }
}

async function requireSum(project: string): Promise<ReadonlyMap<string, VendoredFile>> {
  const sum = await readSum(project);
  if (sum === undefined) throw refused('vendor-no-sum', `restore vendor/: there is no ${SUM_FILE}`, project);
  return sum;
}

async function readSum(project: string): Promise<ReadonlyMap<string, VendoredFile> | undefined> {
  try {
    return parseVendorSum(await readFile(join(project, SUM_FILE)));
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw diskFailure(error, `read ${SUM_FILE}`, project);
  }
}
