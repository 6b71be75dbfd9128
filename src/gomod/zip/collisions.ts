import { shown } from '../shown.ts';
import { foldCase } from './fold.ts';

interface Seen {
  readonly path: string;
  readonly isDirectory: boolean;
  /** All its parent directories were found without fault. */
  areParentsGood: boolean;
}

/** Finds files that could not stand beside each other on a disk that ignores case: remembers every path and its parent directories. */
export class Collisions {
  readonly #seen = new Map<string, Seen>();

  /** Why `path` cannot stand beside the paths before it, or undefined. A path with a fault is remembered too. */
  add(path: string, isDirectory: boolean): string | undefined {
    const folded = foldCase(path);
    let seen = this.#seen.get(folded);
    if (seen !== undefined) {
      if (path !== seen.path) return `case-insensitive file name collision: ${shown(seen.path)} and ${shown(path)}`;
      if (isDirectory !== seen.isDirectory) return `entry ${shown(path)} is both a file and a directory`;
      if (!isDirectory) return `multiple entries for file ${shown(path)}`;
      if (seen.areParentsGood) return undefined;
    } else {
      seen = { path, isDirectory, areParentsGood: false };
      this.#seen.set(folded, seen);
    }
    const slash = path.lastIndexOf('/');
    const fault = slash < 0 ? undefined : this.add(path.slice(0, slash), true);
    seen.areParentsGood = fault === undefined;
    return fault;
  }
}
