import { pathToFileURL } from 'node:url';
import { Git } from '../../src/sources/vcs/git.ts';
import type { GitNetwork } from '../../src/sources/vcs/git-network.ts';
import { Mirrors } from '../../src/sources/vcs/mirrors.ts';
import { systemClock } from '../../src/std/clock.ts';
import { AppError } from '../../src/std/errors.ts';

/** Mirrors of bare repositories on this machine. */
export interface LocalMirrors {
  readonly mirrors: Mirrors;
  /** How often a repository was contacted. */
  contacts(): number;
}

/** The product's mirrors, with git's own way to files for a network. `folderOf` says where a repository really is; undefined when there is none. Close the mirrors. */
export function localMirrors(folder: string, folderOf: (url: string) => string | undefined): LocalMirrors {
  let contacts = 0;
  const network: GitNetwork = {
    async open(url) {
      contacts++;
      const path = folderOf(url.href);
      if (path === undefined) throw new AppError('NOT_FOUND', `fetch ${url.href}: repository not found`);
      return { url: pathToFileURL(path).href, environment: {}, failure: () => undefined, close: () => undefined };
    },
  };
  const mirrors = new Mirrors({
    folder,
    git: new Git({ program: 'git', path: process.env['PATH'] ?? '', protocols: ['file'] }),
    network,
    rewrite: (url) => new URL(url),
    clock: systemClock,
    limits: { spaceBytes: 1 << 30, repositoryBytes: 1 << 30, fetchMs: 60_000, idleMs: 60_000, perHost: 4 },
  });
  return { mirrors, contacts: () => contacts };
}
