/** What people read about the ledger, in both languages. */

/** Facts of a failure, as app/ reports them. */
type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

interface Wording {
  readonly what: string;
  readonly fix: string;
}

/** What `ledger init` prints. All texts are safe to show: none has the signer key. */
export interface LedgerFacts {
  readonly name: string;
  readonly verifierKey: string;
  readonly keyFile?: string | undefined;
  readonly isKeyNew: boolean;
  readonly data: string;
}

/** Every line about the ledger, in one language. */
export interface LedgerMessages {
  readonly commands: Readonly<Record<'ledger' | 'init' | 'verify' | 'export', string>>;
  readonly flags: Readonly<Record<'name' | 'key', string>>;
  readonly made: (facts: LedgerFacts) => readonly string[];
  readonly progress: (done: number, of: number) => string;
  readonly exporting: (files: number) => string;
  /** `published` = records of the head that was compared; undefined = none was. */
  readonly isRight: (facts: {
    readonly name: string;
    readonly size: number;
    readonly seconds: number;
    readonly published: number | undefined;
  }) => string;
  readonly isWrong: (faults: number) => string;
  readonly isWrongFix: string;
  readonly exported: (facts: {
    readonly name: string;
    readonly size: number;
    readonly files: number;
    readonly folder: string;
  }) => string;
  readonly stopped: string;
  /** By `detail.reason`. */
  readonly reasons: Readonly<Record<string, (facts: Facts) => Wording>>;
}

export const ledgerEnglish: LedgerMessages = {
  commands: {
    ledger: 'our own checksum database',
    init: 'make its key and an empty log',
    verify: 'replay the log and compare it with all that is stored',
    export: 'write the log as files for a static server',
  },
  flags: {
    name: 'name of the database: a host you own, with a path or without',
    key: 'file for the signer key (default: ledger.key of the configuration)',
  },
  made: ({ name, verifierKey, keyFile, isKeyNew, data }) => [
    `The ledger ${name} is there, and empty.${keyFile === undefined ? '' : ` Its signer key is in ${keyFile}${isKeyNew ? ' (new: keep a copy where only you can read it)' : ''}.`}`,
    'Paste one of these where you build:',
    '',
    `  export GOSUMDB="${verifierKey}"`,
    `  export GOSUMDB="${verifierKey} http://HOST:PORT/sumdb/${name}"`,
    '',
    `The first asks through GOPROXY. The second, with the address of this larder in it, asks it also where GOPROXY is another.`,
    ...(keyFile === undefined ? [] : [`Start with: larder serve --data ${data} --set ledger.key=${keyFile}`]),
  ],
  progress: (done, of) => `checked ${done} of ${of} records`,
  exporting: (files) => `wrote ${files} files`,
  isRight: ({ name, size, seconds, published }) =>
    `${name}: ${size} records, all as they should be (${seconds} s); ${published === undefined ? 'no published head was compared: no head file was found (ledger.headFile)' : `the published head of ${published} records is in it`}`,
  isWrong: (faults) => `the ledger is wrong in ${faults === 1 ? 'one place' : `${faults} places`}`,
  isWrongFix:
    'stop larder, put back a backup of the folder ledger/ in the data folder that is not older than the last published head, and check again',
  exported: ({ name, size, files, folder }) =>
    `${name}: ${size} records in ${files} files below ${folder}; serve it at https://${name}`,
  stopped: 'stopped before the end',
  reasons: {
    'ledger-no-log': ({ folder }) => ({
      what: `there is no ledger in ${folder}`,
      fix: 'make one: larder ledger init --name sum.corp.example; or take ledger.key out of the configuration',
    }),
    'ledger-log-gone': ({ name, copy }) => ({
      what: `the log of ${name} is gone, and clients have seen it: a new one would look to them like a forgery`,
      fix: `put back a backup of the folder ledger/ in the data folder; if no client has ever used ${name}, remove ${copy} and run larder ledger init`,
    }),
    'ledger-other-key': ({ name, given }) => ({
      what: `the key is ${given}, the ledger is that of ${name}`,
      fix: `let ledger.key (or LARDER_LEDGER_SECRET) name the key of ${name}; another key needs another name and another data folder`,
    }),
    'ledger-behind': ({ name, size, published, copy }) => ({
      what: `the log of ${name} has ${size} records, and clients have seen ${published}: to go on would fork it`,
      fix: `put back a backup of the folder ledger/ that has at least ${published} records (${copy} is the head it must reach), or the newest volume; every client reports a forged log otherwise`,
    }),
    'ledger-forked': ({ name, published, copy }) => ({
      what: `the first ${published} records of ${name} are not those that clients have seen`,
      fix: `put back the folder ledger/ that belongs to the head in ${copy}`,
    }),
    'ledger-copy-unusable': ({ name, copy }) => ({
      what: `${copy} does not hold a head that ${name} signed`,
      fix: `put back the right file; only if you are sure that the log is not behind what clients have seen, remove it`,
    }),
    'ledger-no-key': ({ folder }) => ({
      what: `there is a ledger in ${folder}, and no key for it`,
      fix: 'set ledger.key to its key file, or LARDER_LEDGER_SECRET to the key itself',
    }),
    'ledger-name-taken': ({ name }) => ({
      what: `${name} is the ledger of this larder, and sumdb.database or sumdb.relay names it too`,
      fix: 'take it out there: what proves public modules must be a database of others',
    }),
    'ledger-key-unusable': ({ path, why }) => ({
      what: `${path}: ${why}`,
      fix: 'let ledger.key name the file that larder ledger init wrote',
    }),
    'ledger-key-open': ({ path, mode }) => ({
      what: `${path}: others than its owner may use it (mode ${mode})`,
      fix: `chmod 600 ${path}`,
    }),
    'ledger-no-head-file': () => ({
      what: 'nothing says where the last published head of the ledger is kept a second time',
      fix: 'set ledger.headFile, best on another disk than the data folder: /var/lib/larder-head/ledger.head',
    }),
    'ledger-not-configured': () => ({
      what: 'nothing says where the key of the ledger is',
      fix: 'name its file: --key /etc/larder/ledger.key, or ledger.key in the configuration',
    }),
    'ledger-is-there': ({ folder }) => ({
      what: `there is a ledger in ${folder} already; nothing was changed`,
      fix: 'use it, or choose another data folder: --data FOLDER',
    }),
    'ledger-name-unusable': ({ name }) => ({
      what: `--name ${name}: not a name that clients can use`,
      fix: 'write a host that you own, with a path or without: sum.corp.example',
    }),
  },
};

export const ledgerChinese: LedgerMessages = {
  commands: {
    ledger: '自己的校验和数据库',
    init: '生成密钥和一个空日志',
    verify: '重放日志，并与所存的一切比较',
    export: '把日志写成静态服务器可用的文件',
  },
  flags: {
    name: '数据库的名称：您拥有的主机名，可带路径',
    key: '签名密钥的文件（默认：配置里的 ledger.key）',
  },
  made: ({ name, verifierKey, keyFile, isKeyNew, data }) => [
    `账本 ${name} 已建立，还是空的。${keyFile === undefined ? '' : `签名密钥在 ${keyFile}${isKeyNew ? '（新生成：请在只有您能读的地方留一份）' : ''}。`}`,
    '在构建的地方粘贴其中一行：',
    '',
    `  export GOSUMDB="${verifierKey}"`,
    `  export GOSUMDB="${verifierKey} http://HOST:PORT/sumdb/${name}"`,
    '',
    '第一行经由 GOPROXY 询问；第二行填上此 larder 的地址，GOPROXY 是别处时也能询问它。',
    ...(keyFile === undefined ? [] : [`启动：larder serve --data ${data} --set ledger.key=${keyFile}`]),
  ],
  progress: (done, of) => `已检查 ${done} / ${of} 条记录`,
  exporting: (files) => `已写 ${files} 个文件`,
  isRight: ({ name, size, seconds, published }) =>
    `${name}：${size} 条记录，全部正确（${seconds} 秒）；${published === undefined ? '没有比较公布过的树头：没有找到树头文件（ledger.headFile）' : `公布过的 ${published} 条记录的树头在其中`}`,
  isWrong: (faults) => `账本有 ${faults} 处错误`,
  isWrongFix: '停下 larder，把数据目录里的 ledger/ 换回不早于最后公布的树头的备份，再检查一次',
  exported: ({ name, size, files, folder }) =>
    `${name}：${size} 条记录，${files} 个文件，写在 ${folder} 下；请在 https://${name} 提供`,
  stopped: '未到结尾就停下了',
  reasons: {
    'ledger-no-log': ({ folder }) => ({
      what: `${folder} 里没有账本`,
      fix: '建立一个：larder ledger init --name sum.corp.example；或从配置里去掉 ledger.key',
    }),
    'ledger-log-gone': ({ name, copy }) => ({
      what: `${name} 的日志不见了，而客户端见过它：新的日志在它们看来是伪造的`,
      fix: `把数据目录里的 ledger/ 从备份换回来；如果从没有客户端用过 ${name}，删掉 ${copy} 再运行 larder ledger init`,
    }),
    'ledger-other-key': ({ name, given }) => ({
      what: `密钥是 ${given}，账本是 ${name} 的`,
      fix: `让 ledger.key（或 LARDER_LEDGER_SECRET）指向 ${name} 的密钥；换密钥就要换名称和数据目录`,
    }),
    'ledger-behind': ({ name, size, published, copy }) => ({
      what: `${name} 的日志有 ${size} 条记录，而客户端见过 ${published} 条：继续下去会使它分叉`,
      fix: `把 ledger/ 换成至少有 ${published} 条记录的备份（${copy} 是它必须达到的树头），或换回最新的卷；否则每个客户端都会报告日志被伪造`,
    }),
    'ledger-forked': ({ name, published, copy }) => ({
      what: `${name} 的前 ${published} 条记录不是客户端见过的那些`,
      fix: `换回与 ${copy} 里的树头相配的 ledger/ 目录`,
    }),
    'ledger-copy-unusable': ({ name, copy }) => ({
      what: `${copy} 里没有 ${name} 签名的树头`,
      fix: '换回正确的文件；只有确信日志不落后于客户端所见时才可删掉它',
    }),
    'ledger-no-key': ({ folder }) => ({
      what: `${folder} 里有账本，却没有它的密钥`,
      fix: '让 ledger.key 指向它的密钥文件，或让 LARDER_LEDGER_SECRET 就是密钥',
    }),
    'ledger-name-taken': ({ name }) => ({
      what: `${name} 是此 larder 自己的账本，sumdb.database 或 sumdb.relay 也写了它`,
      fix: '从那里去掉：证明公开模块的必须是别人的数据库',
    }),
    'ledger-key-unusable': ({ path, why }) => ({
      what: `${path}：密钥无法使用（${why}）`,
      fix: '让 ledger.key 指向 larder ledger init 写的文件',
    }),
    'ledger-key-open': ({ path, mode }) => ({
      what: `${path}：所有者以外的人也能用它（权限 ${mode}）`,
      fix: `chmod 600 ${path}`,
    }),
    'ledger-no-head-file': () => ({
      what: '没有说最后公布的树头的第二份放在哪里',
      fix: '设置 ledger.headFile，最好在数据目录以外的磁盘上：/var/lib/larder-head/ledger.head',
    }),
    'ledger-not-configured': () => ({
      what: '没有说账本的密钥在哪里',
      fix: '写出它的文件：--key /etc/larder/ledger.key，或配置里的 ledger.key',
    }),
    'ledger-is-there': ({ folder }) => ({
      what: `${folder} 里已经有账本；什么都没有改`,
      fix: '就用它，或另选数据目录：--data FOLDER',
    }),
    'ledger-name-unusable': ({ name }) => ({
      what: `--name ${name}：客户端不能用这个名称`,
      fix: '写您拥有的主机名，可带路径：sum.corp.example',
    }),
  },
};
