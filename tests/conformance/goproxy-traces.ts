/**
 * The real go command, replayed twice side by side: through a Larder, and as a control against the very upstream that the Larder has.
 * Each step of a trace is one case. Through Larder it has to end as recorded: exit code, requests with their statuses, go.mod, go.sum, and
 * what is in the module cache; its output has to be the control's, because it names versions of go itself. Where the installed go is
 * another than the recorded one, all but the exit code has to be the control's; a step that this go is too old for is skipped.
 *
 * `$P/NAME` (an upstream that misbehaves in a named way) becomes a Larder of its own whose upstream is `FAKE/NAME`. Two things are not compared
 * word by word, because they are Larder's to say: the status of a failure that is not 404 or 410 (it may be another failure), and error texts.
 * One is left out: the request for the .info of a pseudo-version that only an unclean list of the upstream named; the lists that Larder gives
 * out hold no pseudo-versions.
 *
 * Where a step has a checksum database, its Larder checks against the same one, through the upstream, and relays it; `$P/NAME` as the address
 * of a database becomes a Larder that relays `FAKE/NAME`. Such a Larder says no where the recorded proxy gave the go command something to find out
 * for itself (a tampered go.mod; modules that cannot be checked because the database is down). Then the go command hears another failure, and stops
 * at another place: what has to be the same there is that it fails, that go.mod and go.sum are what they were, and that nothing is in
 * the module cache that the recorded run did not leave there.
 *
 * A GOPROXY that is more than one plain base is tried a second time the other way round: as the upstream of a Larder.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isPseudoVersion } from '../../src/gomod/pseudo.ts';
import { goVersion } from '../e2e/go-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { archivesOf, recordedDatabases } from './goproxy-content.ts';
import { inOrder, type StepOutcome, TracedGo, withBase } from './goproxy-go.ts';
import { type ServedLarder, serveLarder } from './goproxy-larder.ts';
import { sideBySide } from './goproxy-parallel.ts';
import { goproxyOf, Larders, placesIn } from './goproxy-places.ts';
import { type Exchange, startRecorder } from './goproxy-recorder.ts';
import { type Row, rowsOf, type Suite, stringAt, type Tally } from './suite.ts';

const OLDEST_GO = [1, 21] as const;

/** What all traces share. */
interface Stage {
  readonly t: Tally;
  readonly upstream: FakeUpstream;
  readonly larders: Larders;
  /** Of the installed go: `1.26`. */
  readonly goVersion: string;
  /** Of the recorded go. */
  readonly recordedVersion: string;
}

// ------------------------------------------------------------------ one trace

async function replay(trace: Row, stage: Stage): Promise<void> {
  const steps = rowsOf(trace, 'steps');
  const name = stringAt(trace, 'name');
  const places = placesIn(steps);
  const folder = await mkdtemp(join(tmpdir(), 'larder-trace-'));
  const recorders = await Promise.all([
    startRecorder((path) => stage.larders.route(path, places)),
    startRecorder(async (path) => ({ base: stage.upstream.base, path })),
  ]);
  try {
    const runs = recorders.map((recorder, n) => new TracedGo(join(folder, String(n)), recorder));
    await Promise.all(runs.map((run) => run.prepare(projectOf(trace, stage))));
    for (const [n, step] of steps.entries()) {
      const [ours, control] = await Promise.all(runs.map((run) => run.run(step)));
      if (ours === undefined || control === undefined) continue;
      await judge(titleOf(name, n, step), { step, ours, control }, stage);
    }
  } finally {
    await Promise.all(recorders.map((one) => one.close()));
    await rm(folder, { recursive: true, force: true });
  }
}

function titleOf(name: string, n: number, step: Row): string {
  return `${name}, step ${n + 1}: ${stringAt(step, 'cmd')}`;
}

function projectOf(trace: Row, stage: Stage): Record<string, string> {
  const files = (trace['files'] ?? {}) as Record<string, string>;
  return { ...files, 'go.mod': forInstalledGo(stringAt(trace, 'go.mod'), stage) };
}

/** A go.mod that names the recorded go names the installed one instead, or it would be refused. */
function forInstalledGo(goMod: string, { goVersion: installed, recordedVersion }: Stage): string {
  return goMod.replace(`\ngo ${recordedVersion}\n`, `\ngo ${installed}\n`);
}

// ------------------------------------------------------------------ the verdict

interface Runs {
  readonly step: Row;
  readonly ours: StepOutcome;
  readonly control: StepOutcome;
}

/** What a step should come to. */
type Reference = Omit<StepOutcome, 'stderr'>;

interface Pair {
  readonly ours: StepOutcome;
  readonly reference: Reference;
}

const COMPARED = ['exit', 'stdout', 'requests', 'go_mod', 'go_sum', 'cache_download_files'] as const;

/** How the go command says that it is too old for what it was told. */
const TOO_OLD = /requires go >=|flag provided but not defined|unknown (?:directive|subcommand|command)/;

async function judge(title: string, { step, ours, control }: Runs, stage: Stage): Promise<void> {
  const isOther = stage.goVersion !== stage.recordedVersion;
  const isTooOld = isOther && TOO_OLD.test(control.stderr);
  if (control.exit !== step['exit'] && isTooOld)
    return stage.t.skip(title, `go ${stage.goVersion} cannot do it: ${control.stderr.trim().split('\n').at(-1)}`);
  const reference: Reference = isOther
    ? { ...control, exit: Number(step['exit']) }
    : { ...recordedOutcome(step, stage), stdout: control.stdout };
  const needless = await uncleanQuestions(reference.requests, ours.requests, stage.upstream);
  if (isRefusedHere({ ours, reference })) return judgeRefusal(title, { ours, reference }, stage);
  const wanted = comparable({ ...reference, requests: reference.requests.filter((one) => !needless.includes(one)) });
  const got = comparable(ours);
  const wrong = COMPARED.filter((key) => !isDeepStrictEqual(got[key], wanted[key])).map((key) =>
    differenceOf(key, got[key], wanted[key]),
  );
  stage.t.check(title, wrong.length === 0, () => `${wrong.join('\n    ')}\n    stderr ${JSON.stringify(ours.stderr)}`);
}

/** Whether a run that had to fail did so because Larder gave out no bytes where the recorded proxy did. */
function isRefusedHere({ ours, reference }: Pair): boolean {
  const given = new Set(reference.requests.flatMap(([line, status]) => (status === 200 ? [line] : [])));
  return reference.exit !== 0 && ours.requests.some(([line, status]) => given.has(line) && status >= 500);
}

/** See the head of this file. */
function judgeRefusal(title: string, { ours, reference }: Pair, { t }: Stage): void {
  const wrong = (['exit', 'go_mod', 'go_sum'] as const)
    .filter((key) => ours[key] !== reference[key])
    .map((key) => differenceOf(key, ours[key], reference[key]));
  const left = ours.cache_download_files.filter((file) => !reference.cache_download_files.includes(file));
  if (left.length > 0) wrong.push(`left in the cache: ${JSON.stringify(left)}`);
  t.check(title, wrong.length === 0, () => `${wrong.join('\n    ')}\n    stderr ${JSON.stringify(ours.stderr)}`);
}

function recordedOutcome(step: Row, stage: Stage): Reference {
  return {
    exit: Number(step['exit']),
    stdout: stringAt(step, 'stdout'),
    requests: (step['requests'] ?? []) as readonly Exchange[],
    go_mod: forInstalledGo(stringAt(step, 'go_mod'), stage),
    go_sum: stringAt(step, 'go_sum'),
    cache_download_files: (step['cache_download_files'] ?? []) as readonly string[],
  };
}

/** The requests for the .info of a pseudo-version that nobody made of us, and that only a list of the upstream can have led to. */
async function uncleanQuestions(
  wanted: readonly Exchange[],
  got: readonly Exchange[],
  upstream: FakeUpstream,
): Promise<readonly Exchange[]> {
  const needless: Exchange[] = [];
  for (const one of wanted) {
    const [, list = '', version = ''] = /^GET (\/.*\/@v\/)(.*)\.info$/.exec(one[0]) ?? [];
    if (!isPseudoVersion(version) || got.some(([line]) => line === one[0])) continue;
    const text = await (await fetch(`${upstream.base}${list}list`)).text();
    if (text.split(/\s+/).includes(version)) needless.push(one);
  }
  return needless;
}

/** An outcome with only what has to be the same. */
function comparable(outcome: Reference): Record<(typeof COMPARED)[number], unknown> {
  return { ...outcome, requests: inOrder(outcome.requests).map(([line, status]) => `${line} ${meaningOf(status)}`) };
}

/** What a status says to the go command: here it is, it is not here, or neither. */
function meaningOf(status: number): string {
  return status === 200 || status === 404 || status === 410 ? String(status) : 'failed';
}

function differenceOf(key: string, got: unknown, wanted: unknown): string {
  if (!Array.isArray(got) || !Array.isArray(wanted))
    return `${key}: got ${JSON.stringify(got)}, want ${JSON.stringify(wanted)}`;
  const more = got.filter((one) => !wanted.includes(one));
  const less = wanted.filter((one) => !got.includes(one));
  return `${key}: too many ${JSON.stringify(more)}, missing ${JSON.stringify(less)} (${got.length} for ${wanted.length})`;
}

// ------------------------------------------------------------------ the same list, as Larder's own

/** A list of one plain base is what every Larder here has for an upstream anyway. */
const PLAIN = /^\$P(?:\/\w+)*$/;

/**
 * What the go command does with a GOPROXY value, Larder has to do with it as its upstream: the same requests in the same order with the
 * same statuses, where the go command makes some; and where it refuses the value, refuse it too, or at least ask nobody.
 */
async function replayAsUpstream(trace: Row, t: Tally, upstream: FakeUpstream): Promise<void> {
  const [step] = rowsOf(trace, 'steps');
  const [, module, version] = /^go mod download (\S+)@(\S+)$/.exec(stringAt(step ?? {}, 'cmd')) ?? [];
  if (step === undefined || PLAIN.test(goproxyOf(step)) || module === undefined) return;
  const title = `${stringAt(trace, 'name')}, as the upstream of a Larder`;
  const larder = await serveLarder(withBase(goproxyOf(step), upstream.base));
  upstream.clearLog();
  try {
    const statuses = larder === undefined ? [] : await download(larder, `${module}/@v/${version}`);
    const asked = upstream.requests.map(({ method, path, status }): Exchange => [`${method} ${path}`, status]);
    const succeeded = statuses.length === 3 && statuses.every((status) => status === 200);
    const isRight = isDeepStrictEqual(asked, step['requests']) && (step['exit'] === 0) === succeeded;
    t.check(title, isRight, () => `answered ${statuses.join(' ')}, asked ${JSON.stringify(asked)}`);
  } finally {
    await larder?.stop();
  }
}

/** The statuses of .info, .mod and .zip, asked one after the other up to the first failure. */
async function download({ base }: ServedLarder, name: string): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (const kind of ['info', 'mod', 'zip']) {
    const response = await fetch(`${base}/${name}.${kind}`, { signal: AbortSignal.timeout(30_000) });
    await response.arrayBuffer();
    statuses.push(response.status);
    if (response.status !== 200) break;
  }
  return statuses;
}

// ------------------------------------------------------------------ the suite

async function runTraces(data: unknown, t: Tally): Promise<void> {
  const traces = rowsOf(data, 'tests');
  const archives = archivesOf(t);
  if (archives === undefined) return;
  const upstream = await startFakeUpstream({ content: [recordedDatabases(archives), archives] });
  const larders = new Larders(upstream.base);
  try {
    const installed = goVersion();
    if (installed === undefined || installed[0] < OLDEST_GO[0] || installed[1] < OLDEST_GO[1]) {
      const reason = `needs go ${OLDEST_GO.join('.')} or newer; installed is ${installed?.join('.') ?? 'none'}`;
      for (const trace of traces)
        for (const [n, step] of rowsOf(trace, 'steps').entries())
          t.skip(titleOf(stringAt(trace, 'name'), n, step), reason);
    } else {
      const recordedVersion = /\bGo (\d+\.\d+)/.exec(stringAt(data as Row, 'source'))?.[1] ?? '';
      const stage = { t, upstream, larders, goVersion: installed.join('.'), recordedVersion };
      await sideBySide(traces, (trace) => replay(trace, stage));
    }
    for (const trace of traces) await replayAsUpstream(trace, t, upstream);
  } finally {
    await larders.stop();
    await upstream.close();
  }
}

export const suites: readonly Suite[] = [{ group: 'goproxy', file: 'goproxy/traces.json', run: runTraces }];
