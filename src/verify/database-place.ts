import { escapePath, escapeVersion, type ModuleVersion } from '../gomod/module.ts';
import { type Tile, tilePath } from '../gomod/sumdb/tile.ts';
import { encodeUtf8 } from '../std/bytes.ts';

/** Where everything known of one checksum database lies: keys of blobs, and the name of its register. */
export interface DatabasePlace {
  /** Register of the adopted tree head and the ones before it. */
  readonly head: string;
  /** What the keys of fork reports begin with. */
  readonly forks: string;
  lookup(module: ModuleVersion): string;
  tile(tile: Tile): string;
  /** What the keys of all widths of a partial tile begin with. */
  widthsOf(tile: Tile): string;
}

/** The place `sumdb/NAME/` of the database `name`. No two names share one, and none lies within another's. */
export function placeOf(name: string): DatabasePlace {
  const folder = `sumdb/${asSegment(name)}`;
  return {
    head: `${folder}/latest`,
    forks: `${folder}/fork/`,
    lookup: ({ path, version }) => `${folder}/lookup/${escapePath(path)}@${escapeVersion(version)}`,
    tile: (tile) => `${folder}/${tilePath(tile)}`,
    widthsOf: (tile) => `${folder}/${tilePath({ ...tile, width: 1 }).replace(/1$/, '')}`,
  };
}

/** One segment of a key: what the grammar of keys has no room for (upper case, `:`, `/`, a leading dot) is written `=hh`, and so is `=` itself. */
function asSegment(name: string): string {
  return name.replace(/^\.|[^a-z0-9._~-]/gu, (char) =>
    Array.from(encodeUtf8(char), (byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}
