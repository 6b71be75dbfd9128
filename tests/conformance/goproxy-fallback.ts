/**
 * What becomes of a question when upstreams fail, for every way to fail: `FIRST<sep>SECOND` is the upstream of a whole Larder with an empty
 * store, which is then asked for .info, .mod and .zip of one module as the go command asks, stopping at the first failure.
 *
 * Success has to be success for the go command, with one exception, to the good side. The go command judges the CONTENT of an answer (is this
 * a go.mod, is it a zip) partly after its walk along the list has ended; Larder judges it inside the walk, and an answer that fails counts as
 * a failure of its source. So where the bad content is followed by `|` and a good source, that one is asked, and Larder succeeds.
 *
 * In every row: no 200 with wrong bytes; no 404 or 410 once a source that was asked failed in another way than by saying "not here"; 404 or
 * 410 when all that were asked said so; nobody after a `,` is told a name that the one before did not deny; and the store holds
 * exactly what was answered, byte for byte the good upstream's.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Content } from '../fakes/content.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/fake-upstream.ts';
import { type ForwardProxy, startForwardProxy } from '../fakes/forward-proxy.ts';
import { sideBySide } from './goproxy-parallel.ts';
import { archivesOf } from './goproxy-content.ts';
import { type ServedLarder, serveLarder } from './goproxy-larder.ts';
import { type Row, rowsOf, type Suite, type Tally, textOf } from './suite.ts';

const MODULE = 'rsc.io/quote/@v/v1.5.2';
const KINDS = ['info', 'mod', 'zip'] as const;
type Kind = (typeof KINDS)[number];

/** How asking one source for one file ends: `failed` = in any other way than by getting it or hearing that it is not there. */
type Ending = 'good' | 'absent' | 'failed';

/** A source as a row names it. */
interface Player {
  /** The entry of the upstream list, made from the base of a fake upstream. */
  entry(base: string): string;
  readonly endings: Readonly<Record<Kind, Ending>>;
}

function player(entry: Player['entry'], ending: Ending, more: Partial<Player['endings']> = {}): Player {
  return { entry, endings: { info: ending, mod: ending, zip: ending, ...more } };
}

/** A port that nobody listens on. */
const REFUSING = 'http://127.0.0.1:9/mod';

const PLAYERS: readonly (readonly [RegExp, (match: RegExpExecArray) => Player])[] = [
  [/^(?:proxy|200)$/, () => player((base) => base, 'good')],
  [/^(?:direct|off)$/, ([word]) => player(() => word, 'absent')],
  [/^(404|410)$/, ([, status]) => player((base) => `${base}/${status}`, 'absent')],
  [/^html 404$/, () => player((base) => `${base}/html404`, 'absent')],
  [/^([2-5]\d\d)(?: without Location)?$/, ([, status]) => player((base) => `${base}/${status}`, 'failed')],
  [/^refused$/, () => player(() => REFUSING, 'failed')],
  // The limit of the go command.
  [
    /^redirect x(\d+)$/,
    ([, times]) => player((base) => `${base}/redirect/${times}`, Number(times) < 10 ? 'good' : 'failed'),
  ],
  [/^bad json\b/, () => player((base) => `${base}/invalid`, 'failed')],
  [/^wrong version in \.info$/, () => player((base) => `${base}/wronginfo`, 'good', { info: 'failed' })],
  [/^truncated zip$/, () => player((base) => `${base}/trunczip`, 'good', { zip: 'failed' })],
  [/^not a zip$/, () => player((base) => `${base}/notzip`, 'good', { zip: 'failed' })],
  [/^zip 404$/, () => player((base) => `${base}/zip404`, 'good', { zip: 'absent' })],
  [/^zip 500$/, () => player((base) => `${base}/zip500`, 'good', { zip: 'failed' })],
];

function playerOf(label: string): Player | undefined {
  for (const [pattern, make] of PLAYERS) {
    const match = pattern.exec(label);
    if (match !== null) return make(match);
  }
  return undefined;
}

/** Rows whose failure in the go command is one of content that it judges after the walk. */
const JUDGED_AFTER_THE_WALK = /^(?:bad json\b|wrong version in \.info$|not a zip$)/;

/** One row, ready to be played. */
interface Case {
  readonly name: string;
  readonly separator: string;
  readonly first: Player;
  readonly second: Player;
  /** Whether Larder has to succeed. */
  readonly succeeds: boolean;
}

function caseOf(row: Row): Case | string {
  const [firstLabel, separator, secondLabel] = [textOf(row, 'first'), textOf(row, 'sep'), textOf(row, 'second')];
  const name = `${firstLabel} ${separator} ${secondLabel}`;
  const first = playerOf(firstLabel);
  const second = playerOf(secondLabel);
  if (first === undefined || second === undefined) return name;
  const found = { name, separator, first, second };
  const isBetterThanGo =
    JUDGED_AFTER_THE_WALK.test(firstLabel) && KINDS.every((kind) => endingsOf(found, kind).at(-1) === 'good');
  return { ...found, succeeds: row['ok'] === true || isBetterThanGo };
}

/** Whether the source after `separator` is asked when the one before ended so. */
function goesAfter(ending: Ending, separator: string): boolean {
  return ending === 'absent' || (ending === 'failed' && separator === '|');
}

/** How the sources that have to be asked for a file end, in order. `off` as the first ends the list. */
function endingsOf({ first, second, separator }: Omit<Case, 'succeeds'>, kind: Kind): readonly Ending[] {
  const one = first.endings[kind];
  const isLast = /^(?:off|direct)$/.test(first.entry(''));
  return goesAfter(one, separator) && !isLast ? [one, second.endings[kind]] : [one];
}

// ------------------------------------------------------------------ playing a row

interface Reply {
  readonly kind: Kind;
  /** 0 when the reply broke off. */
  readonly status: number;
  readonly body: Buffer;
}

/** Plays one row; returns what is wrong, line by line. `nowhere` is the way to a world in which no host has a page: what `direct` finds there. */
async function play(one: Case, good: Content, nowhere: ForwardProxy): Promise<readonly string[]> {
  const [a, b] = await Promise.all([startFakeUpstream({ content: [good] }), startFakeUpstream({ content: [good] })]);
  const larder = await serveLarder(`${one.first.entry(a.base)}${one.separator}${one.second.entry(b.base)}`, {
    settings: { 'git.insecure': 'rsc.io' },
    environment: { HTTP_PROXY: nowhere.origin, HTTPS_PROXY: REFUSING },
  });
  try {
    if (larder === undefined) return ['the configuration was refused'];
    const replies = await askLikeGo(larder);
    return [
      ...wrongOutcome(one, replies),
      ...wrongBytes(replies, good),
      ...(await wrongStore(larder, replies, good)),
      ...wrongQuestions(one, replies, b),
    ];
  } finally {
    await larder?.stop();
    await Promise.all([a.close(), b.close()]);
  }
}

async function askLikeGo({ base }: ServedLarder): Promise<readonly Reply[]> {
  const replies: Reply[] = [];
  for (const kind of KINDS) {
    const reply = await ask(`${base}/${MODULE}.${kind}`, kind);
    replies.push(reply);
    if (reply.status !== 200) break;
  }
  return replies;
}

async function ask(url: string, kind: Kind): Promise<Reply> {
  const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
  try {
    return { kind, status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  } catch {
    return { kind, status: 0, body: Buffer.alloc(0) };
  }
}

function wrongOutcome(one: Case, replies: readonly Reply[]): string[] {
  const succeeded = replies.length === KINDS.length && replies.every(({ status }) => status === 200);
  const shown = replies
    .map(({ kind, status, body }) => `${kind} ${status} ${status === 200 ? '' : body.toString().trim()}`)
    .join('; ');
  if (succeeded !== one.succeeds) return [`has to ${one.succeeds ? 'succeed' : 'fail'}; got ${shown}`];
  const last = replies.at(-1);
  if (succeeded || last === undefined) return [];
  const isNotHere = last.status === 404 || last.status === 410;
  const isAbsent = endingsOf(one, last.kind).every((ending) => ending === 'absent');
  return isNotHere === isAbsent ? [] : [`has to say ${isAbsent ? '404 or 410' : 'neither 404 nor 410'}; got ${shown}`];
}

function wrongBytes(replies: readonly Reply[], good: Content): string[] {
  return replies
    .filter(({ kind, status, body }) => status === 200 && !isGood(kind, body, good))
    .map(({ kind, body }) => `${kind} was answered 200 with wrong bytes (${body.length})`);
}

/** Bytes for bytes, but an .info is written anew: what it says has to be the same. */
function isGood(kind: Kind, body: Uint8Array, good: Content): boolean {
  const wanted = Buffer.from(good.get(`${MODULE}.${kind}`) ?? []);
  return kind === 'info' ? said(body) === said(wanted) : wanted.equals(body);
}

function said(info: Uint8Array): string {
  try {
    const { Version, Time } = JSON.parse(Buffer.from(info).toString()) as Record<string, unknown>;
    return `${String(Version)} ${String(Time)}`;
  } catch {
    return 'nothing';
  }
}

/** Artifacts only: the `list` file for static servers is written some time after them. */
async function wrongStore({ downloads }: ServedLarder, replies: readonly Reply[], good: Content): Promise<string[]> {
  const entries = await readdir(downloads, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'list');
  const stored = new Set(files.map(({ parentPath, name }) => relative(downloads, join(parentPath, name))));
  const kinds = replies.filter(({ status }) => status === 200).map(({ kind }) => kind);
  const differing = stored.symmetricDifference(new Set(kinds.map((kind) => `${MODULE}.${kind}`)));
  if (differing.size > 0) return [`stored and answered are not the same: ${[...differing].join(', ')}`];
  const bodies = await Promise.all(kinds.map((kind) => readFile(join(downloads, `${MODULE}.${kind}`))));
  return kinds
    .filter((kind, n) => !isGood(kind, bodies[n] ?? Buffer.alloc(0), good))
    .map((kind) => `a wrong ${kind} is stored`);
}

/** The second is told of a file exactly when the walk gets there. */
function wrongQuestions(one: Case, replies: readonly Reply[], second: FakeUpstream): string[] {
  if (!one.second.entry('base').startsWith('base')) return [];
  return replies.flatMap(({ kind }) => {
    const wasAsked = second.count(new RegExp(`\\.${kind}$`)) > 0;
    const hasToBe = endingsOf(one, kind).length > 1;
    return wasAsked === hasToBe ? [] : [`the second source was ${wasAsked ? '' : 'not '}asked for the ${kind}`];
  });
}

export const suites: readonly Suite[] = [
  {
    group: 'goproxy',
    file: 'goproxy/fallback_matrix.json',
    async run(data: unknown, t: Tally): Promise<void> {
      const good = archivesOf(t);
      if (good === undefined) return;
      const nobody = await startFakeUpstream({ content: [] });
      const nowhere = await startForwardProxy(() => Number(new URL(nobody.base).port));
      await sideBySide(rowsOf(data, 'tests'), async (row) => {
        const one = caseOf(row);
        if (typeof one === 'string')
          return t.check(one, false, () => 'the suite does not know how to play this source');
        const wrong = await play(one, good, nowhere);
        t.check(one.name, wrong.length === 0, () => wrong.join('; '));
      });
      await Promise.all([nowhere.close(), nobody.close()]);
    },
  },
];
