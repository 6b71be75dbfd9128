import { AppError, messageOf, systemCodeOf } from '../std/errors.ts';

/** What the operator does about a system error on the data volume. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'the volume of the data folder is full: free space or inodes, or enlarge it',
  EDQUOT: 'the disk quota is used up: raise it or free space',
  EROFS: 'the volume of the data folder is mounted read-only: mount it writable',
  EACCES: 'permission denied: give the folder to the user that runs larder',
  EPERM: 'not permitted: give the folder to the user that runs larder',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
  ENFILE: 'too many open files on this machine: raise fs.file-max',
  EIO: 'the disk reports an I/O error: check it, then run larder fsck',
  EXDEV: 'the folder spans two file systems: all of it must be on one, or links cannot be made',
  ENOENT: 'the folder is gone: was the volume unmounted?',
  ESTALE: 'the network file system lost the file: check the mount',
};

/**
 * A failed disk operation as STORE_UNAVAILABLE, with what to do about it; AppErrors pass as they are. `attempted` says what was tried on what,
 * in names of the store: the message reaches clients, and is free of paths unless `attempted` has one. The system's code is in
 * `detail.system`, `path` in `detail.path`.
 */
export function diskFailure(error: unknown, attempted: string, path?: string): AppError {
  if (error instanceof AppError) return error;
  const system = systemCodeOf(error);
  const what = system === undefined ? messageOf(error) : `${system}: ${ADVICE[system] ?? wordsOf(system, error)}`;
  const detail = { system, ...(path === undefined ? {} : { path }) };
  return new AppError('STORE_UNAVAILABLE', `${attempted}: ${what}`, { cause: error, detail });
}

/** Node's own words without the code before them, and without the system call and its path behind them. */
function wordsOf(system: string, error: unknown): string {
  return messageOf(error)
    .replace(`${system}: `, '')
    .replace(/, [a-z_]+( '.*)?$/su, '');
}

/** Whether `failure` says that nothing more can be written here, while reading may well go on. */
export function isWithoutRoom(failure: AppError): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS'].includes(String(failure.detail['system']));
}

/** Whether `error` says that there is nothing under a name (also: that a folder of the name is a file). */
export function isAbsence(error: unknown): boolean {
  const system = systemCodeOf(error);
  return system === 'ENOENT' || system === 'ENOTDIR' || system === 'ENAMETOOLONG';
}
