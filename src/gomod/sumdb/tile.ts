import { AppError } from '../../std/errors.ts';
import { shown } from '../shown.ts';

/** A piece of a log's tree: `width` hashes at tree level `height * level` beginning with number `index << height`; or, at level `data`, the records themselves. */
export interface Tile {
  /** 1 to 30; checksum databases use 8. */
  readonly height: number;
  /** 0 to 62 or `data`. */
  readonly level: number | 'data';
  readonly index: number;
  /** 1 to 2**height; less than that = partial. */
  readonly width: number;
}

/** `tile/8/0/x001/234.p/5`. */
export function tilePath({ height, level, index, width }: Tile): string {
  let groups = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups = `x${String(rest % 1000).padStart(3, '0')}/${groups}`;
  const partial = width === 2 ** height ? '' : `.p/${width}`;
  return `tile/${height}/${level}/${groups}${partial}`;
}

const TILE_PATH = /^tile\/(\d{1,2})\/(\d{1,2}|data)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,10}))?$/;

/** The inverse of tilePath. Throws NOT_FOUND for what is not exactly the path of a tile. */
export function parseTilePath(path: string): Tile {
  const [, height = '', level = '', groups = '', width] = TILE_PATH.exec(path) ?? [];
  const tile: Tile = {
    height: Number(height),
    level: level === 'data' ? 'data' : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '')),
    width: width === undefined ? 2 ** Number(height) : Number(width),
  };
  if (groups === '' || !isTile(tile) || tilePath(tile) !== path)
    throw new AppError('NOT_FOUND', `parse tile path ${shown(path)}: no such tile`);
  return tile;
}

function isTile({ height, level, index, width }: Tile): boolean {
  const isLevel = level === 'data' || level <= 62;
  return height >= 1 && height <= 30 && isLevel && Number.isSafeInteger(index) && width >= 1 && width <= 2 ** height;
}
