/** What people read about proofs: of `verify` and `explain`, in both languages. */
import type { AuditCount } from '../app/verify-store.ts';
import type { ModuleArgumentFault } from './module-argument.ts';
import type { StandingWords } from './standing-words.ts';

/** Facts of a failure, as app/ reports them. */
type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

interface Wording {
  readonly what: string;
  readonly fix: string;
}

/** Every line about proofs, in one language. */
export interface ProofMessages {
  readonly commands: Readonly<Record<'verify' | 'explain', string>>;
  readonly flags: Readonly<Record<'all' | 'from', string>>;
  readonly moduleArgument: string;
  readonly moduleFault: (fault: ModuleArgumentFault) => Wording;
  readonly oneOf: string;
  /** In the table of verify, and before each finding. */
  readonly row: Readonly<Record<AuditCount | 'checked' | 'seconds', string>>;
  readonly fix: string;
  readonly standing: StandingWords;
  readonly explain: ExplainWords;
  /** By `detail.reason`. */
  readonly reasons: Readonly<Record<string, (facts: Facts) => Wording>>;
}

/** What explain says beside StandingWords. */
interface ExplainWords {
  readonly notStored: string;
  readonly label: Readonly<
    Record<
      | 'source'
      | 'repository'
      | 'connected'
      | 'commit'
      | 'tree'
      | 'tag'
      | 'fetched'
      | 'firstSeen'
      | 'size'
      | 'sha256'
      | 'h1'
      | 'believed'
      | 'now'
      | 'putAside'
      | 'proof'
      | 'exemption'
      | 'private'
      | 'alias'
      | 'noProxy'
      | 'route'
      | 'asked',
      string
    >
  >;
  readonly bytes: (count: number) => string;
  readonly holds: (record: string) => string;
  readonly holdsNot: (database: string, why: string) => string;
  readonly noProof: string;
  readonly nobody: (why: string) => string;
  readonly matchedBy: (pattern: string, key: string) => string;
  /** Which rule would find the repository. */
  readonly foundBy: Readonly<Record<'alias' | 'known-host' | 'qualifier' | 'go-import', string>>;
  readonly connectedTo: (url: string) => string;
}

export const proofEnglish: ProofMessages = {
  commands: {
    verify: 'read what is stored again and say what proves it; nobody is asked',
    explain: 'say where a module came from, what proves it, and where it would be asked for',
  },
  flags: {
    all: 'everything that is stored (default)',
    from: 'what the lines of a go.sum file are about, compared with them',
  },
  moduleArgument: 'a module and its version: rsc.io/quote@v1.5.2',
  moduleFault: faultInEnglish,
  oneOf: 'name modules, or --all, or --from: only one of them',
  row: {
    checked: 'files read',
    proven: 'proven',
    pinned: 'pinned by go.sum only',
    exempt: 'exempt',
    unproven: 'unproven',
    form: '.info: nothing can vouch for those',
    wrong: 'wrong',
    missing: 'not stored',
    seconds: 'seconds',
  },
  fix: 'larder explain MODULE@VERSION shows where it came from; larder fsck --repair sets damaged files aside and fetches them again',
  standing: {
    record: ({ database, record, treeSize }) => `record ${record} of ${database}, in a tree of ${treeSize}`,
    pinned: (file) => `only ${file} has its hash`,
    exemptOff: 'without a checksum database (sumdb.database: off)',
    exemptBy: (pattern) => `exempt by ${pattern} (private, noSumdb)`,
    unproven: {
      outage: (database, outage) => `${database} could not be asked when it came: ${outage}`,
      'proof-not-stored': (database) => `${database} proved it, and that proof is not stored`,
      'database-not-configured': (database) => `${database} proved it, and is not in the configuration`,
      'never-exempt': () => 'it was stored as exempt, which the toolchain never is',
      'not-recorded': () => 'its record does not say what proved it',
    },
    form: 'its form is right; nothing vouches for more',
    missing: { 'not-stored': 'not stored', 'not-a-module': 'no module can have that path and version' },
    provenAll: (record) => `its hash is right: ${record}`,
  },
  explain: {
    notStored: 'not stored',
    label: {
      source: 'source',
      repository: 'repository',
      connected: 'reached at',
      commit: 'commit',
      tree: 'tree',
      tag: 'tag',
      fetched: 'fetched',
      firstSeen: 'first seen',
      size: 'size',
      sha256: 'sha256',
      h1: 'h1',
      believed: 'believed by',
      now: 'now',
      putAside: 'put aside',
      proof: 'proof',
      exemption: 'configured',
      private: 'private',
      alias: 'alias',
      noProxy: 'noProxy',
      route: 'route',
      asked: 'asked of',
    },
    bytes: (count) => `${count} bytes`,
    holds: (record) => `${record}: it holds`,
    holdsNot: (database, why) => `by ${database}: it does not hold: ${why}`,
    noProof: 'none is stored',
    nobody: (why) => `nobody: ${why}`,
    matchedBy: (pattern, key) => `by ${pattern} (${key})`,
    foundBy: {
      alias: '(git.aliases)',
      'known-host': '(a known host)',
      qualifier: '(by the .git in its path)',
      'go-import': '(where the go-import tag of this page leads)',
    },
    connectedTo: (url) => `${url} (git.rewrites)`,
  },
  reasons: {
    'from-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'name a go.sum file that is there, that you may read, and that go wrote: larder verify --from go.sum',
    }),
  },
};

function faultInEnglish({ fault, text, why, meant }: ModuleArgumentFault): Wording {
  switch (fault) {
    case 'no-version':
      return { what: `${text} is not MODULE@VERSION`, fix: 'write for example rsc.io/quote@v1.5.2' };
    case 'escaped':
      return { what: `${text} is written as in file names, with ! before capitals`, fix: `write ${meant}` };
    case 'not-canonical':
      return {
        what: `${text}: the version is not a whole one`,
        fix:
          meant === undefined
            ? 'write a version such as v1.5.2; larder asks nobody what a query means'
            : `write ${meant}`,
      };
    case 'impossible':
      return { what: `${text} can be no module: ${why}`, fix: 'write path and version as in go.mod' };
  }
}

export const proofChinese: ProofMessages = {
  commands: {
    verify: '重新读取已存储的内容并说明其证明；不询问任何人',
    explain: '说明模块从哪里来、有何证明、会向谁询问',
  },
  flags: {
    all: '所有已存储的内容（默认）',
    from: 'go.sum 文件各行所指的内容，并与之比较',
  },
  moduleArgument: '模块及其版本：rsc.io/quote@v1.5.2',
  moduleFault: faultInChinese,
  oneOf: '模块名、--all、--from 只能用其中一种',
  row: {
    checked: '已读取文件',
    proven: '已证明',
    pinned: '仅由 go.sum 固定',
    exempt: '豁免',
    unproven: '未证明',
    form: '.info：无从证明',
    wrong: '有误',
    missing: '未存储',
    seconds: '秒',
  },
  fix: 'larder explain 模块@版本 显示其来源；larder fsck --repair 把损坏的文件移走并重新获取',
  standing: {
    record: ({ database, record, treeSize }) => `${database} 的第 ${record} 条记录，树大小 ${treeSize}`,
    pinned: (file) => `只有 ${file} 中有它的哈希`,
    exemptOff: '不用校验和数据库（sumdb.database: off）',
    exemptBy: (pattern) => `由 ${pattern} 豁免（private、noSumdb）`,
    unproven: {
      outage: (database, outage) => `获取时无法询问 ${database}：${outage}`,
      'proof-not-stored': (database) => `${database} 曾证明它，但该证明没有存储`,
      'database-not-configured': (database) => `${database} 曾证明它，但配置中没有这个数据库`,
      'never-exempt': () => '存储时记为豁免，而工具链从不豁免',
      'not-recorded': () => '其记录没有说明由什么证明',
    },
    form: '格式正确；其余无从证明',
    missing: { 'not-stored': '未存储', 'not-a-module': '不可能有这样路径和版本的模块' },
    provenAll: (record) => `其哈希是对的：${record}`,
  },
  explain: {
    notStored: '未存储',
    label: {
      source: '来源',
      repository: '仓库',
      connected: '连接到',
      commit: '提交',
      tree: '树',
      tag: '标签',
      fetched: '获取于',
      firstSeen: '首次见到',
      size: '大小',
      sha256: 'sha256',
      h1: 'h1',
      believed: '当时依据',
      now: '现在',
      putAside: '已移走',
      proof: '证明',
      exemption: '配置',
      private: '私有',
      alias: '别名',
      noProxy: 'noProxy',
      route: '路由',
      asked: '询问对象',
    },
    bytes: (count) => `${count} 字节`,
    holds: (record) => `${record}：成立`,
    holdsNot: (database, why) => `${database}：不成立：${why}`,
    noProof: '没有存储',
    nobody: (why) => `不询问：${why}`,
    matchedBy: (pattern, key) => `由 ${pattern} 匹配（${key}）`,
    foundBy: {
      alias: '（git.aliases）',
      'known-host': '（已知主机）',
      qualifier: '（由路径中的 .git 决定）',
      'go-import': '（由此页面的 go-import 标签指向）',
    },
    connectedTo: (url) => `${url}（git.rewrites）`,
  },
  reasons: {
    'from-unusable': ({ why }) => ({
      what: `go.sum 文件无法使用：${why}`,
      fix: '指定存在、可读、由 go 写成的 go.sum 文件：larder verify --from go.sum',
    }),
  },
};

function faultInChinese({ fault, text, why, meant }: ModuleArgumentFault): Wording {
  switch (fault) {
    case 'no-version':
      return { what: `${text} 不是 模块@版本`, fix: '例如写 rsc.io/quote@v1.5.2' };
    case 'escaped':
      return { what: `${text} 是文件名中的写法，大写字母前有 !`, fix: `应写 ${meant}` };
    case 'not-canonical':
      return {
        what: `${text}：版本不完整`,
        fix: meant === undefined ? '写 v1.5.2 这样的版本；larder 不询问查询的含义' : `应写 ${meant}`,
      };
    case 'impossible':
      return { what: `${text} 不可能是模块：${why}`, fix: '路径和版本的写法与 go.mod 中相同' };
  }
}
