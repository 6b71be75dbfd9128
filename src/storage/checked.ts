import { type Ask, throwIfAborted } from '../std/ask.ts';
import { AppError } from '../std/errors.ts';
import type { Spooled } from '../std/spooled.ts';
import { checkKey, checkPrefix, isTooLong } from '../std/key.ts';
import type { BlobInfo, BlobStore, ByteRange, StoredBlob } from './store.ts';

/** `inner` behind the rules that every caller must keep, so that adapters need not check: key grammar, sane ranges, fired signals. */
export function checkedStore(inner: BlobStore): BlobStore {
  return new CheckedStore(inner);
}

class CheckedStore implements BlobStore {
  readonly #inner: BlobStore;

  constructor(inner: BlobStore) {
    this.#inner = inner;
  }

  async head(key: string, o: Ask): Promise<BlobInfo | undefined> {
    if (isTooLong(key)) return undefined;
    check(key, 'look up', o);
    return await this.#inner.head(key, o);
  }

  async open(key: string, o: Ask & { readonly range?: ByteRange }): Promise<StoredBlob | undefined> {
    if (isTooLong(key)) return undefined;
    check(key, 'open', o);
    checkRange(key, o.range);
    return await this.#inner.open(key, o);
  }

  async putIfAbsent(key: string, body: Spooled, o: Ask): Promise<'created' | 'exists'> {
    check(key, 'store', o);
    return await this.#inner.putIfAbsent(key, body, o);
  }

  async publish(key: string, bytes: Uint8Array, o: Ask): Promise<void> {
    check(key, 'publish', o);
    await this.#inner.publish(key, bytes, o);
  }

  async delete(key: string, o: Ask): Promise<void> {
    check(key, 'delete', o);
    await this.#inner.delete(key, o);
  }

  async *list(prefix: string, o: Ask & { readonly after?: string }): AsyncIterable<BlobInfo> {
    checkPrefix(prefix);
    throwIfAborted(o.signal);
    for await (const info of this.#inner.list(prefix, o)) {
      throwIfAborted(o.signal);
      yield info;
    }
  }
}

function check(key: string, attempted: string, o: Ask): void {
  checkKey(key, attempted);
  throwIfAborted(o.signal);
}

function checkRange(key: string, range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end) return;
  throw new AppError('INTERNAL', `open ${key} from ${start} to ${end}: not a range`);
}
