import { recentEntries } from '../../std/recent.ts';
import type { Commit } from '../../gomod/coderepo/repository.ts';
import { shown } from '../../gomod/shown.ts';
import type { Exit } from '../../io/subprocess.ts';
import type { Ask } from '../../std/ask.ts';
import { AppError } from '../../std/errors.ts';
import { commitIn } from './commit-text.ts';
import { ARCHIVE_SETTINGS } from './git-environment.ts';
import { DamagedMirror, memoryFailure, runFailure } from './git-failure.ts';
import { isHash, isTreePath } from './git.ts';
import type { Mirror } from './mirror.ts';
import type { GitObject } from './object-reader.ts';
import { LISTING_BYTES, type MirrorRefs } from './mirror-refs.ts';
import type { GitSnapshot, TreeFile } from './snapshot.ts';
import { treeFilesIn } from './tree-listing.ts';
import { filesOfTree } from './tree-objects.ts';

const FILE_BYTES = 16 << 20;
/** Of each kind of question. The info, the go.mod and the zip of a pseudo-version ask the same. */
const REMEMBERED = 1000;

/** A mirror at one moment. What is reachable is decided on the refs of that moment, never on what lies in the mirror. */
export class MirrorSnapshot implements GitSnapshot {
  readonly url: string;
  readonly refs: MirrorRefs;
  readonly #mirror: Mirror;
  readonly #commits = recentEntries<string, { readonly commit: Commit | undefined }>(REMEMBERED);
  readonly #expanded = recentEntries<string, readonly string[]>(REMEMBERED);

  constructor(mirror: Mirror, refs: MirrorRefs) {
    this.url = mirror.url;
    this.refs = refs;
    this.#mirror = mirror;
  }

  async commit(hash: string, o: Ask): Promise<Commit | undefined> {
    if (!isHash(hash) || this.refs.tips.size === 0) return undefined;
    const known = this.#commits.get(hash);
    if (known !== undefined) return known.commit;
    const commit = await this.#mirror.use(() => this.#findCommit(hash, o), o);
    this.#commits.set(hash, { commit });
    return commit;
  }

  async expand(prefix: string, o: Ask): Promise<readonly string[]> {
    if (!/^[0-9a-f]{7,64}$/.test(prefix) || this.refs.tips.size === 0) return [];
    const known = this.#expanded.get(prefix);
    if (known !== undefined) return known;
    const hashes = await this.#mirror.use(() => this.#commitsThatBegin(prefix, o), o);
    this.#expanded.set(prefix, hashes);
    return hashes;
  }

  async #commitsThatBegin(prefix: string, o: Ask): Promise<readonly string[]> {
    const lines = await this.#lines(['rev-parse', `--disambiguate=${prefix}`], o);
    const commits = await this.#commitsAmong(lines.filter(isHash), o);
    const reachable = await this.#reachable(commits, o);
    return commits.filter((hash) => reachable.has(hash)).slice(0, 2);
  }

  async ancestorTags(hash: string, o: Ask): Promise<readonly string[]> {
    if (!isHash(hash)) return [];
    const tags = [...this.refs.tags].filter(([, target]) => this.refs.tips.has(target));
    if (tags.length === 0) return [];
    const targets = tags.map(([, target]) => target);
    const older = await this.#mirror.use(() => this.#walk([hash], targets, o), o);
    return tags.filter(([, target]) => older.has(target)).map(([name]) => name);
  }

  async isAncestor(older: string, newer: string, o: Ask): Promise<boolean> {
    if (!isHash(newer) || (await this.commit(older, o)) === undefined) return false;
    return await this.#mirror.use(async () => {
      const ended = await this.#run(['merge-base', '--is-ancestor', '--end-of-options', older, newer], o);
      if (ended.exitCode > 1) throw new DamagedMirror(ended);
      return ended.exitCode === 0;
    }, o);
  }

  async file(commit: string, path: string, o: Ask): Promise<Uint8Array | undefined> {
    if (!isHash(commit) || !isTreePath(path)) return undefined;
    const object = await this.#mirror.use(() => this.#objectAt(commit, path, { ...o, maxBytes: FILE_BYTES }), o);
    return object?.type === 'blob' ? object.bytes : undefined;
  }

  async files(commit: string, directory: string, o: Ask): Promise<readonly TreeFile[]> {
    this.#checkPlace(commit, directory);
    return await this.#mirror.use(async () => {
      const bounds = { ...o, maxBytes: LISTING_BYTES };
      const tree = await this.#objectAt(commit, directory, bounds);
      if (tree?.type !== 'tree') throw this.#noFolder(directory);
      const read = (hash: string): Promise<GitObject | undefined> => this.#mirror.reader.read(hash, bounds);
      return (await filesOfTree(tree, directory, read)) ?? (await this.#listTree(tree.hash, directory, o));
    }, o);
  }

  async #listTree(tree: string, directory: string, o: Ask): Promise<readonly TreeFile[]> {
    const ended = await this.#run(['ls-tree', '-r', '-t', '-z', '--end-of-options', tree], o);
    if (ended.exitCode !== 0) throw new DamagedMirror(ended);
    return treeFilesIn(Buffer.from(ended.stdout), directory);
  }

  async *archive(commit: string, directory: string, o: Ask): AsyncGenerator<Uint8Array, void, undefined> {
    this.#checkPlace(commit, directory);
    const release = this.#mirror.hold();
    try {
      yield* this.#archiveOrHeal(commit, directory, o);
    } finally {
      release();
    }
  }

  /** Once again when not a byte was given; after that the mirror is made anew for those who come next. */
  async *#archiveOrHeal(commit: string, directory: string, o: Ask): AsyncGenerator<Uint8Array, void, undefined> {
    for (let attempt = 1; ; attempt++) {
      const { generation } = this.#mirror;
      let hasGiven = false;
      try {
        for await (const part of this.#archiveOnce(commit, directory, o)) {
          hasGiven = true;
          yield part;
        }
        return;
      } catch (error) {
        if (!(error instanceof DamagedMirror)) throw runFailure(`archive ${this.url}`, error);
        if (!error.wasKilled) await this.#mirror.heal(generation, error, o);
        if (!hasGiven && attempt === 1) continue;
        throw new AppError('UPSTREAM_BAD_RESPONSE', `archive ${this.url}: ${error.message}`, { cause: error });
      }
    }
  }

  #archiveOnce(commit: string, directory: string, { signal }: Ask): AsyncGenerator<Uint8Array, void, undefined> {
    const { git, path, limits } = this.#mirror;
    const args = ['archive', '--format=tar', '--end-of-options', commit, ...(directory === '' ? [] : [directory])];
    const bounds = { wallMs: limits.fetchMs, idleMs: limits.fetchMs, outputBytes: Number.POSITIVE_INFINITY };
    const refuse = (exit: Exit): Error =>
      /pathspec .* did not match/.test(exit.stderr)
        ? this.#noFolder(directory)
        : (memoryFailure(`archive ${this.url}`, exit) ?? new DamagedMirror(exit));
    return git.stream(args, { repository: path, settings: ARCHIVE_SETTINGS, limits: bounds, signal, refuse });
  }

  async #findCommit(hash: string, o: Ask): Promise<Commit | undefined> {
    const object = await this.#mirror.reader.read(hash, { ...o, maxBytes: FILE_BYTES });
    if (object === undefined && this.refs.tips.has(hash))
      throw new DamagedMirror({ exitCode: 0, stderr: `${hash} is missing` });
    // A hash of sha1's length is to a repository of sha256 the start of one.
    if (object?.type !== 'commit' || object.hash !== hash) return undefined;
    const isReachable = this.refs.tips.has(hash) || (await this.#reachable([hash], o)).has(hash);
    return isReachable ? commitIn(object) : undefined;
  }

  /** Those of `hashes` (commits) that are tips or their ancestors. */
  async #reachable(hashes: readonly string[], o: Ask): Promise<ReadonlySet<string>> {
    if (hashes.length === 0) return new Set();
    const tips = [...this.refs.tips];
    const input = Buffer.from([...hashes, ...tips.map((tip) => `^${tip}`), ''].join('\n'));
    const left = new Set(await this.#lines(['rev-list', '--stdin'], o, input));
    const doubtful = hashes.filter((hash) => left.has(hash));
    // Where clocks were wrong that walk ends too early: only what it excludes is certain.
    const found = doubtful.length === 0 ? new Set<string>() : await this.#walk(tips, doubtful, o);
    return new Set(hashes.filter((hash) => !left.has(hash) || found.has(hash)));
  }

  /** Those of `wanted` that are `tips` or their ancestors, whatever the clocks said: everything is walked until all are found. */
  async #walk(tips: readonly string[], wanted: readonly string[], { signal }: Ask): Promise<ReadonlySet<string>> {
    const { git, path, limits } = this.#mirror;
    const bounds = { wallMs: limits.fetchMs, idleMs: limits.fetchMs, outputBytes: Number.POSITIVE_INFINITY };
    const input = Buffer.from(`${tips.join('\n')}\n`);
    const refuse = (exit: Exit): Error => new DamagedMirror(exit);
    const walked = git.stream(['rev-list', '--stdin'], { repository: path, limits: bounds, input, signal, refuse });
    const missing = new Set(wanted);
    for await (const line of linesIn(walked)) if (missing.delete(line) && missing.size === 0) break;
    return new Set(wanted.filter((hash) => !missing.has(hash)));
  }

  async #commitsAmong(hashes: readonly string[], o: Ask): Promise<string[]> {
    if (hashes.length === 0) return [];
    const input = Buffer.from(`${hashes.join('\n')}\n`);
    const lines = await this.#lines(['cat-file', '--batch-check=%(objecttype) %(objectname)'], o, input);
    return lines.filter((line) => line.startsWith('commit ')).map((line) => line.slice('commit '.length));
  }

  async #lines(args: readonly string[], o: Ask, input?: Uint8Array): Promise<string[]> {
    const ended = await this.#run(args, o, input);
    if (ended.exitCode !== 0) throw new DamagedMirror(ended);
    return Buffer.from(ended.stdout)
      .toString('latin1')
      .split('\n')
      .filter((line) => line !== '');
  }

  async #run(args: readonly string[], { signal }: Ask, input?: Uint8Array) {
    const { git, path, limits } = this.#mirror;
    const bounds = { wallMs: limits.fetchMs, idleMs: limits.fetchMs, outputBytes: LISTING_BYTES };
    return await git.run(args, { repository: path, limits: bounds, signal, ...(input !== undefined && { input }) });
  }

  /** What a path of a commit names. Where there is nothing, the commit at least must be there: else it is the mirror that lacks something. */
  async #objectAt(
    commit: string,
    path: string,
    o: Ask & { readonly maxBytes: number },
  ): Promise<GitObject | undefined> {
    const { reader } = this.#mirror;
    const object = await reader.read(`${commit}:${path}`, o);
    if (
      object === undefined &&
      (await reader.read(`${commit}^{tree}`, { ...o, maxBytes: LISTING_BYTES })) === undefined
    )
      throw new DamagedMirror({ exitCode: 0, stderr: `the tree of ${commit} is missing` });
    return object;
  }

  #checkPlace(commit: string, directory: string): void {
    if (!isHash(commit)) throw new AppError('INTERNAL', `read ${this.url}: ${shown(commit)} is no full hash`);
    if (directory !== '' && !isTreePath(directory)) throw this.#noFolder(directory);
  }

  #noFolder(directory: string): AppError {
    return new AppError('NOT_FOUND', `read ${this.url}: no folder ${shown(directory)}`);
  }
}

async function* linesIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
