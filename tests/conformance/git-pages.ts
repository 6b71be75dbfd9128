/** From pages with go-import tags to modules: whom discovery asks, and what version, files and hashes come of it, or that nothing does. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { NO_CREDENTIALS } from '../../src/credentials/credentials.ts';
import { hash1 } from '../../src/gomod/dirhash.ts';
import { matchPrefixPatterns } from '../../src/gomod/goenv.ts';
import { textOfBytes } from '../../src/gomod/go-text.ts';
import { parseModulePath } from '../../src/gomod/module.ts';
import { sha256Hex } from '../../src/gomod/sha256.ts';
import { HttpClient } from '../../src/io/http-client.ts';
import { GoproxySource } from '../../src/sources/goproxy/goproxy.ts';
import { Discovery } from '../../src/sources/vcs/discovery.ts';
import type { GitSnapshot } from '../../src/sources/vcs/snapshot.ts';
import { rewriteBy } from '../../src/sources/vcs/rewrites.ts';
import { VcsSource } from '../../src/sources/vcs/vcs-source.ts';
import { systemClock } from '../../src/std/clock.ts';
import { AppError, isAppError } from '../../src/std/errors.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { type BundleFacts, type BundleRepository, openBundle } from '../fakes/git-bundle-repository.ts';
import { plainTreeArchive } from '../fakes/plain-tree-archive.ts';
import { PlainPages, type WrittenPage } from '../fakes/plain-pages.ts';
import { resolveQuery } from './git-client.ts';
import { answersOf } from './git-source.ts';
import { archivesOf } from './goproxy-content.ts';
import { type Row, rowsOf, stringAt, type Suite, type Tally } from './suite.ts';

export const suites: Suite[] = [{ group: 'git', file: 'discovery/end_to_end.json', run: runEndToEnd }];

const REPOSITORIES = 'https://vcs-test.golang.org/git/';
/** Where the recorded module proxy was. */
const RECORDED_PROXY = 'http://127.0.0.1:18125';

async function runEndToEnd(data: unknown, t: Tally): Promise<void> {
  const archives = archivesOf(t);
  if (archives === undefined) return;
  const upstream = await startFakeUpstream({ content: [archives] });
  const bundles = new Bundles(join(t.directory, 'vcs'));
  const client = new HttpClient({ userAgent: 'larder/test' });
  try {
    const pages = new Map(Object.entries((data as { pages: Record<string, WrittenPage> }).pages));
    for (const row of rowsOf(data, 'tests')) {
      const name = `${stringAt(row, 'name')}: ${stringAt(row, 'module')}@${stringAt(row, 'query')}`;
      const problem = await problemOf(row, { upstream, bundles, client, pages: new PlainPages(pages) });
      if (problem instanceof Missing) t.skip(name, problem.message);
      else t.check(name, problem === undefined, () => problem ?? '');
    }
  } finally {
    await client.close();
    await upstream.close();
    await bundles.close();
  }
}

interface World {
  readonly upstream: FakeUpstream;
  readonly bundles: Bundles;
  readonly client: HttpClient;
  readonly pages: PlainPages;
}

/** A smaller collection may lack a repository: then only whom discovery asks is looked at. */
class Missing extends Error {}

async function problemOf(row: Row, world: World): Promise<string | Missing | undefined> {
  const came = await download(row, sourceIn(world, stringAt(row, 'GOINSECURE')));
  const asked = world.pages.asked.filter((url) => url.startsWith('http:'));
  if (!isDeepStrictEqual(asked, row['http_requests'])) return `asked ${JSON.stringify(asked)}`;
  if (came instanceof Missing) return came;
  if (came instanceof AppError) return refusalProblem(row, came);
  if (row['error'] !== null) return `not refused: ${stringAt(row, 'error')}`;
  const wrong = Object.entries(came).filter(([key, value]) => !isDeepStrictEqual(value, row[key]));
  return wrong.length === 0 ? undefined : wrong.map(([key, value]) => `${key} is ${JSON.stringify(value)}`).join('; ');
}

/** Nothing is there, unless the reference was forbidden to look, or could not. */
function refusalProblem(row: Row, { code, message }: AppError): string | undefined {
  const error = row['error'];
  if (typeof error !== 'string') return `refused: ${message}`;
  const isForbidden = error.includes('GOVCS disallows');
  const isUnreachable = error.includes('https fetch: Get');
  const codes = isForbidden
    ? ['POLICY_DENIED']
    : isUnreachable
      ? ['UPSTREAM_UNAVAILABLE']
      : ['NOT_FOUND', 'BAD_MODULE_PATH', 'BAD_VERSION'];
  return codes.includes(code) ? undefined : `${code}: ${message}`;
}

async function download(row: Row, source: VcsSource): Promise<Readonly<Record<string, unknown>> | AppError | Missing> {
  try {
    const answers = answersOf(source, parseModulePath(stringAt(row, 'module')));
    const { info } = await resolveQuery(answers, stringAt(row, 'query'));
    const mod = await answers.mod(info.version);
    const modsum = hash1([{ name: 'go.mod', sha256: sha256Hex(mod) }]);
    return { version: info.version, mod: textOfBytes(mod), modsum, sum: (await answers.zip(info.version)).sum };
  } catch (error) {
    if (isAppError(error) || error instanceof Missing) return error;
    throw error;
  }
}

function sourceIn({ upstream, bundles, client, pages }: World, insecure: string): VcsSource {
  const rules = {
    govcs: [],
    aliases: [],
    isPrivate: () => false,
    isInsecure: (module: string) => matchPrefixPatterns(insecure, module),
  };
  const ping = async (url: string): Promise<boolean> => url.startsWith(REPOSITORIES);
  const o = { pages, ping, rules, credentials: NO_CREDENTIALS, rewrite: rewriteBy([]), clock: systemClock };
  return new VcsSource({
    name: 'direct',
    discovery: new Discovery(o),
    mirrors: { open: (url) => ({ snapshot: () => bundles.snapshot(url) }) },
    proxyAt: ({ url }) => {
      const base = new URL(url.replace(RECORDED_PROXY, upstream.origin));
      return new GoproxySource({ name: 'mod', base, client, credentials: NO_CREDENTIALS });
    },
    versionMs: 0,
    mutableMs: 0,
    clock: systemClock,
  });
}

/** The repositories of the collection, each opened once. */
class Bundles {
  readonly #folder: string;
  readonly #open = new Map<string, Promise<GitSnapshot & BundleRepository>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The same one each time. */
  snapshot(url: string): Promise<GitSnapshot & BundleRepository> {
    return this.#open.get(url) ?? this.#start(url);
  }

  #start(url: string): Promise<GitSnapshot & BundleRepository> {
    const opened = this.#read(url);
    this.#open.set(url, opened);
    return opened;
  }

  async #read(url: string): Promise<GitSnapshot & BundleRepository> {
    const name = url.slice(REPOSITORIES.length);
    const path = join(this.#folder, 'repos', `${name}.bundle`);
    if (!existsSync(path)) throw new Missing(`no vcs/repos/${name}.bundle`);
    const repository = await openBundle(path, { url, ...(await this.#factsOf(name)) });
    return { ...plainTreeArchive(repository.directory), ...repository };
  }

  /** What the bundle alone does not say stands with the cases of its repository, where there are some. */
  async #factsOf(name: string): Promise<Omit<BundleFacts, 'url'>> {
    const file = join(this.#folder, 'golden', `${name}.json`);
    if (!existsSync(file)) return { head: '', refs: new Map() };
    const golden = JSON.parse(await readFile(file, 'utf8')) as Row;
    const rows = golden['refs'] as readonly (readonly string[])[];
    return { head: stringAt(golden, 'head'), refs: new Map(rows.map(([hash = '', ref = '']) => [ref, hash])) };
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#open.values()))
      if (opened.status === 'fulfilled') await opened.value.close();
  }
}
