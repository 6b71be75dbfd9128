/** Modules straight from repositories, in one run against `go` with GOPROXY=direct doing the same. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommitSpec, growRepository, makeRepository } from '../tests/fakes/git-repositories.ts';
import type { Case, Ground, Row } from './cases.ts';
import { type GitGround, goDownload, HOST, withGitHost } from './git-ground.ts';
import { latencies } from './ground.ts';
import { latencyMs, median } from './load.ts';
import { memoryMib } from '../tests/fakes/process-memory.ts';
import type { Subject } from './processes.ts';

export const GIT_CASES: Readonly<Record<string, Case>> = {
  'git cold': gitCold,
  'git next version': gitNextVersion,
  'git siblings': gitSiblings,
  'git large': gitLarge,
  'git list': gitList,
};

const ROUNDS = 9;

/** A small module with some history. */
function smallModule(path: string): readonly CommitSpec[] {
  const files = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [
      `file${i}.go`,
      `package small\n\n// ${'Small. '.repeat(50)}\nconst N${i} = ${i}\n`,
    ]),
  );
  const first: CommitSpec = { files: { 'go.mod': `module ${path}\n\ngo 1.20\n`, ...files } };
  const later = Array.from(
    { length: 30 },
    (_, i): CommitSpec => ({ files: { 'file0.go': `package small\n\nconst N0 = ${i}\n` } }),
  );
  return [first, ...later, { files: { 'README.md': 'done\n' }, tags: ['v1.0.0'] }];
}

/** What the go command asks for one version, one after the other. */
async function askAll({ base }: Subject, path: string, version: string): Promise<number> {
  let ms = 0;
  for (const kind of ['info', 'mod', 'zip']) ms += await latencyMs(`${base}/${path}/@v/${version}.${kind}`);
  return ms;
}

/** A series of times as a row: beside `direct`, and with a goal where there is one. */
function rowOf(name: string, subject: string, each: readonly number[], o: Beside = {}): Row {
  const ratio = o.direct === undefined ? undefined : median(each) / median(o.direct);
  return {
    name,
    subject,
    figures: { ...latencies(each), ...o.figures },
    ratios: ratio === undefined ? {} : { 'to direct': ratio },
    ...(o.most !== undefined && {
      goal: `≤ ${o.most} × go direct${o.goal ?? ''}`,
      reached: ratio !== undefined && ratio <= o.most && o.isReached !== false,
    }),
  };
}

interface Beside {
  readonly direct?: readonly number[];
  readonly figures?: Readonly<Record<string, number>>;
  /** Most times what `direct` takes. */
  readonly most?: number;
  /** What else is a part of the goal, and whether it was reached. */
  readonly goal?: string;
  readonly isReached?: boolean;
}

interface Ways {
  readonly direct: number[];
  readonly through: number[];
  readonly alone: number[];
}

/** Every round a repository that nobody asked for before, for each of the three ways. */
async function gitCold(ground: Ground): Promise<readonly Row[]> {
  return await withGitHost(ground, async (on) => {
    const larder = await on.larder('cold');
    const ways: Ways = { direct: [], through: [], alone: [] };
    const make = async (name: string): Promise<string> => {
      const path = `${HOST}/cold/${name}.git`;
      await makeRepository(join(on.repositories, 'cold', `${name}.git`), { commits: smallModule(path) });
      return path;
    };
    for (let i = 0; i <= ROUNDS; i++) {
      const [one, two, three] = [await make(`one${i}`), await make(`two${i}`), await make(`three${i}`)];
      const direct = await goDownload(`${one}@v1.0.0`, client(ground, on, 'direct'));
      const through = await goDownload(`${two}@v1.0.0`, client(ground, on, larder.base));
      const alone = await askAll(larder, three, 'v1.0.0');
      if (i > 0) note(ways, { direct, through, alone });
    }
    await larder.stop();
    const name = 'git: cold private module, small repository';
    const { direct } = ways;
    return [
      rowOf(name, 'go direct', direct),
      rowOf(name, 'go through larder', ways.through, { direct, most: 0.7 }),
      rowOf(name, 'larder', ways.alone, { direct }),
    ];
  });
}

/** A tag that was made a moment ago, in a repository that both sides have fetched before. */
async function gitNextVersion(ground: Ground): Promise<readonly Row[]> {
  return await withGitHost(ground, async (on) => {
    const larder = await on.larder('next');
    const ways: Ways = { direct: [], through: [], alone: [] };
    const empty: number[] = [];
    const names = ['direct', 'through', 'alone'] as const;
    const path = (name: string): string => `${HOST}/next/${name}.git`;
    for (const name of names)
      await makeRepository(join(on.repositories, 'next', `${name}.git`), { commits: smallModule(path(name)) });
    const kept = { direct: keptClient(ground, on, 'direct'), through: keptClient(ground, on, larder.base) };
    await goDownload(`${path('direct')}@v1.0.0`, kept.direct);
    await goDownload(`${path('through')}@v1.0.0`, kept.through);
    await askAll(larder, path('alone'), 'v1.0.0');
    for (let i = 1; i <= ROUNDS; i++) {
      for (const name of names)
        await growRepository(join(on.repositories, 'next', `${name}.git`), [
          { files: { 'file1.go': `package small\n\nconst N1 = ${i}\n` }, tags: [`v1.0.${i}`] },
        ]);
      note(ways, {
        direct: await goDownload(`${path('direct')}@v1.0.${i}`, kept.direct),
        through: await goDownload(`${path('through')}@v1.0.${i}`, kept.through),
        alone: await askAll(larder, path('alone'), `v1.0.${i}`),
      });
      empty.push(await goDownload(`${path('direct')}@v1.0.${i}`, client(ground, on, 'direct')));
    }
    await larder.stop();
    const name = 'git: next version of a repository mirrored before';
    const { direct } = ways;
    return [
      rowOf(name, 'go direct, cache kept', direct),
      rowOf(name, 'go through larder, cache kept', ways.through, { direct }),
      rowOf(name, 'larder', ways.alone, { direct, most: 0.25 }),
      rowOf(name, 'go direct, empty cache', empty),
    ];
  });
}

const SIBLINGS = 50;

/** Fifty modules of one repository, asked for all at once. */
async function gitSiblings(ground: Ground): Promise<readonly Row[]> {
  return await withGitHost(ground, async (on) => {
    const root = `${HOST}/team/mono.git`;
    const names = Array.from({ length: SIBLINGS }, (_, i) => `part${i}`);
    const files = names.map((name) => [`${name}/go.mod`, `module ${root}/${name}\n`] as const);
    await makeRepository(join(on.repositories, 'team/mono.git'), {
      commits: [{ files: Object.fromEntries(files), tags: names.map((name) => `${name}/v1.0.0`) }],
    });
    const larder = await on.larder('siblings');
    on.host.clearLog();
    const started = performance.now();
    await Promise.all(names.map((name) => askAll(larder, `${root}/${name}`, 'v1.0.0')));
    const ms = performance.now() - started;
    const fetches = on.host.count('fetch');
    await larder.stop();
    return [
      {
        name: `git: ${SIBLINGS} modules of one repository at once`,
        subject: 'larder',
        figures: { 'ms wall': ms, 'fetch requests': fetches, requests: on.host.requests.length },
        ratios: {},
        goal: 'one fetch',
        reached: fetches === 1,
      },
    ];
  });
}

const LARGE_FILES = 4000;
const LARGE_BYTES = 20_000_000;
const LARGE_ROUNDS = 5;

/** Text that deflates about as Go code does, the same for the same number. */
function codeOf(n: number, bytes: number): string {
  const words = [
    'func',
    'return',
    'err',
    'nil',
    'if',
    'range',
    'string',
    'context',
    'value',
    'struct',
    'import',
    'type',
  ];
  let seed = n * 2_654_435_761;
  let text = `package large\n\n// File ${n}\n`;
  while (text.length < bytes) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    text += `${words[seed % words.length]}${(seed >>> 8) % 1000}${seed % 7 === 0 ? '\n\t' : ' '}`;
  }
  return text.slice(0, bytes);
}

async function gitLarge(ground: Ground): Promise<readonly Row[]> {
  return await withGitHost(ground, async (on) => {
    const path = `${HOST}/team/large.git`;
    const files = Array.from({ length: LARGE_FILES }, (_, i) => {
      const name = `pkg${i % 100}/file${i}.go`;
      return [name, codeOf(i, LARGE_BYTES / LARGE_FILES)] as const;
    });
    await makeRepository(join(on.repositories, 'team/large.git'), {
      commits: [{ files: { 'go.mod': `module ${path}\n`, ...Object.fromEntries(files) }, tags: ['v1.0.0'] }],
    });
    const ways: Ways = { direct: [], through: [], alone: [] };
    const peaks: number[] = [];
    for (let i = 0; i < LARGE_ROUNDS; i++) {
      const direct = await goDownload(`${path}@v1.0.0`, client(ground, on, 'direct'));
      const first = await on.larder(`large${i}`);
      const alone = await askAll(first, path, 'v1.0.0');
      peaks.push(memoryMib(first.pid, 'VmHWM'));
      await first.stop();
      const second = await on.larder(`large${i}again`);
      const through = await goDownload(`${path}@v1.0.0`, client(ground, on, second.base));
      await second.stop();
      note(ways, { direct, through, alone });
    }
    const name = `git: ${LARGE_FILES} files, ${LARGE_BYTES / 1e6} MB, cold`;
    const peak = Math.max(...peaks);
    const { direct } = ways;
    return [
      rowOf(name, 'go direct', direct),
      rowOf(name, 'larder', ways.alone, {
        direct,
        figures: { 'MB peak': peak },
        most: 0.5,
        goal: ', ≤ 150 MB',
        isReached: peak <= 150,
      }),
      rowOf(name, 'go through larder', ways.through, { direct }),
    ];
  });
}

/** Older than refs may be that a list is made from. */
const OLD_REFS_MS = 6000;

/** What it takes to find out that a list is as it was. */
async function gitList(ground: Ground): Promise<readonly Row[]> {
  return await withGitHost(ground, async (on) => {
    const path = `${HOST}/team/list.git`;
    await makeRepository(join(on.repositories, 'team/list.git'), { commits: smallModule(path) });
    const list = `${path}/@v/list`;
    const larder = await on.larder('list', [
      'resolver.fresh=0',
      'resolver.staleWhileRevalidate=0',
      'resolver.refreshEvery=0',
    ]);
    await latencyMs(`${larder.base}/${list}`);
    await sleep(OLD_REFS_MS);
    on.host.clearLog();
    const ms = await latencyMs(`${larder.base}/${list}`);
    const { requests } = on.host;
    const lists = on.host.count('ls-refs');
    const fetches = on.host.count('fetch');
    await larder.stop();
    return [
      {
        name: 'git: a list asked for again',
        subject: 'larder',
        figures: { ms, 'ls-remote': lists, 'fetch requests': fetches, requests: requests.length },
        ratios: {},
        goal: 'one ls-remote, no fetch',
        reached: lists === 1 && fetches === 0,
      },
    ];
  });
}

function note(ways: Ways, one: Readonly<Record<keyof Ways, number>>): void {
  for (const way of ['direct', 'through', 'alone'] as const) ways[way].push(one[way]);
}

type Client = Parameters<typeof goDownload>[1];

/** A go command with an empty GOPATH. */
function client(ground: Ground, on: GitGround, proxy: string): Client {
  const home = join(ground.scratch, 'gopath');
  rmSync(home, { recursive: true, force: true });
  return { home, proxy, env: on.goEnv };
}

/** One that keeps what it has. */
function keptClient(ground: Ground, on: GitGround, proxy: string): Client {
  return { home: join(ground.scratch, `gopath-${proxy.replace(/\W/g, '')}`), proxy, env: on.goEnv };
}
