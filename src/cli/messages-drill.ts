/** What people read about drills, in both languages. */
import type { DrillReport } from '../app/drill-client.ts';

/** Facts of a failure, as app/ reports them. */
type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

interface Wording {
  readonly what: string;
  readonly fix: string;
}

/** The rows of a report. */
export type DrillRow =
  | 'detected'
  | 'switched'
  | 'recovered'
  | 'upAgain'
  | 'errors'
  | 'level'
  | 'upstream'
  | 'others'
  | 'extra'
  | 'writes';

/** Every line about drills, in one language. */
export interface DrillMessages {
  readonly command: string;
  readonly kind: string;
  readonly flags: Readonly<Record<'upstream' | 'for' | 'pid', string>>;
  readonly unknownKind: (name: string, kinds: string, nearest: string | undefined) => Wording;
  readonly needsUpstream: (kind: string) => Wording;
  readonly badTime: (text: string) => Wording;
  readonly badPid: (text: string) => Wording;
  readonly started: (report: DrillReport, seconds: number) => string;
  readonly running: (report: DrillReport, secondsLeft: number) => string;
  readonly recovering: (report: DrillReport) => string;
  readonly title: (report: DrillReport, seconds: string) => string;
  readonly row: Readonly<Record<DrillRow, string>>;
  readonly seconds: (text: string) => string;
  readonly never: string;
  readonly notYet: string;
  readonly errors: (report: DrillReport, slowest: string) => string;
  readonly levels: (deepest: number, counts: string) => string;
  readonly load: (load: DrillReport['load']['upstream']) => string;
  readonly extra: (percent: string) => string;
  readonly writes: (refused: number) => string;
  readonly nobodyAsked: string;
  readonly failed: Wording;
  readonly notBack: Wording;
  /** By `detail.reason`. */
  readonly reasons: Readonly<Record<string, (facts: Facts) => Wording>>;
}

const ENDS: Readonly<Record<NonNullable<DrillReport['endedBy']>, readonly [english: string, chinese: string]>> = {
  time: ['until its time was over', '到时结束'],
  asked: ['until it was told to stop', '被要求停止'],
  silence: ['until the server heard nothing of the command any more', '服务器听不到命令的消息而结束'],
  server: ['until the server stopped', '服务器停止而结束'],
};

export const drillEnglish: DrillMessages = {
  command: 'have a running server meet a fault on purpose, and report how it did',
  kind: 'network-down, expired-cert, timeout, slow, 5xx, 429, truncate, corrupt, dns or disk-full',
  flags: {
    upstream: 'the upstream that is spoiled, by its name; not for disk-full',
    for: 'how long, 1s to 10m (default: 60s)',
    pid: 'which server, where several run on the data folder',
  },
  unknownKind: (name, kinds, nearest) => ({
    what: `${name}: no such drill${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    fix: `name one of ${kinds}`,
  }),
  needsUpstream: (kind) => ({
    what: '--upstream: nothing says which upstream is spoiled',
    fix: `name it: larder drill ${kind} --upstream NAME`,
  }),
  badTime: (text) => ({ what: `--for ${text}: not a time from 1s to 10m`, fix: 'write for example --for 60s' }),
  badPid: (text) => ({ what: `--pid ${text}: not the number of a process`, fix: 'write for example --pid 1234' }),
  started: ({ kind, upstream }, seconds) =>
    `drill ${kind}${upstream && ` of ${upstream}`} is on for ${seconds} s at most; Ctrl-C ends it`,
  running: ({ kind, requests, userErrors }, left) =>
    `drill ${kind}: ${left} s left, ${requests} requests, ${userErrors} failed`,
  recovering: ({ upstream }) => `the drill is over; waiting until ${upstream || 'the disk'} is back`,
  title: ({ kind, upstream, endedBy }, seconds) =>
    `drill ${kind}${upstream && ` of ${upstream}`}: ${seconds} s, ${ENDS[endedBy ?? 'asked'][0]}`,
  row: {
    detected: 'detected in',
    switched: 'switched in',
    recovered: 'recovered in',
    upAgain: 'up again in',
    errors: 'user errors',
    level: 'level used',
    upstream: 'the upstream',
    others: 'the others',
    extra: 'extra load',
    writes: 'writes',
  },
  seconds: (text) => `${text} s`,
  never: 'not at all',
  notYet: 'not yet',
  errors: ({ userErrors, requests }, slowest) => `${userErrors} of ${requests} requests; the slowest took ${slowest} s`,
  levels: (deepest, counts) => `${deepest}${counts && ` (${counts})`}`,
  load: ({ asked, good, failed, probes }) =>
    `asked ${asked} times, ${probes} of them probes: ${good} good, ${failed} failed`,
  extra: (percent) => `${percent} % more questions than there were to ask`,
  writes: (refused) => `${refused} found no room`,
  nobodyAsked: 'no client asked anything meanwhile: the report says what probes found',
  failed: {
    what: 'requests failed during the drill',
    fix: 'give the pool another upstream, or read the log: every line of a drill bears its name',
  },
  notBack: {
    what: 'the upstream is not back yet, though the drill is over',
    fix: 'look at /status, and ask the upstream itself: it may be down for reasons of its own',
  },
  reasons: {
    'drill-no-server': ({ data }) => ({
      what: `no server runs on ${data}`,
      fix: 'start one with larder serve, or name its data folder: --data FOLDER',
    }),
    'drill-no-such-server': ({ data, pid, pids }) => ({
      what: `--pid ${pid}: no server of that process runs on ${data}`,
      fix: `name one of ${pids}`,
    }),
    'drill-which-server': ({ data, pids }) => ({
      what: `several servers run on ${data}: ${pids}`,
      fix: 'say which one: --pid NUMBER',
    }),
    'drill-server-gone': ({ pid }) => ({
      what: `the server with pid ${pid} ended, or answers no more; the drill ends with it, or within five seconds`,
      fix: 'look at its log',
    }),
    'drill-forbidden': () => ({
      what: 'this server does no drills: drills: forbid',
      fix: 'try it on another replica, or set drills: allow and start this one again',
    }),
    'drill-offline': () => ({
      what: 'the server is offline: it asks no upstream, so none can be spoiled',
      fix: 'larder offline off, and try again',
    }),
    'drill-stopping': () => ({ what: 'the server is stopping', fix: 'try again when it runs' }),
    'drill-busy': ({ kind, upstream }) => ({
      what: `another drill is on: ${kind}${upstream === '' ? '' : ` of ${upstream}`}`,
      fix: 'wait until it is over: ten minutes at most',
    }),
    'drill-upstream': ({ upstream, known }) => ({
      what: `${upstream}: no such upstream in a pool of this server`,
      fix: known === '' ? 'it has none that is asked over HTTP' : `name one of ${known}`,
    }),
    'drill-length': () => ({ what: '--for: not a time from 1s to 10m', fix: 'write for example --for 60s' }),
    'drill-unknown': () => ({
      what: 'the server knows nothing of this drill any more',
      fix: 'another one has begun since: read the log of the server',
    }),
  },
};

export const drillChinese: DrillMessages = {
  command: '让运行中的服务器故意遇到一种故障，并报告它如何应对',
  kind: 'network-down、expired-cert、timeout、slow、5xx、429、truncate、corrupt、dns 或 disk-full',
  flags: {
    upstream: '要破坏的上游的名称；disk-full 不需要',
    for: '多久，1s 到 10m（默认：60s）',
    pid: '同一数据目录上有几个服务器时，是哪一个',
  },
  unknownKind: (name, kinds, nearest) => ({
    what: `${name}：没有这种演练${nearest === undefined ? '' : `；是指 ${nearest} 吗？`}`,
    fix: `写其中之一：${kinds}`,
  }),
  needsUpstream: (kind) => ({
    what: '--upstream：没有说破坏哪个上游',
    fix: `写出它：larder drill ${kind} --upstream NAME`,
  }),
  badTime: (text) => ({ what: `--for ${text}：不是 1s 到 10m 的时间`, fix: '例如写 --for 60s' }),
  badPid: (text) => ({ what: `--pid ${text}：不是进程号`, fix: '例如写 --pid 1234' }),
  started: ({ kind, upstream }, seconds) =>
    `演练 ${kind}${upstream && `（${upstream}）`}开始，最多 ${seconds} 秒；Ctrl-C 可结束`,
  running: ({ kind, requests, userErrors }, left) =>
    `演练 ${kind}：还剩 ${left} 秒，${requests} 个请求，${userErrors} 个失败`,
  recovering: ({ upstream }) => `演练已结束；等待${upstream ? ` ${upstream} ` : '磁盘'}恢复`,
  title: ({ kind, upstream, endedBy }, seconds) =>
    `演练 ${kind}${upstream && `（${upstream}）`}：${seconds} 秒，${ENDS[endedBy ?? 'asked'][1]}`,
  row: {
    detected: '发现用时',
    switched: '切换用时',
    recovered: '恢复用时',
    upAgain: '完全恢复用时',
    errors: '用户可见的错误',
    level: '所用级别',
    upstream: '该上游',
    others: '其他上游',
    extra: '额外负载',
    writes: '写入',
  },
  seconds: (text) => `${text} 秒`,
  never: '没有',
  notYet: '尚未',
  errors: ({ userErrors, requests }, slowest) => `${requests} 个请求中 ${userErrors} 个；最慢的用了 ${slowest} 秒`,
  levels: (deepest, counts) => `${deepest}${counts && `（${counts}）`}`,
  load: ({ asked, good, failed, probes }) =>
    `被问 ${asked} 次，其中探测 ${probes} 次：${good} 次正常，${failed} 次失败`,
  extra: (percent) => `比需要的多问 ${percent} %`,
  writes: (refused) => `${refused} 次没有空间`,
  nobodyAsked: '其间没有客户端提问：报告只说明探测的结果',
  failed: { what: '演练期间有请求失败', fix: '给池再加一个上游，或查看日志：演练的每一行都带有它的名称' },
  notBack: { what: '演练已结束，但上游尚未恢复', fix: '查看 /status，并直接问该上游：它可能本来就有故障' },
  reasons: {
    'drill-no-server': ({ data }) => ({
      what: `${data} 上没有运行中的服务器`,
      fix: '用 larder serve 启动，或写出它的数据目录：--data FOLDER',
    }),
    'drill-no-such-server': ({ data, pid, pids }) => ({
      what: `--pid ${pid}：${data} 上没有这个进程的服务器`,
      fix: `写其中之一：${pids}`,
    }),
    'drill-which-server': ({ data, pids }) => ({
      what: `${data} 上有几个服务器：${pids}`,
      fix: '说明是哪一个：--pid NUMBER',
    }),
    'drill-server-gone': ({ pid }) => ({
      what: `进程号 ${pid} 的服务器已结束，或不再回答；演练随之结束，或在五秒内结束`,
      fix: '查看它的日志',
    }),
    'drill-forbidden': () => ({
      what: '此服务器不做演练：drills: forbid',
      fix: '在另一个副本上试，或设置 drills: allow 再启动',
    }),
    'drill-offline': () => ({
      what: '服务器处于离线状态：它不问任何上游，也就无可破坏',
      fix: '先 larder offline off，再试',
    }),
    'drill-stopping': () => ({ what: '服务器正在停止', fix: '等它运行时再试' }),
    'drill-busy': ({ kind, upstream }) => ({
      what: `另一个演练正在进行：${kind}${upstream === '' ? '' : `（${upstream}）`}`,
      fix: '等它结束：最多十分钟',
    }),
    'drill-upstream': ({ upstream, known }) => ({
      what: `${upstream}：此服务器的池里没有这个上游`,
      fix: known === '' ? '没有经 HTTP 提问的上游' : `写其中之一：${known}`,
    }),
    'drill-length': () => ({ what: '--for：不是 1s 到 10m 的时间', fix: '例如写 --for 60s' }),
    'drill-unknown': () => ({
      what: '服务器已不知道这个演练',
      fix: '之后又开始了另一个：查看服务器的日志',
    }),
  },
};
