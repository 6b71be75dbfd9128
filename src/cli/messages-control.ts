/** What people read about running servers, in both languages. */

/** Facts of a failure, as app/ reports them. */
type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

interface Wording {
  readonly what: string;
  readonly fix: string;
}

/** The rows of a status. */
type StatusRow = 'version' | 'up' | 'offline' | 'ladder' | 'requests' | 'store' | 'upstreams' | 'workers';

/** How an upstream stands in one pool. */
interface MemberFacts {
  /** That of a URL of the chain has the name of its only member. */
  readonly pool: string;
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
  readonly fault?: string;
  readonly canaryPercent?: number;
}

/** Every line about running servers, in one language. */
export interface ControlMessages {
  readonly commands: Readonly<Record<'offline' | 'status' | 'canary', string>>;
  readonly state: string;
  readonly badState: (text: string) => Wording;
  readonly step: string;
  /** The argument that names it. */
  readonly canary: string;
  readonly badStep: (text: string) => Wording;
  readonly canaryAt: (facts: { readonly upstream: string; readonly pool: string; readonly percent: number }) => string;
  readonly server: (pid: number) => string;
  readonly isOffline: string;
  readonly isOnline: string;
  readonly row: Readonly<Record<StatusRow, string>>;
  readonly yes: string;
  readonly no: string;
  readonly seconds: (count: number) => string;
  readonly level: (facts: { readonly route: string; readonly level: number; readonly name: string }) => string;
  readonly member: (facts: MemberFacts) => string;
  readonly inFlight: (count: number) => string;
  readonly worker: (facts: {
    readonly number: number;
    readonly pid: number | undefined;
    readonly state: string;
    readonly restarts: number;
  }) => string;
  /** By `detail.reason`. */
  readonly reasons: Readonly<Record<string, (facts: Facts) => Wording>>;
}

function stateOf({ pool, name, state, reason, fault = reason }: MemberFacts): string {
  return `${pool === name ? '' : `${pool} `}${name}: ${state}${fault === undefined ? '' : ` (${fault})`}`;
}

export const controlEnglish: ControlMessages = {
  commands: {
    offline: 'have running servers touch nothing outside this machine, or do so again',
    status: 'tell how running servers stand',
    canary: 'steer an upstream on trial (canary: true) in running servers',
  },
  state: 'on, off, or status to ask only',
  badState: (text) => ({ what: `offline ${text}: neither on, off nor status`, fix: 'larder offline on' }),
  step: 'start (from the first stage), promote (to the next one) or rollback (asked no more)',
  canary: 'name of the upstream',
  badStep: (text) => ({ what: `canary ${text}: neither start, promote nor rollback`, fix: 'larder canary start NAME' }),
  canaryAt: ({ upstream, pool, percent }) => `${upstream} gets ${percent} % of the modules of ${pool}`,
  server: (pid) => `server with pid ${pid}`,
  isOffline: 'offline: nothing outside this machine is touched',
  isOnline: 'online',
  row: {
    version: 'version',
    up: 'up for',
    offline: 'offline',
    ladder: 'ladder',
    requests: 'requests',
    store: 'store',
    upstreams: 'upstreams',
    workers: 'workers',
  },
  yes: 'yes',
  no: 'no',
  seconds: (count) => `${count} s`,
  level: ({ route, level, name }) => `${route}: level ${level}, ${name}`,
  member: ({ canaryPercent, ...one }) =>
    `${stateOf(one)}${canaryPercent === undefined ? '' : `, canary: ${canaryPercent} % of the modules`}`,
  inFlight: (count) => `${count} in progress`,
  worker: ({ number, pid, state, restarts }) =>
    `${number}: ${state}, pid ${pid ?? '-'}${restarts === 0 ? '' : `, replaced ${restarts} times`}`,
  reasons: {
    'no-server-runs': ({ data }) => ({
      what: `no server of yours runs on ${data}`,
      fix: 'start it with larder serve, or name its data folder with --data',
    }),
    'canary-unknown': ({ upstream, known }) => ({
      what: `${upstream}: no pool has an upstream of this name`,
      fix: known === '' ? 'give a row of upstreams canary: true' : `canaries are: ${known}`,
    }),
    'canary-none': ({ upstream, known }) => ({
      what: `${upstream} is no canary`,
      fix: `give its row canary: true${known === '' ? '' : `; canaries are: ${known}`}`,
    }),
  },
};

export const controlChinese: ControlMessages = {
  commands: {
    offline: '让运行中的服务器不接触本机以外的任何地方，或恢复',
    status: '说明运行中的服务器的状态',
    canary: '在运行中的服务器上操纵灰度上游（canary: true）',
  },
  state: 'on、off，或 status（只询问）',
  badState: (text) => ({ what: `offline ${text}：不是 on、off 或 status`, fix: 'larder offline on' }),
  step: 'start（从第一阶段开始）、promote（进入下一阶段）或 rollback（不再询问）',
  canary: '上游的名称',
  badStep: (text) => ({ what: `canary ${text}：不是 start、promote 或 rollback`, fix: 'larder canary start NAME' }),
  canaryAt: ({ upstream, pool, percent }) => `${upstream} 得到 ${pool} 中 ${percent} % 的模块`,
  server: (pid) => `进程号 ${pid} 的服务器`,
  isOffline: '离线：不接触本机以外的任何地方',
  isOnline: '在线',
  row: {
    version: '版本',
    up: '已运行',
    offline: '离线',
    ladder: '阶梯',
    requests: '请求',
    store: '存储',
    upstreams: '上游',
    workers: '工作进程',
  },
  yes: '是',
  no: '否',
  seconds: (count) => `${count} 秒`,
  level: ({ route, level, name }) => `${route}：第 ${level} 级，${name}`,
  member: ({ canaryPercent, ...one }) =>
    `${stateOf(one)}${canaryPercent === undefined ? '' : `，灰度：${canaryPercent} % 的模块`}`,
  inFlight: (count) => `${count} 个进行中`,
  worker: ({ number, pid, state, restarts }) =>
    `${number}：${state}，进程号 ${pid ?? '-'}${restarts === 0 ? '' : `，已替换 ${restarts} 次`}`,
  reasons: {
    'no-server-runs': ({ data }) => ({
      what: `${data} 上没有您的服务器在运行`,
      fix: '用 larder serve 启动，或用 --data 指明它的数据文件夹',
    }),
    'canary-unknown': ({ upstream, known }) => ({
      what: `没有任何池含有名为 ${upstream} 的上游`,
      fix: known === '' ? '在 upstreams 的一行中写 canary: true' : `灰度上游有：${known}`,
    }),
    'canary-none': ({ upstream, known }) => ({
      what: `${upstream} 不是灰度上游`,
      fix: `在它的行中写 canary: true${known === '' ? '' : `；灰度上游有：${known}`}`,
    }),
  },
};
