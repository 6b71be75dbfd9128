import { shown } from '../shown.ts';
import { foldCase } from './fold.ts';
import { MAX_PATHS } from './limits.ts';

/** A path as it is spelled. All spellings of one path on a disk that ignores case have the same `place`. */
interface Spelling {
  readonly parent: Spelling | undefined;
  readonly element: string;
  readonly place: Place;
  /** By element; made with the first one, since most paths have none. */
  children?: Map<string, Spelling>;
}

/** Where paths that differ by case only would meet. */
interface Place {
  /** By folded element. */
  children?: Map<string, Place>;
  taken?: Taken;
}

interface Taken {
  readonly by: Spelling;
  readonly isDirectory: boolean;
  /** All its parent directories were found without fault. */
  areParentsGood: boolean;
}

/**
 * Finds files that could not stand beside each other on a disk that ignores case: remembers every path and its parent directories. Takes time
 * and memory in proportion to the lengths of the paths, however deep they are; half a kilobyte for each path and parent directory, of which it takes MAX_PATHS.
 */
export class Collisions {
  readonly #root: Spelling = { parent: undefined, element: '', place: {} };
  #paths = 0;

  /** Why `path` cannot stand beside the paths before it, or undefined. A path with a fault is remembered too. */
  add(path: string, isDirectory: boolean): string | undefined {
    const added = this.#spellingOf(path);
    if (added === undefined) return TOO_MANY_PATHS;
    const doubtful: Taken[] = [];
    for (let at = added; at.parent !== undefined; at = at.parent) {
      const mustBeDirectory = at !== added || isDirectory;
      const fault = faultOf(at, mustBeDirectory);
      if (fault !== undefined) return fault;
      at.place.taken ??= { by: at, isDirectory: mustBeDirectory, areParentsGood: false };
      if (at.place.taken.areParentsGood) break;
      doubtful.push(at.place.taken);
    }
    for (const taken of doubtful) taken.areParentsGood = true;
    return undefined;
  }

  /** Undefined when there is no room for it. */
  #spellingOf(path: string): Spelling | undefined {
    let at: Spelling | undefined = this.#root;
    for (const element of path.split('/')) {
      at = at.children?.get(element) ?? this.#newChild(at, element);
      if (at === undefined) return undefined;
    }
    return at;
  }

  #newChild(parent: Spelling, element: string): Spelling | undefined {
    if (this.#paths >= MAX_PATHS) return undefined;
    this.#paths++;
    const child = { parent, element, place: placeIn(parent.place, foldCase(element)) };
    parent.children ??= new Map();
    parent.children.set(element, child);
    return child;
  }
}

const TOO_MANY_PATHS = `more than ${MAX_PATHS} files and directories`;

function placeIn(parent: Place, folded: string): Place {
  parent.children ??= new Map();
  let place = parent.children.get(folded);
  if (place === undefined) {
    place = {};
    parent.children.set(folded, place);
  }
  return place;
}

/** What is wrong between `at` and the path that took its place before, if one did. */
function faultOf(at: Spelling, isDirectory: boolean): string | undefined {
  const { taken } = at.place;
  if (taken === undefined) return undefined;
  if (taken.by !== at) {
    return `case-insensitive file name collision: ${shown(pathOf(taken.by))} and ${shown(pathOf(at))}`;
  }
  if (isDirectory !== taken.isDirectory) return `entry ${shown(pathOf(at))} is both a file and a directory`;
  return isDirectory ? undefined : `multiple entries for file ${shown(pathOf(at))}`;
}

function pathOf(spelling: Spelling): string {
  const elements: string[] = [];
  for (let at = spelling; at.parent !== undefined; at = at.parent) elements.push(at.element);
  return elements.reverse().join('/');
}
