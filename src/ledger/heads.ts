import type { SignerKey } from '../gomod/sumdb/key.ts';
import type { TreeHead } from '../gomod/sumdb/tree.ts';
import type { Ask } from '../std/ask.ts';
import { type HeadCopy, readCopy, signHead } from './head-copy.ts';

/** A head that may be given out: durable, and known in the second place. */
interface PublishedHead {
  readonly head: TreeHead;
  /** Signed. The same object until the next one. */
  readonly note: Uint8Array;
}

/** Which head is given out. One caller of publish() at a time. */
export class Heads {
  readonly #signer: SignerKey;
  readonly #copy: HeadCopy;
  #published: PublishedHead | undefined;

  constructor(signer: SignerKey, copy: HeadCopy) {
    this.#signer = signer;
    this.#copy = copy;
  }

  /** Undefined until the first publish(). */
  get published(): PublishedHead | undefined {
    return this.#published;
  }

  /** Gives out `head`, which must be durable, after it is in the second place; a head that is not larger than the last one changes nothing. */
  async publish(head: TreeHead, o: Ask): Promise<void> {
    if (this.#published !== undefined && head.size <= this.#published.head.size) return;
    const note = signHead(head, this.#signer);
    // Another process on the same log may be ahead; its larger head must stay in the second place.
    const copied = await readCopy(this.#copy, this.#signer.verifier, o);
    if (copied === undefined || copied.size < head.size) await this.#copy.write(note, o);
    this.#published = { head, note };
  }
}
