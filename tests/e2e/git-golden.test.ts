/** The real go command takes what it once made of many repositories itself out of the shipped server, which knows them by its own git host on loopback alone: the same sums. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CertificateAuthority, hasOpenssl } from '../fakes/certificates.ts';
import { plainGit } from '../fakes/git-repositories.ts';
import { type GitServer, startGitServer } from '../fakes/git-server.ts';
import { skipUnless } from '../skip.ts';
import type { LarderProcess } from './larder-process.ts';
import { clientsIn, installed, lardersIn } from './proof-rig.ts';

const collection = join(
  process.env['CONFORMANCE_DIR'] ?? resolve(import.meta.dirname, '../../../shared/conformance'),
  'vcs',
);
const isThere = existsSync(join(collection, 'golden')) && hasOpenssl();
const [tool] = installed;
/** Where the collection says that its repositories are. */
const COLLECTED = 'https://vcs-test.golang.org/git/';
const OTHER = 'https://github.com/rsc/';
const MIN_REPOSITORIES = 25;
/** Of those that are refused, every one of so many is asked for. */
const REFUSED_STEP = 60;

/** One repository, and what the go command says of its modules. */
interface Golden {
  readonly url: string;
  readonly bundle: string;
  readonly head: string;
  readonly refs: readonly (readonly [hash: string, name: string])[];
  readonly downloads: readonly GoldenDownload[];
}

interface GoldenDownload {
  readonly module: string;
  readonly query: string;
  readonly error: string | null;
  readonly version: string;
  readonly sum: string;
  readonly modsum: string;
}

/** What `go mod download -json` prints for each module. */
interface Downloaded {
  readonly Path: string;
  readonly Version: string;
  readonly Query?: string;
  readonly Error?: string;
  readonly Sum?: string;
  readonly GoModSum?: string;
}

const scratch = mkdtempSync(join(tmpdir(), 'larder-golden-'));
const fresh = clientsIn(scratch);
const startLarder = lardersIn(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('repositories of all kinds', { timeout: 120_000 }, () => {
  skipUnless(isThere && tool !== undefined, 'needs the conformance cases (CONFORMANCE_DIR), openssl and go');
  const goldens = isThere ? readGoldens() : [];
  let server: GitServer;
  let larder: LarderProcess;

  beforeAll(async () => {
    if (!isThere || tool === undefined) return;
    const repositories = join(scratch, 'repositories');
    mkdirSync(repositories);
    for (const golden of goldens) unpack(golden, repositories);
    mkdirSync(join(scratch, 'ca'));
    const authority = new CertificateAuthority(join(scratch, 'ca'));
    writeFileSync(join(scratch, 'ca.pem'), authority.certificate.cert);
    server = await startGitServer({ repositories, tls: authority.issue({ names: 'IP:127.0.0.1' }) });
    larder = await startLarder({
      upstream: 'direct',
      flags: ['--set', `git.rewrites=${COLLECTED}=${server.origin}/;${OTHER}=${server.origin}/`],
      env: { SSL_CERT_FILE: join(scratch, 'ca.pem') },
    });
  }, 120_000);

  afterAll(async () => {
    await larder?.signal('SIGKILL');
    await server?.close();
  });

  /** What the go command gets, in one run of it, by `PATH@QUERY`. */
  async function downloaded(wanted: readonly string[]): Promise<ReadonlyMap<string, Downloaded>> {
    if (tool === undefined) return new Map();
    const client = fresh({ tool, proxy: larder.base, env: {}, patienceMs: 100_000 });
    const { stdout } = await client.download('-json', ...wanted);
    const all = JSON.parse(`[${stdout.replaceAll('}\n{', '},{')}]`) as readonly Downloaded[];
    return new Map(all.map((one) => [`${one.Path}@${one.Query ?? one.Version}`, one]));
  }

  test('give the go command every version with the sums that it makes itself', async () => {
    const expected = new Map(
      goldens
        .flatMap(({ downloads }) => downloads.filter(({ error }) => error === null))
        .map(({ module, version, sum, modsum }) => [`${module}@${version}`, { sum, modsum }]),
    );
    const got = await downloaded([...expected.keys()]);
    const wrong = [...expected].filter(([name, { sum, modsum }]) => {
      const one = got.get(name);
      return one?.Sum !== sum || one.GoModSum !== modsum;
    });
    expect(wrong.map(([name, sums]) => ({ name, ...sums, got: got.get(name) }))).toEqual([]);
    expect(expected.size).toBeGreaterThan(350);
    const fetched = new Set(server.requests.filter(({ kind }) => kind === 'fetch').map(({ target }) => target));
    expect(fetched.size).toBeGreaterThanOrEqual(MIN_REPOSITORIES);
  });

  test('give it nothing where it fails itself', async () => {
    const refused = goldens
      .flatMap(({ downloads }) => downloads)
      .filter(({ error, query }) => error !== null && /^v\d+\.\d+\.\d+/.test(query))
      .filter((_, i) => i % REFUSED_STEP === 0)
      .map(({ module, query }) => `${module}@${query}`);
    expect(refused.length).toBeGreaterThan(50);
    const got = await downloaded(refused);
    expect(refused.filter((name) => (got.get(name)?.Error ?? '') === '')).toEqual([]);
  });
});

function readGoldens(): readonly Golden[] {
  const folder = join(collection, 'golden');
  return readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Golden);
}

/** Makes the bare repository that a bundle is of. A bundle leaves out a tag and a branch of one name. */
function unpack({ url, bundle, refs, head }: Golden, repositories: string): void {
  const folder = join(repositories, `${url.slice(url.lastIndexOf('/') + 1)}.git`);
  plainGit(repositories, ['clone', '-q', '--mirror', join(collection, bundle), folder]);
  const updates = refs.map(([hash, name]) => `update ${name} ${hash}\n`).join('');
  plainGit(folder, ['update-ref', '--stdin'], {}, updates);
  if (head !== '') plainGit(folder, ['symbolic-ref', 'HEAD', head]);
}
