/** What a power cut needs: bytes are on disk before they have a name, and the name is on disk before anyone is told. Read from the system calls. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipUnless } from '../skip.ts';

/** Containers often have strace but forbid it to trace. */
const hasStrace = spawnSync('strace', ['-f', 'true']).status === 0;

/** A system call that succeeded: where it began and ended among the lines of the trace. */
interface Call {
  readonly name: string;
  readonly args: string;
  readonly began: number;
  readonly ended: number;
}

describe('the order of system calls', () => {
  skipUnless(hasStrace, 'strace is not installed or may not trace');
  let root: string;
  let calls: Call[];

  beforeAll(async () => {
    if (!hasStrace) return;
    root = await mkdtemp(join(tmpdir(), 'larder-order-'));
    const trace = join(root, 'trace');
    const writer = join(import.meta.dirname, 'writer.ts');
    const watched = 'trace=link,linkat,fsync,fdatasync,write,rename,renameat,renameat2';
    const argv = [
      '-f',
      '-y',
      '-s',
      '300',
      '-e',
      watched,
      '-o',
      trace,
      process.execPath,
      writer,
      join(root, 'data'),
      '7',
      '6',
    ];
    execFileSync('strace', argv, { stdio: 'ignore' });
    calls = parseTrace(await readFile(trace, 'utf8'));
  });
  afterAll(async () => {
    if (hasStrace) await rm(root, { recursive: true, force: true });
  });

  const linked = (): { from: string; to: string; call: Call }[] =>
    calls.flatMap((call) => {
      const [, from, to] = /^"([^"]+)", "([^"]+)"$/.exec(call.args) ?? [];
      return call.name === 'link' && from !== undefined && to !== undefined ? [{ from, to, call }] : [];
    });
  const synced = (path: string): Call[] =>
    calls.filter((call) => call.name === 'fsync' && call.args.endsWith(`<${path}>`));

  test('18 artifacts were committed, each as data and record, and told', () => {
    const names = linked().map(({ to }) => to.slice(join(root, 'data').length + 1));
    expect(names.filter((name) => name.startsWith('download/'))).toHaveLength(18);
    expect(names.filter((name) => name.startsWith('meta/'))).toHaveLength(18);
    expect(calls.filter((call) => call.name === 'write' && /^1<.*"download\//.test(call.args))).toHaveLength(18);
  });

  test('a file is synced before it gets its name', () => {
    for (const { from, to, call } of linked()) {
      expect(
        synced(from).some((sync) => sync.ended < call.began),
        `fsync of ${from} before link to ${to}`,
      ).toBe(true);
    }
  });

  test('nothing is written to a file after it was synced', () => {
    for (const { from, call } of linked()) {
      const writes = calls.filter(
        (one) => one.name === 'write' && one.args.includes(`<${from}>`) && one.began < call.began,
      );
      const lastSync = synced(from).findLast((sync) => sync.ended < call.began);
      for (const write of writes) expect(write.ended).toBeLessThan(lastSync?.began ?? 0);
    }
  });

  test('the record gets its name only after the name of the data is on disk', () => {
    const links = linked();
    for (const { to, call } of links.filter((one) => one.to.includes('/data/download/'))) {
      const record = links.find((one) => one.to === `${to.replace('/data/download/', '/data/meta/')}.json`);
      const isDurable = synced(dirname(to)).some(
        (sync) => sync.began > call.ended && sync.ended < (record?.call.began ?? 0),
      );
      expect(isDurable, to).toBe(true);
    }
  });

  test('an artifact is told of only after the name of its record is on disk', () => {
    for (const { to, call } of linked().filter((one) => one.to.includes('/data/meta/'))) {
      const key = to.slice(join(root, 'data', 'meta/').length).replace(/\.json$/, '');
      const told = calls.find((one) => one.name === 'write' && one.args.includes(`"download/${key}\\n"`));
      expect(told, `acknowledgement of ${key}`).toBeDefined();
      const isDurable = synced(dirname(to)).some((sync) => sync.began > call.ended && sync.ended < (told?.began ?? 0));
      expect(isDurable, to).toBe(true);
    }
  });

  test('the folders that were made on the way are on disk before the first acknowledgement', () => {
    const first = calls.find((one) => one.name === 'write' && one.args.includes('"download/'));
    for (
      let folder = join(root, 'data/download/example.com/crash/!test');
      folder.length >= join(root, 'data').length;
      folder = dirname(folder)
    ) {
      expect(
        synced(folder).some((sync) => sync.ended < (first?.began ?? 0)),
        folder,
      ).toBe(true);
    }
  });

  test('no artifact is renamed into place: a rename overwrites', () => {
    const renamed = calls.filter((call) => call.name.startsWith('rename')).map((call) => call.args);
    expect(renamed.filter((args) => !/\/@v\/list"[^"]*$/.test(args))).toEqual([]);
  });

  test('the reading of a trace pairs calls that were interrupted by others', () => {
    const text = [
      '10 fsync(21</a/b> <unfinished ...>',
      '11 link("/a/b", "/a/c") = 0',
      '10 <... fsync resumed>) = 0',
      '11 link("/a/b", "/a/d") = -1 EEXIST (File exists)',
    ].join('\n');
    expect(parseTrace(text)).toEqual([
      { name: 'link', args: '"/a/b", "/a/c"', began: 1, ended: 1 },
      { name: 'fsync', args: '21</a/b>', began: 0, ended: 2 },
    ]);
  });
});

/** The calls that succeeded, in the order in which they ended. */
function parseTrace(text: string): Call[] {
  const begun = new Map<string, { name: string; args: string; began: number }>();
  const calls: Call[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const [, name = '', args = ''] = /^(\w+)\((.*)$/.exec(rest) ?? [];
    if (rest.endsWith('<unfinished ...>')) {
      begun.set(pid, { name, args: args.slice(0, -'<unfinished ...>'.length).trimEnd(), began: at });
      continue;
    }
    const resumed = rest.startsWith('<... ') ? begun.get(pid) : undefined;
    const [, tail = '', result = ''] =
      /^(.*)\)\s+= (-?\d+)/.exec(resumed === undefined ? args : rest.replace(/^<\.\.\. \w+ resumed>/, '')) ?? [];
    if (result === '' || result.startsWith('-')) continue;
    calls.push({
      name: resumed?.name ?? name,
      args: resumed === undefined ? tail : resumed.args + tail,
      began: resumed?.began ?? at,
      ended: at,
    });
  }
  return calls;
}
