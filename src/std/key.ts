import { AppError } from './errors.ts';

/** Longest name most file systems take. */
const MAX_SEGMENT = 255;
/** Longest key object stores take. */
const MAX_KEY = 1024;

/** Lower case only, so that a file system that ignores case keeps keys apart. No leading dot: those names belong to the adapters. */
const SEGMENT = '[a-z0-9!+_~@=-][a-z0-9!+._~@=-]*';
const KEY = new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`);
const PREFIX = new RegExp(`^(?:${SEGMENT}/)*(?:${SEGMENT})?$`);

/** Whether `key` is one: `/`-separated segments of `a-z 0-9 ! + - . _ ~ @ =`, none empty or beginning with a dot, at most 255 bytes each and 1024 in all. */
export function isKey(key: string): boolean {
  return KEY.test(key) && fits(key);
}

/** Throws INTERNAL for a malformed key (a mistake of the caller: no key is made from unchecked input) and TOO_LARGE for a long one. */
export function checkKey(key: string, attempted: string): void {
  if (!KEY.test(key)) throw new AppError('INTERNAL', `${attempted} ${JSON.stringify(key)}: not a storage key`);
  if (!fits(key))
    throw new AppError('TOO_LARGE', `${attempted} ${key.slice(0, 100)}...: the name is too long to be stored`);
}

/** Whether `key` is well formed but longer than anything stored can be. */
export function isTooLong(key: string): boolean {
  return KEY.test(key) && !fits(key);
}

/** Throws INTERNAL unless some key could begin with `prefix`. */
export function checkPrefix(prefix: string): void {
  if (!PREFIX.test(prefix))
    throw new AppError('INTERNAL', `list ${JSON.stringify(prefix)}: not the beginning of a storage key`);
}

function fits(key: string): boolean {
  return key.length <= MAX_KEY && key.split('/').every((segment) => segment.length <= MAX_SEGMENT);
}
