import type { Repository } from '../../gomod/coderepo/repository.ts';
import type { Ask } from '../../std/ask.ts';

/** What a tree names: a file, a folder, or a submodule's commit. */
export type TreeFileType = 'blob' | 'tree' | 'commit';

/** One entry of a commit's tree. Attacker-controlled. */
export interface TreeFile {
  /** Path from the top of the repository, as the bytes that git has: any but NUL, no UTF-8 is promised. */
  readonly name: Uint8Array;
  /** Octal, as git writes it: 100644, 100755, 120000 (symbolic link), 160000 (submodule), 040000 (folder). */
  readonly mode: string;
  readonly type: TreeFileType;
}

/**
 * A repository at one moment, with what a module zip is made from. Commits given to `files` and `archive` are ones that `commit` returned: reachability is
 * not looked at again.
 */
export interface GitSnapshot extends Repository {
  /** Everything below `directory` of a commit in git's tree order, folders before what is in them and not `directory` itself. NOT_FOUND when the commit has no such folder, TOO_LARGE past 64 MiB of listing. */
  files(commit: string, directory: string, o: Ask): Promise<readonly TreeFile[]>;
  /**
   * `git archive --format=tar` of `directory` (empty: all; may be a single file, too), attributes of the tree applied but for export-subst and export-ignore (spec: "Building the zip").
   * ustar with pax headers ('g' first, with the commit's hash; 'x' where a name is over 100 bytes and cannot be split or a link target is over 100), names from the top of the repository as raw
   * bytes, a folder's entry ('5') before what is in it, submodules as folders, symbolic links as '2'. Reads only as fast as it is asked; a consumer that leaves ends
   * the process. Throws at its end when the process failed: bytes before that are not to be believed.
   */
  archive(commit: string, directory: string, o: Ask): AsyncIterable<Uint8Array>;
}
