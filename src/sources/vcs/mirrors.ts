import { join } from 'node:path';
import type { Clock } from '../../std/clock.ts';
import { AppError } from '../../std/errors.ts';
import type { GitNetwork } from './git-network.ts';
import type { Git } from './git.ts';
import { dropMirror, listMirrors, mirrorKey, type MirrorOnDisk } from './mirror-folder.ts';
import type { MirrorLimits, MirrorObserver } from './mirror-limits.ts';
import type { MirrorWorld } from './mirror-world.ts';
import { Mirror } from './mirror.ts';
import { Turns } from './turns.ts';

/** What mirrors need. */
export interface MirrorsOptions {
  /** Of all mirrors; made when there is something to put in it. Other processes may use it too. */
  readonly folder: string;
  readonly git: Git;
  readonly network: GitNetwork;
  /** Where a repository is fetched from. Throws an AppError for what is no URL of one. */
  readonly rewrite: (url: string) => URL;
  readonly clock: Clock;
  readonly limits: MirrorLimits;
  readonly observer?: MirrorObserver;
  readonly bounds?: Partial<MirrorCounts>;
  /** Keeps processes that share the folder from refreshing one mirror at a time: safe as that is, it costs all of them a fetch. Absent = this one is alone. */
  readonly alone?: MirrorWorld['alone'] | undefined;
}

/** What no size of packs bounds: a repository may be next to nothing on disk, and have many names. */
export interface MirrorCounts {
  /** So many mirrors are remembered; those that nobody uses are forgotten first. Their files stay. */
  readonly remembered: number;
  /** Likewise so many bytes of branches and tags as git lists them; each takes some times as much memory. */
  readonly listedBytes: number;
  /** So many mirrors are kept on disk, the least used are taken away. */
  readonly kept: number;
}

const COUNTS: MirrorCounts = { remembered: 1000, listedBytes: 64 << 20, kept: 10_000 };
/** A mirror that somebody, in another process perhaps, used so lately is not taken away. */
const LATELY_MS = 60_000;

/** What a dead process left on its way in or out is taken away after this time, and what a fetch may take. */
const FORGOTTEN_MS = 3_600_000;

const UNHEARD: MirrorObserver = { refreshed: () => undefined, damaged: () => undefined, evicted: () => undefined };

/** The mirrors of all repositories: one per URL, in one folder, bounded in bytes. Close it. */
export class Mirrors {
  readonly #options: MirrorsOptions;
  readonly #world: MirrorWorld;
  readonly #stop = new AbortController();
  readonly #open = new Map<string, Mirror>();
  readonly #counts: MirrorCounts;
  #tidying: Promise<void> | undefined;
  #isUntidy = false;
  #bytes = 0;

  constructor(options: MirrorsOptions) {
    const { git, network, clock, limits, observer = UNHEARD } = options;
    this.#options = options;
    this.#counts = { ...COUNTS, ...options.bounds };
    const turns = new Turns(limits.perHost);
    const alone = options.alone ?? (async () => () => undefined);
    const own = { turns, alone, life: this.#stop.signal, grown: () => this.#tidy() };
    this.#world = { git, network, clock, limits, observer, ...own };
  }

  /** Of all mirrors in the folder, as of the last fetch; 0 before the first. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The mirror of the repository that Origin calls `url`. No IO yet. Throws what `rewrite` throws. */
  open(url: string): Mirror {
    const key = mirrorKey(url);
    const mirror = this.#open.get(key) ?? this.#add(key, url);
    // Insertion order is the order of last use.
    this.#open.delete(key);
    this.#open.set(key, mirror);
    this.#forgetOthers(mirror);
    return mirror;
  }

  /** Stops what is under way and ends every process. */
  async close(): Promise<void> {
    this.#stop.abort(new AppError('ABORTED', 'the server is stopping'));
    for (const mirror of this.#open.values()) mirror.reader.close();
    await this.settled();
  }

  /** Resolves when nothing goes on in the background. */
  async settled(): Promise<void> {
    await Promise.all([...this.#open.values()].map((mirror) => mirror.settled()));
    await this.#tidying;
  }

  #add(key: string, url: string): Mirror {
    const mirror = new Mirror(
      { url, remote: this.#options.rewrite(url), path: join(this.#options.folder, key) },
      this.#world,
    );
    return mirror;
  }

  #forgetOthers(mirror: Mirror): void {
    let listed = this.#open.values().reduce((sum, one) => sum + one.listedBytes, 0);
    for (const [name, other] of this.#open) {
      if (this.#open.size <= this.#counts.remembered && listed <= this.#counts.listedBytes) break;
      if (other.isInUse || other === mirror) continue;
      listed -= other.listedBytes;
      other.reader.close();
      this.#open.delete(name);
    }
  }

  /** Makes room, in the background; once more when something grows meanwhile. */
  #tidy(): void {
    this.#isUntidy = true;
    this.#tidying ??= this.#makeRoom().finally(() => {
      this.#tidying = undefined;
    });
  }

  async #makeRoom(): Promise<void> {
    const { folder, clock, limits } = this.#options;
    while (this.#isUntidy && !this.#stop.signal.aborted) {
      this.#isUntidy = false;
      const mirrors = (await listMirrors(folder, clock.now() - 2 * limits.fetchMs - FORGOTTEN_MS)).toSorted(
        (a, b) => a.usedAt - b.usedAt,
      );
      let bytes = mirrors.reduce((sum, mirror) => sum + mirror.bytes, 0);
      let kept = mirrors.length;
      for (const mirror of mirrors) {
        if (bytes <= limits.spaceBytes && kept <= this.#counts.kept) break;
        if (!(await this.#evict(mirror))) continue;
        bytes -= mirror.bytes;
        kept--;
      }
      this.#bytes = bytes;
    }
  }

  async #evict({ key, bytes, usedAt }: MirrorOnDisk): Promise<boolean> {
    const { folder, clock } = this.#options;
    const ours = this.#open.get(key);
    if (ours?.isInUse === true || (ours === undefined && clock.now() - usedAt < LATELY_MS)) return false;
    try {
      await (ours === undefined ? dropMirror(join(folder, key)) : ours.drop());
    } catch {
      return false;
    }
    this.#world.observer.evicted({ key, bytes });
    return true;
  }
}
