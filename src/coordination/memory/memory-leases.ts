import type { Ask } from '../../std/ask.ts';
import type { LeaseBoard, Place, Sighting } from '../lease.ts';

interface Entry {
  readonly fence: number;
  beats: number;
  share: number;
}

/** A board for those who share one process's memory, and forget it when that ends. */
export class MemoryLeaseBoard implements LeaseBoard {
  readonly #entries = new Map<string, Entry>();
  #highest = 0;

  async look(name: string, _o: Ask): Promise<Sighting | undefined> {
    const entry = this.#entries.get(name);
    return entry && { fence: entry.fence, sign: String(entry.beats), share: entry.share, isGone: false };
  }

  async claim(name: string, after: Sighting | undefined, _o: Ask): Promise<Place | undefined> {
    if (this.#entries.get(name)?.fence !== after?.fence) return undefined;
    const entry: Entry = { fence: ++this.#highest, beats: 0, share: 0 };
    this.#entries.set(name, entry);
    const isNewest = (): boolean => this.#entries.get(name) === entry;
    return {
      fence: entry.fence,
      beat: async (share) => {
        entry.beats++;
        entry.share = share;
        return isNewest();
      },
      leave: async () => {
        if (isNewest()) this.#entries.delete(name);
      },
    };
  }

  /** Nobody who shares the memory can be gone. */
  async sweep(): Promise<void> {}
}
