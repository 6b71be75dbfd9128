/** What Larder makes of the repositories that the go command is asked about: its source over real mirrors, without the network's parts. */
import { hash1 } from '../../src/gomod/dirhash.ts';
import { parseModulePath } from '../../src/gomod/module.ts';
import { formatRevInfo, type Origin, withoutVolatileOrigin } from '../../src/gomod/rev-info.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { Git } from '../../src/sources/vcs/git.ts';
import { Mirrors, type MirrorsOptions } from '../../src/sources/vcs/mirrors.ts';
import { VcsSource } from '../../src/sources/vcs/vcs-source.ts';
import { systemClock } from '../../src/std/clock.ts';
import { isAppError, messageOf } from '../../src/std/errors.ts';
import { resolveQuery } from '../conformance/git-client.ts';
import { answersOf, type SourceAnswers } from '../conformance/git-source.ts';
import type { DirectOutcome } from './git-direct-go.ts';
import type { DirectQuestion } from './git-direct-questions.ts';

const LIMITS: MirrorsOptions['limits'] = {
  spaceBytes: 1 << 30,
  repositoryBytes: 1 << 28,
  fetchMs: 60_000,
  idleMs: 30_000,
  perHost: 2,
};

/** Answers as a client of a server learns them. Close it. */
export class DirectLarder {
  readonly #mirrors: Mirrors;
  readonly #source: VcsSource;

  /** `mirrors`: an own folder. `repositories` is a folder with a bare `OWNER/NAME.git` for each `github.com/OWNER/NAME`. */
  constructor(mirrors: string, repositories: string) {
    this.#mirrors = new Mirrors({
      folder: mirrors,
      git: new Git({ program: 'git', path: process.env['PATH'] ?? '', protocols: ['file'] }),
      network: {
        open: async (url) => ({
          url: `file://${repositories}${url.pathname}.git`,
          environment: {},
          failure: () => undefined,
          close: () => undefined,
        }),
      },
      rewrite: (url) => new URL(url),
      clock: systemClock,
      limits: LIMITS,
    });
    this.#source = new VcsSource({
      name: 'direct',
      discovery: {
        find: async (module) => {
          const root = module.split('/').slice(0, 3).join('/');
          return { kind: 'git', root, url: `https://${root}`, subdirectory: '', by: 'known-host' };
        },
      },
      mirrors: this.#mirrors,
      proxyAt: () => {
        throw new Error('no page names a proxy here');
      },
      versionMs: 3_600_000,
      mutableMs: 3_600_000,
      clock: systemClock,
    });
  }

  async ask({ module, query }: DirectQuestion): Promise<DirectOutcome> {
    const answers = answersOf(this.#source, parseModulePath(module));
    try {
      return await download(answers, query);
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Versions; undefined where there is no answer. */
  async list(module: string): Promise<readonly string[] | undefined> {
    try {
      return (await answersOf(this.#source, parseModulePath(module)).list('')).versions;
    } catch (error) {
      failureOf(error);
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.#mirrors.close();
  }
}

async function download(answers: SourceAnswers, query: string): Promise<DirectOutcome> {
  const { info } = await resolveQuery(answers, query);
  const stored = JSON.parse(Buffer.from(formatRevInfo(withoutVolatileOrigin(info))).toString()) as {
    readonly Version: string;
    readonly Time: string;
    readonly Origin?: Origin;
  };
  const mod = await answers.mod(info.version);
  const { sum: zipSum } = await answers.zip(info.version);
  const modSum = hash1([{ name: 'go.mod', sha256: sha256Hex(mod) }]);
  return { version: stored.Version, time: stored.Time, origin: stored.Origin ?? {}, zipSum, modSum };
}

/** Only what the go command fails with too: nothing here can be unreachable, too slow or damaged. */
function failureOf(error: unknown): { readonly failure: string } {
  if (isAppError(error, 'NOT_FOUND', 'BAD_VERSION')) return { failure: messageOf(error) };
  throw error;
}
