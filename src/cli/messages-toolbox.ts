/** What people read of `bundle`, `vendor` and `go`, in both languages. */
import type { Choice } from '../toolbox/go/prepare.ts';
import type { ProbeTrouble } from '../toolbox/go/proxy-probe.ts';
import type { VendorFault } from '../toolbox/vendor/vendor-guard.ts';

/** Facts of a failure. */
type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

interface Wording {
  readonly what: string;
  readonly fix: string;
}

/** What was chosen, as `larder go` tells it in one line. */
interface ChosenFacts {
  readonly level: number;
  readonly why: Choice['why'];
  /** `proxy.corp: no answer in time, other.corp`: who was asked. */
  readonly proxies: string;
  /** What it was refused for. */
  readonly module: string | undefined;
}

/** Every line of these commands, in one language. */
export interface ToolboxMessages {
  readonly commands: Readonly<
    Record<
      | 'bundle'
      | 'keygen'
      | 'create'
      | 'verifyBundle'
      | 'install'
      | 'rollback'
      | 'list'
      | 'vendor'
      | 'snapshot'
      | 'verifyVendor'
      | 'restore'
      | 'go',
      string
    >
  >;
  readonly flags: Readonly<
    Record<
      | 'keyName'
      | 'newKey'
      | 'key'
      | 'verifier'
      | 'from'
      | 'to'
      | 'goSum'
      | 'id'
      | 'purpose'
      | 'allowMissing'
      | 'store'
      | 'dir'
      | 'restoreFlag'
      | 'replace'
      | 'quiet'
      | 'goProgram'
      | 'stall'
      | 'probe'
      | 'anchors'
      | 'noGit',
      string
    >
  >;
  readonly arguments: Readonly<Record<'modules' | 'bundleFolder' | 'goArgs', string>>;
  readonly keyMade: (file: string) => readonly string[];
  readonly bundleMade: (o: {
    readonly id: string;
    readonly modules: number;
    readonly files: number;
    readonly to: string;
  }) => string;
  readonly leftOut: (count: number) => string;
  readonly bundleSound: (o: {
    readonly id: string;
    readonly modules: number;
    readonly files: number;
    readonly signers: string;
  }) => string;
  readonly bundleWrong: (count: number) => string;
  readonly bundleWrongFix: string;
  readonly switched: (o: { readonly current: string; readonly previous?: string }) => string;
  /** Files that a rollback had no time to read. */
  readonly unread: (count: number) => string;
  readonly role: Readonly<Record<'current' | 'previous', string>>;
  readonly noBundles: string;
  readonly snapshotTaken: (o: { readonly files: number; readonly h1: string }) => string;
  readonly vendorIntact: (o: { readonly files: number; readonly h1: string }) => string;
  readonly vendorRestored: (files: number) => string;
  readonly vendorFault: Readonly<Record<VendorFault['kind'], string>>;
  readonly vendorWrong: (count: number) => string;
  readonly vendorWrongFix: string;
  readonly noVendorSum: (folder: string) => string;
  readonly noVendorSumFix: string;
  readonly files: (done: number, of?: number) => string;
  readonly chosen: (facts: ChosenFacts) => string;
  /** Of a proxy; what is no ProbeTrouble is told as it is. */
  readonly trouble: (code: string) => string;
  readonly larderLevel: (name: string, level: string) => string;
  readonly noGo: (program: string) => Wording;
  readonly noGoArguments: Wording;
  readonly badDuration: (flag: string, text: string) => Wording;
  readonly oneOf: Wording;
  /** By `detail.reason`. */
  readonly reasons: Readonly<Record<string, (facts: Facts) => Wording>>;
}

const TROUBLE_ENGLISH: Readonly<Record<ProbeTrouble, string>> = {
  silent: 'no answer in time',
  'wrong-content': 'wrong content',
  redirects: 'redirects without end',
  'no-folder': 'no folder',
  'open-password': 'a password in a plain http URL, which go refuses',
};

const TROUBLE_CHINESE: Readonly<Record<ProbeTrouble, string>> = {
  silent: '未及时应答',
  'wrong-content': '内容不对',
  redirects: '重定向没有尽头',
  'no-folder': '没有这个目录',
  'open-password': '明文 http 的 URL 中有密码，go 会拒绝',
};

const WHY_ENGLISH: Readonly<Record<Choice['why'], string>> = {
  'no-modules-needed': 'it needs no modules',
  'all-cached': 'the module cache has all it needs, no network is asked',
  'not-the-network': 'what go says is wrong here no network would help',
  'proxies-answer': 'the proxies answer',
  'some-proxies-answer': 'not every proxy can be used',
  'vendor-as-go-does': 'vendor/ is as vendor.sum says, no network is asked',
  'vendor-unverified':
    'vendor/, as go itself would; there is no vendor.sum to hold it against (larder vendor snapshot)',
  'vendor-intact': 'no proxy can be used; vendor/ is as vendor.sum says',
  'vendor-restored': 'vendor/ was damaged and is back from vendor.offline/',
  'pinned-by-go-sum': 'no proxy can be used; straight from the repositories, exactly what go.sum pins',
  'straight-unpinned':
    'no proxy can be used; straight from the repositories, as your GOPROXY ends in direct: no go.sum pins versions that are looked for',
  'nothing-works': 'no proxy, vendor/ or repository can be used; with what the module cache has',
  'vendor-damaged': 'vendor/ is damaged, and there is no good snapshot of it',
  'anchor-contradicted': 'refused: the module cache has another commit of this than the anchors say, its tag was moved',
};

const WHY_CHINESE: Readonly<Record<Choice['why'], string>> = {
  'no-modules-needed': '不需要模块',
  'all-cached': '模块缓存已有全部所需，不访问网络',
  'not-the-network': 'go 所指出的问题与网络无关',
  'proxies-answer': '代理应答正常',
  'some-proxies-answer': '并非所有代理都可用',
  'vendor-as-go-does': 'vendor/ 与 vendor.sum 一致，不访问网络',
  'vendor-unverified': '使用 vendor/，与 go 自身相同；没有可对照的 vendor.sum（larder vendor snapshot）',
  'vendor-intact': '没有可用的代理；vendor/ 与 vendor.sum 一致',
  'vendor-restored': 'vendor/ 曾损坏，已由 vendor.offline/ 恢复',
  'pinned-by-go-sum': '没有可用的代理；直接取自代码库，且仅限 go.sum 固定的内容',
  'straight-unpinned': '没有可用的代理；因 GOPROXY 以 direct 结尾，直接取自代码库：所寻找的版本没有 go.sum 固定',
  'nothing-works': '代理、vendor/ 与代码库都不可用；仅使用模块缓存已有的内容',
  'vendor-damaged': 'vendor/ 已损坏，且没有完好的快照',
  'anchor-contradicted': '已拒绝：模块缓存中此版本的提交与锚点不符，其标签被移动过',
};

export const toolboxEnglish: ToolboxMessages = {
  commands: {
    bundle: 'signed bundles of modules, for when no upstream can be asked',
    keygen: 'make a key that signs bundles',
    create: 'make a signed bundle from what a data folder, module cache or GOPROXY tree has',
    verifyBundle: 'check a bundle: signature, every file, every h1, nothing else in it',
    install: 'verify a bundle and switch a store to it',
    rollback: 'switch a store back to the bundle that counted before',
    list: 'the bundles of a store',
    vendor: 'keep a vendor/ as it was',
    snapshot: 'write vendor.sum and copy vendor/ to vendor.offline/',
    verifyVendor: 'hold vendor/ against vendor.sum: exit 0 intact, 1 damaged or missing files, 2 no vendor.sum',
    restore: 'put the snapshot in the place of vendor/',
    go: 'run a go command with the best environment that works now',
  },
  flags: {
    keyName: 'name of the key: a host you own, with a path or without',
    newKey: 'file for the signer key; must not be there yet',
    key: 'file with the signer key, made by larder bundle keygen',
    verifier: 'verifier key of who may have signed; may be repeated (default: ladder.bundleKeys)',
    from: 'a Larder data folder, a module cache or a GOPROXY tree',
    to: 'folder for the bundle; must not be there yet',
    goSum: 'take what this go.sum pins, with exactly those hashes; may be repeated',
    id: 'name of the bundle in a store (default: time and hash)',
    purpose: 'what the bundle is for, in your words',
    allowMissing: 'leave out what the folder does not have',
    store: 'folder of bundles (default: the first of ladder.bundles)',
    dir: 'folder of the project (default: this one)',
    restoreFlag: 'put the snapshot back when something is wrong',
    replace: 'take a snapshot though files changed that go mod vendor did not change',
    quiet: 'do not say which level is used',
    goProgram: 'the go command (default: go)',
    stall: 'a preparing download that says nothing for this long is given up (default: 1m; 10m where git fetches)',
    probe: 'how long proxies are waited for, all at once (default: 2s)',
    anchors:
      'file of larder anchors export: nothing is run when the module cache has another commit of what go.sum pins',
    noGit: 'never ask repositories straight',
  },
  arguments: {
    modules: 'MODULE@VERSION',
    bundleFolder: 'folder of the bundle',
    goArgs: 'the go command with its arguments, after --',
  },
  keyMade: (file) => [
    `The signer key is in ${file}: keep it where only you can read it. Its verifier key, for ladder.bundleKeys:`,
  ],
  bundleMade: ({ id, modules, files, to }) => `bundle ${id}: ${modules} module versions, ${files} files in ${to}`,
  leftOut: (count) => `left out what is not there: ${count}`,
  bundleSound: ({ id, modules, files, signers }) =>
    `bundle ${id} is whole: ${modules} module versions, ${files} files, signed by ${signers}`,
  bundleWrong: (count) => `the bundle must not be used: ${count === 1 ? 'one fault' : `${count} faults`}`,
  bundleWrongFix: 'copy it again from where it was made, or make it again: larder bundle create',
  switched: ({ current, previous }) =>
    `current is ${current}${previous === undefined ? '' : `, before it was ${previous}`}`,
  unread: (count) =>
    `of ${count} files only the length was checked, for want of time: a server checks each as it reads it; larder bundle verify STORE/current checks all now`,
  role: { current: 'current', previous: 'previous' },
  noBundles: 'no bundles',
  snapshotTaken: ({ files, h1 }) => `snapshot of vendor/ taken: ${files} files, ${h1}`,
  vendorIntact: ({ files, h1 }) => `vendor/ is intact: ${files} files, ${h1}`,
  vendorRestored: (files) => `vendor/ is back as it was: ${files} files`,
  vendorFault: {
    missing: 'missing',
    changed: 'changed',
    mode: 'executable bit changed',
    extra: 'not in vendor.sum',
    other: 'no plain file',
  },
  vendorWrong: (count) => `vendor/ is not as vendor.sum says: ${count === 1 ? 'one file' : `${count} files`}`,
  vendorWrongFix: 'larder vendor restore, or go mod vendor and larder vendor snapshot when the change is yours',
  noVendorSum: (folder) => `${folder}: there is no vendor.sum`,
  noVendorSumFix: 'larder vendor snapshot, once vendor/ is as it should be',
  files: (done, of) => `${done}${of === undefined ? '' : ` of ${of}`} files`,
  chosen: ({ level, why, proxies, module }) =>
    `larder go: level ${level}: ${WHY_ENGLISH[why]}${module === undefined ? '' : `: ${module}`}${proxies === '' ? '' : ` (${proxies})`}`,
  trouble: (code) => TROUBLE_ENGLISH[code as ProbeTrouble] ?? code,
  larderLevel: (name, level) => `${name} is a Larder at level ${level}`,
  noGo: (program) => ({
    what: `${program}: there is no such go command`,
    fix: 'install Go and put it on the PATH, or name it: larder go --go /usr/local/go/bin/go -- build ./...',
  }),
  noGoArguments: { what: 'larder go needs a go command', fix: 'write for example larder go -- build ./...' },
  badDuration: (flag, text) => ({ what: `${flag} ${text} is not a duration`, fix: `write for example ${flag} 30s` }),
  oneOf: {
    what: 'larder bundle create needs modules',
    fix: 'name them (MODULE@VERSION), or a go.sum: --go-sum go.sum',
  },
  reasons: {
    'bundle-unusable': ({ store, why }) => ({
      what: `${store}: ${why}`,
      fix: 'larder bundle rollback, or larder bundle install with a bundle that a key of ladder.bundleKeys signed',
    }),
    'bundle-no-previous': ({ store }) => ({
      what: `${store}: no bundle counted before`,
      fix: 'larder bundle list shows what is there; larder bundle install switches to another',
    }),
    'bundle-store-absent': ({ store }) => ({
      what: `there is no store of bundles ${store}`,
      fix: 'larder bundle install makes it, or name another with --store',
    }),
    'bundle-id-taken': ({ id }) => ({
      what: `the store has another bundle that is called ${id}`,
      fix: 'make the new one with another --id',
    }),
    'bundle-place-taken': ({ path }) => ({ what: `${path} is there already`, fix: 'name another folder with --to' }),
    'bundle-bad-id': ({ id }) => ({
      what: `--id ${id}: no name for a bundle`,
      fix: 'small letters, digits, . _ and -, at most 64, from a letter or a digit on',
    }),
    'bundle-source-absent': ({ path }) => ({
      what: `there is no folder ${path}`,
      fix: 'name a module cache, a Larder data folder or a GOPROXY tree with --from',
    }),
    'bundle-lacks': ({ path, why }) => ({
      what: `${path} does not have ${why}`,
      fix: 'go mod download, then again; or --allow-missing to leave it out',
    }),
    'bundle-no-key': () => ({
      what: 'no key says whose bundles are trusted',
      fix: 'set ladder.bundleKeys, or --verifier NAME+HASH+KEY',
    }),
    'bundle-no-store': () => ({ what: 'no store of bundles is named', fix: 'set ladder.bundles, or --store FOLDER' }),
    'bundle-key-unusable': ({ path, why }) => ({
      what: `${path}: the key cannot be used (${why})`,
      fix: 'name a file that larder bundle keygen wrote',
    }),
    'bundle-key-open': ({ path, mode }) => ({
      what: `${path}: others than its owner may use it (mode ${mode})`,
      fix: `chmod 600 ${path}`,
    }),
    'bundle-verifier-unusable': ({ why }) => ({
      what: `--verifier: ${why}`,
      fix: 'give NAME+HASH+KEY as larder bundle keygen printed it',
    }),
    'file-unreadable': ({ path, why }) => ({
      what: `${path}: ${why}`,
      fix: 'name a file that is there and that larder may read',
    }),
    'vendor-inconsistent': ({ why }) => ({
      what: `no snapshot was taken: ${why}`,
      fix: 'go mod vendor (in a workspace go work vendor), then larder vendor snapshot',
    }),
    'vendor-damaged': ({ why }) => ({
      what: `no snapshot was taken: ${why}`,
      fix: 'larder vendor restore; or, when the change is yours, larder vendor snapshot --replace',
    }),
    'vendor-strange': ({ why }) => ({
      what: `no snapshot can hold this: ${why}`,
      fix: 'put a plain file in its place: go mod vendor makes no other',
    }),
    'vendor-no-sum': ({ why }) => ({
      what: `${why}: there is no vendor.sum`,
      fix: 'larder vendor snapshot, once vendor/ is as it should be',
    }),
    'vendor-no-snapshot': ({ why }) => ({
      what: `${why}: there is no vendor.offline/`,
      fix: 'go mod vendor, then larder vendor snapshot',
    }),
    'vendor-snapshot-damaged': ({ why }) => ({
      what: `nothing was restored: ${why} in vendor.offline/ is not as vendor.sum says`,
      fix: 'go mod vendor, then larder vendor snapshot',
    }),
    'vendor-sum-damaged': () => ({
      what: 'vendor.sum is damaged, or was changed by hand',
      fix: 'take it from version control, or larder vendor snapshot once vendor/ is as it should be',
    }),
  },
};

export const toolboxChinese: ToolboxMessages = {
  commands: {
    bundle: '已签名的模块包，供上游全部不可用时使用',
    keygen: '生成为模块包签名的密钥',
    create: '由数据目录、模块缓存或 GOPROXY 目录树制作已签名的模块包',
    verifyBundle: '检查模块包：签名、每个文件、每个 h1，且没有多余内容',
    install: '验证模块包并让存储切换到它',
    rollback: '让存储切换回之前生效的模块包',
    list: '存储中的模块包',
    vendor: '让 vendor/ 保持原样',
    snapshot: '写出 vendor.sum，并把 vendor/ 复制到 vendor.offline/',
    verifyVendor: '对照 vendor.sum 检查 vendor/：退出码 0 完好，1 有文件损坏或缺失，2 没有 vendor.sum',
    restore: '用快照取代 vendor/',
    go: '以当前可用的最佳环境运行 go 命令',
  },
  flags: {
    keyName: '密钥的名称：您拥有的主机名，可带路径',
    newKey: '存放签名密钥的文件；不得已存在',
    key: '签名密钥的文件，由 larder bundle keygen 生成',
    verifier: '可信签名者的校验密钥；可重复（默认：ladder.bundleKeys）',
    from: 'Larder 数据目录、模块缓存或 GOPROXY 目录树',
    to: '模块包的目录；不得已存在',
    goSum: '取这个 go.sum 固定的内容，哈希必须一致；可重复',
    id: '模块包在存储中的名称（默认：时间和哈希）',
    purpose: '模块包的用途，由您描述',
    allowMissing: '目录中没有的就略去',
    store: '模块包的目录（默认：ladder.bundles 的第一个）',
    dir: '项目目录（默认：当前目录）',
    restoreFlag: '有问题时恢复快照',
    replace: '即使有并非 go mod vendor 造成的改动也制作快照',
    quiet: '不说明使用哪一级',
    goProgram: 'go 命令（默认：go）',
    stall: '准备下载时这么久没有动静就放弃（默认：1m；由 git 获取时 10m）',
    probe: '等待各代理应答的时间，同时进行（默认：2s）',
    anchors: 'larder anchors export 的文件：模块缓存中有 go.sum 所固定版本的其他提交时什么都不运行',
    noGit: '从不直接询问代码库',
  },
  arguments: { modules: '模块@版本', bundleFolder: '模块包的目录', goArgs: 'go 命令及其参数，写在 -- 之后' },
  keyMade: (file) => [`签名密钥在 ${file}：请放在只有您能读取的地方。它的校验密钥，写入 ladder.bundleKeys：`],
  bundleMade: ({ id, modules, files, to }) => `模块包 ${id}：${modules} 个模块版本，${files} 个文件，位于 ${to}`,
  leftOut: (count) => `因不存在而略去：${count}`,
  bundleSound: ({ id, modules, files, signers }) =>
    `模块包 ${id} 完好：${modules} 个模块版本，${files} 个文件，签名者 ${signers}`,
  bundleWrong: (count) => `不得使用此模块包：${count} 处错误`,
  bundleWrongFix: '从制作处重新复制，或重新制作：larder bundle create',
  switched: ({ current, previous }) => `当前为 ${current}${previous === undefined ? '' : `，之前为 ${previous}`}`,
  unread: (count) =>
    `有 ${count} 个文件因时间不足只检查了长度：服务器读取每个文件时都会校验；larder bundle verify STORE/current 立即检查全部`,
  role: { current: '当前', previous: '之前' },
  noBundles: '没有模块包',
  snapshotTaken: ({ files, h1 }) => `已制作 vendor/ 的快照：${files} 个文件，${h1}`,
  vendorIntact: ({ files, h1 }) => `vendor/ 完好：${files} 个文件，${h1}`,
  vendorRestored: (files) => `vendor/ 已恢复原样：${files} 个文件`,
  vendorFault: {
    missing: '缺失',
    changed: '已改变',
    mode: '可执行位已改变',
    extra: '不在 vendor.sum 中',
    other: '不是普通文件',
  },
  vendorWrong: (count) => `vendor/ 与 vendor.sum 不符：${count} 个文件`,
  vendorWrongFix: 'larder vendor restore；若改动是您所为，则 go mod vendor 后 larder vendor snapshot',
  noVendorSum: (folder) => `${folder}：没有 vendor.sum`,
  noVendorSumFix: '待 vendor/ 正确后运行 larder vendor snapshot',
  files: (done, of) => `${done}${of === undefined ? '' : ` / ${of}`} 个文件`,
  chosen: ({ level, why, proxies, module }) =>
    `larder go：第 ${level} 级：${WHY_CHINESE[why]}${module === undefined ? '' : `：${module}`}${proxies === '' ? '' : `（${proxies}）`}`,
  trouble: (code) => TROUBLE_CHINESE[code as ProbeTrouble] ?? code,
  larderLevel: (name, level) => `${name} 是处于第 ${level} 级的 Larder`,
  noGo: (program) => ({
    what: `${program}：没有这个 go 命令`,
    fix: '安装 Go 并加入 PATH，或指定它：larder go --go /usr/local/go/bin/go -- build ./...',
  }),
  noGoArguments: { what: 'larder go 需要一个 go 命令', fix: '例如 larder go -- build ./...' },
  badDuration: (flag, text) => ({ what: `${flag} ${text} 不是时长`, fix: `例如 ${flag} 30s` }),
  oneOf: { what: 'larder bundle create 需要模块', fix: '写出模块（模块@版本），或 go.sum：--go-sum go.sum' },
  reasons: {
    'bundle-unusable': ({ store, why }) => ({
      what: `${store}：模块包无法使用：${why}`,
      fix: 'larder bundle rollback，或用 larder bundle install 安装由 ladder.bundleKeys 中的密钥签名的模块包',
    }),
    'bundle-no-previous': ({ store }) => ({
      what: `${store}：没有之前生效的模块包`,
      fix: 'larder bundle list 列出已有的；larder bundle install 切换到别的',
    }),
    'bundle-store-absent': ({ store }) => ({
      what: `没有模块包的存储 ${store}`,
      fix: 'larder bundle install 会建立它，或用 --store 指定别的',
    }),
    'bundle-id-taken': ({ id }) => ({
      what: `存储中已有名为 ${id} 的另一个模块包`,
      fix: '用别的 --id 制作新的模块包',
    }),
    'bundle-place-taken': ({ path }) => ({ what: `${path} 已存在`, fix: '用 --to 指定别的目录' }),
    'bundle-bad-id': ({ id }) => ({
      what: `--id ${id}：不能作为模块包的名称`,
      fix: '小写字母、数字、. _ 和 -，最多 64 个，以字母或数字开头',
    }),
    'bundle-source-absent': ({ path }) => ({
      what: `没有目录 ${path}`,
      fix: '用 --from 指定模块缓存、Larder 数据目录或 GOPROXY 目录树',
    }),
    'bundle-lacks': ({ path, why }) => ({
      what: `${path} 中没有 ${why}`,
      fix: 'go mod download 后重试；或用 --allow-missing 略去',
    }),
    'bundle-no-key': () => ({
      what: '没有说明信任谁签名的模块包',
      fix: '设置 ladder.bundleKeys，或 --verifier NAME+HASH+KEY',
    }),
    'bundle-no-store': () => ({ what: '没有指定模块包的存储', fix: '设置 ladder.bundles，或 --store 目录' }),
    'bundle-key-unusable': ({ path, why }) => ({
      what: `${path}：密钥无法使用（${why}）`,
      fix: '指定由 larder bundle keygen 写成的文件',
    }),
    'bundle-key-open': ({ path, mode }) => ({
      what: `${path}：所有者以外的人也能用它（权限 ${mode}）`,
      fix: `chmod 600 ${path}`,
    }),
    'bundle-verifier-unusable': ({ why }) => ({
      what: `--verifier 无法使用：${why}`,
      fix: '给出 larder bundle keygen 打印的 NAME+HASH+KEY',
    }),
    'file-unreadable': ({ path, why }) => ({ what: `${path}：无法读取：${why}`, fix: '指定存在且 larder 可读的文件' }),
    'vendor-inconsistent': ({ why }) => ({
      what: `没有制作快照：${why}`,
      fix: 'go mod vendor（工作区用 go work vendor），然后 larder vendor snapshot',
    }),
    'vendor-damaged': ({ why }) => ({
      what: `没有制作快照：${why}`,
      fix: 'larder vendor restore；若改动是您所为，则 larder vendor snapshot --replace',
    }),
    'vendor-strange': ({ why }) => ({ what: `快照无法包含：${why}`, fix: '换成普通文件：go mod vendor 不会产生别的' }),
    'vendor-no-sum': ({ why }) => ({
      what: `${why}：没有 vendor.sum`,
      fix: '待 vendor/ 正确后运行 larder vendor snapshot',
    }),
    'vendor-no-snapshot': ({ why }) => ({
      what: `${why}：没有 vendor.offline/`,
      fix: 'go mod vendor，然后 larder vendor snapshot',
    }),
    'vendor-snapshot-damaged': ({ why }) => ({
      what: `没有恢复：vendor.offline/ 中的 ${why} 与 vendor.sum 不符`,
      fix: 'go mod vendor，然后 larder vendor snapshot',
    }),
    'vendor-sum-damaged': () => ({
      what: 'vendor.sum 已损坏，或被手工改动',
      fix: '从版本控制取回；或待 vendor/ 正确后运行 larder vendor snapshot',
    }),
  },
};
