import type { Expected } from '../config/problem.ts';
import { anchorsChinese } from './messages-anchors.ts';
import { controlChinese } from './messages-control.ts';
import { drillChinese } from './messages-drill.ts';
import { ledgerChinese } from './messages-ledger.ts';
import { proofChinese } from './messages-proof.ts';
import { toolboxChinese } from './messages-toolbox.ts';
import { upstreamsChinese } from './messages-upstreams.ts';
import type { Messages, ProblemWords } from './messages.ts';

const problems: ProblemWords = {
  'unknown-key': (problem) => ({
    what: `${problem.origin}：没有配置项 ${problem.key}`,
    fix: problem.nearest === undefined ? 'larder config print --effective 列出全部配置项' : `应写 ${problem.nearest}`,
  }),
  'unknown-variable': (problem) => ({
    what: `${problem.origin}：没有这个设置`,
    fix: problem.nearest === undefined ? `取消变量 ${problem.name}` : `应写 ${problem.nearest}`,
  }),
  'bad-value': (problem) => ({
    what: `${problem.origin}：${problem.key}：${problem.shown === '' ? '没有值' : problem.shown} 不是${expected(problem.expected, problem.choices)}${problem.range === undefined ? '' : `（${problem.range.replace(' to ', ' 到 ')}）`}`,
    fix: `例如写 ${problem.example}`,
  }),
  'not-a-row': (problem) => ({
    what: `${problem.origin}：${problem.key}：第 ${problem.row} 行不是由成员组成的一行`,
    fix: `例如写 ${problem.example}，在文件中则把成员写在短横线之下`,
  }),
  'unknown-member': (problem) => ({
    what: `${problem.origin}：${problem.key}：第 ${problem.row} 行没有成员 ${problem.member}`,
    fix: problem.nearest === undefined ? `成员有 ${problem.members.join('、')}` : `应写 ${problem.nearest}`,
  }),
  'missing-member': (problem) => ({
    what: `${problem.origin}：${problem.key}：第 ${problem.row} 行缺少 ${problem.member}`,
    fix: `例如写 ${problem.member}: ${problem.example}`,
  }),
  'bad-member': (problem) => ({
    what: `${problem.origin}：${problem.key}：第 ${problem.row} 行：${problem.shown === '' ? '所写的内容' : problem.shown} 不能作为 ${problem.member}${problem.choices === undefined ? '' : `（应为以下之一：${problem.choices.join('、')}）`}`,
    fix: `例如写 ${problem.member}: ${problem.example}`,
  }),
  'not-a-section': (problem) => ({
    what: `${problem.origin}：${problem.key} 应是一个值，不是一组配置项`,
    fix: `例如写 ${problem.key}: ${problem.example}`,
  }),
  'is-a-section': (problem) => ({
    what: `${problem.origin}：${problem.key} 是一组配置项，不是一个值`,
    fix: `设置其中的项，例如 ${problem.example}`,
  }),
  'missing-partner': (problem) => ({
    what: `${problem.origin}：设置了 ${problem.key}，却没有设置 ${problem.partner}`,
    fix: `同时设置 ${problem.partner}，或都不设置`,
  }),
  'not-above': (problem) => ({
    what: `${problem.origin}：${problem.key} 不大于 ${problem.other}（${problem.otherOrigin}）`,
    fix: `调高 ${problem.key}，或调低 ${problem.other}`,
  }),
  'no-home': () => ({ what: 'data：没有可存放数据的主目录', fix: 'larder serve --data 目录' }),
  'unreadable-file': (problem) => ({
    what: `${problem.origin}：无法读取（${problem.reason}）`,
    fix: '指定存在且 larder 可读的文件',
  }),
  'bad-yaml': (problem) => ({
    what: `${problem.origin}：${problem.what}`,
    fix: '写普通的 "key: value" 行：不用锚点、别名、标签或合并键，同一键不写两次',
  }),
  'bad-set': (problem) => ({
    what: `${problem.origin}：${problem.text} 不是 KEY=VALUE`,
    fix: '例如写 --set log.level=debug',
  }),
  'bad-upstream': (problem) => ({
    what: `${problem.origin}：upstream：${problem.reason}`,
    fix: '例如写 https://proxy.golang.org,direct',
  }),
  ...upstreamsChinese,
  'self-call': (problem) => ({
    what: `${problem.origin}：上游 ${problem.entry} 就是这个 larder 自己（${problem.listen}），它会无休止地询问自己`,
    fix:
      problem.setting === 'upstream'
        ? '换一个上游，或换一个监听端口'
        : 'GOPROXY 已经指向这里，请说明 larder 自己应向谁询问：larder serve --upstream https://proxy.golang.org,direct',
  }),
};

export const chinese: Messages = {
  language: 'zh',
  whatToDo: '解决办法',
  colon: '：',
  program: '团队自建的 Go 模块镜像：每次构建都成功，每个字节都有据可查。',
  commands: {
    serve: '提供 Go 模块服务：把 GOPROXY 指向它',
    fsck: '检查所有已存储的内容',
    config: '查看配置',
    check: '指出配置中的全部错误',
    print: '打印已设置的项及其来源',
    version: '打印版本',
  },
  flags: {
    config: '配置文件（默认：$LARDER_CONFIG，否则 ./larder.yaml，如果存在）',
    listen: '监听的 host:port（默认：127.0.0.1:8080）',
    data: '存放所有数据的目录（默认：~/.local/share/larder）',
    upstream: '模块来源，写法与 GOPROXY 相同（默认：go 命令自己会用的）',
    modcache: '另外读取的 GOMODCACHE 目录；可重复',
    offline: '不接触本机以外的任何地方：只提供本机已有的内容',
    workers: '一起提供服务的进程数；0 = 每个内核一个',
    logLevel: 'debug、info、warn、error 或 silent（默认：info）',
    set: '设置任意配置项；可重复',
    json: '输出 JSON',
    repair: '把损坏的文件移走并重新获取',
    effective: '列出全部配置项，包括取默认值的',
    lang: '消息语言：en 或 zh（默认：按 LANG）',
    help: '打印本帮助',
    version: '打印版本',
  },
  titles: { Usage: '用法', Arguments: '参数', Options: '选项', Commands: '命令' },
  seeHelp: (command) => `参见：${command} --help`,
  takesNoArgument: (command, argument) => `${command} 不带参数：${argument}`,
  needsValue: (flag) => `${flag} 需要一个值`,
  needsArgument: (command, argument) => `${command} 需要 ${argument}`,
  noSuchLanguage: (name) => `--lang ${name}：只有 en 和 zh 两种语言的消息`,
  unknownCommand: (name, near) => `没有命令 ${name}${near === undefined ? '' : `，是否指 ${near}？`}`,
  unknownFlag: (name, near) => `没有选项 ${name}${near === undefined ? '' : `，是否指 ${near}？`}`,
  configIsRight: '配置正确',
  configIsWrong: (count) => `配置有 ${count} 处错误；未启动任何服务`,
  nothingSet: '# 没有设置任何项：全部取默认值（用 --effective 查看）',
  start: (facts) => [
    `Larder ${facts.version} 正在提供 Go 模块。在构建环境中粘贴：`,
    '',
    `  export GOPROXY=${facts.url}`,
    '',
    `  上游  ${facts.upstream}  （${facts.upstreamOrigin}）`,
    `  数据  ${facts.data}`,
    ...(facts.configFile === undefined ? [] : [`  配置  ${facts.configFile}`]),
    '',
  ],
  draining: (seconds) => `正在停止：进行中的请求还有 ${seconds} 秒；再发一次信号则立即停止`,
  stopped: '已停止',
  filesChecked: (checked) => `已检查 ${checked} 个文件`,
  fsckRow: {
    checked: '已检查文件',
    partial: '不完整',
    altered: '被改动',
    orphaned: '孤立',
    foreign: '非 larder 所写',
    repaired: '已修复',
    seconds: '秒',
  },
  stoppedEarly: '未检查完即停止；其余文件的情况未知',
  fsckFix: 'larder fsck --repair 会移走损坏的文件并重新获取',
  proof: proofChinese,
  ledger: ledgerChinese,
  anchors: anchorsChinese,
  drill: drillChinese,
  control: controlChinese,
  toolbox: toolboxChinese,
  problems,
  reasons: {
    ...proofChinese.reasons,
    ...ledgerChinese.reasons,
    ...anchorsChinese.reasons,
    ...drillChinese.reasons,
    ...controlChinese.reasons,
    ...toolboxChinese.reasons,
    'port-in-use': ({ address }) => ({
      what: `${address}：端口已被占用`,
      fix: '停止占用它的程序，或换一个端口：larder serve --listen 127.0.0.1:8081',
    }),
    'port-not-allowed': ({ address }) => ({
      what: `${address}：当前用户无权打开该端口`,
      fix: '选择 1023 以上的端口：larder serve --listen 127.0.0.1:8080',
    }),
    'no-such-address': ({ address }) => ({
      what: `${address}：本机没有这个地址`,
      fix: '使用本机的地址，或用 :8080 表示全部地址',
    }),
    'data-not-writable': ({ folder, why }) => ({
      what: `数据目录 ${folder}：无法写入（${why}）`,
      fix: '给运行 larder 的用户写权限，或换一个目录：larder serve --data 目录',
    }),
    'data-disk-full': ({ folder }) => ({
      what: `数据目录 ${folder}：磁盘已满`,
      fix: '释放空间，或换一个磁盘上的目录：larder serve --data 目录',
    }),
    'data-not-a-folder': ({ folder, why }) => ({
      what: `数据目录 ${folder}：路径上有文件（${why}）`,
      fix: '指定目录而不是文件：larder serve --data 目录；目录不存在时 larder 会创建',
    }),
    'tls-unusable': ({ why }) => ({
      what: `证书或密钥无法使用：${why}`,
      fix: 'tls.cert 和 tls.key 应是配对、未过期且 larder 可读的 PEM 文件',
    }),
    'no-modcache': ({ folder }) => ({
      what: `${folder}：没有这个目录`,
      fix: '指定存在的目录（go env GOMODCACHE 会打印你的），或不设置',
    }),
    'data-not-ours': ({ why }) => ({
      what: `数据目录无法使用：${why}`,
      fix: '选择空目录，或 larder 自己的数据目录：larder serve --data 目录',
    }),
    'data-not-there': ({ folder, why }) => ({
      what: `数据目录 ${folder}：没有可检查的内容（${why}）`,
      fix: '指定 larder serve 存放数据的目录：--data 目录',
    }),
    'go-sum-unusable': ({ why }) => ({
      what: `go.sum 文件无法使用：${why}`,
      fix: '指定存在、larder 可读、由 go 写成的 go.sum 文件：verify.goSum: /srv/app/go.sum',
    }),
    'netrc-unusable': ({ why }) => ({
      what: `netrc 文件无法使用：${why}`,
      fix: '让 larder 可以读取该文件，或另外指定：NETRC=/etc/larder/netrc',
    }),
    'credentials-unusable': ({ why }) => ({
      what: `凭据无法使用：${why}`,
      fix: '例如写 credentials: [{url: https://git.corp.example, token: env:NAME}]；变量须已设置，文件须可读',
    }),
    'egress-unusable': ({ why }) => ({
      what: `egress.allow 中的一项无法使用：${why}`,
      fix: '例如写 egress: {allow: [git.corp.example, "10.1.2.3:8443", 10.0.0.0/8]}',
    }),
    'proxy-unusable': ({ why }) => ({
      what: `代理设置无法使用：${why}`,
      fix: '例如写 HTTPS_PROXY=http://proxy.example:3128',
    }),
    'sumdb-unusable': ({ why }) => ({
      what: `校验和数据库无法使用：${why}`,
      fix: '例如写 sum.golang.org，或 NAME+HASH+KEY https://sum.example/path；一个名称只能有一个密钥',
    }),
    'upstreams-unusable': ({ why }) => ({
      what: `上游或对等节点不可用：${why}`,
      fix: '写存在且 larder 可读的文件和密钥，或从该行去掉此成员',
    }),
    'routes-unusable': ({ why }) => ({
      what: `路由不可用：${why}`,
      fix: '写存在且 larder 可读的文件和密钥，或从该行去掉此成员',
    }),
    'upstream-unusable': ({ why }) => ({
      what: `上游无法使用：${why}`,
      fix: '例如写 https://user:password@proxy.example，或写 https://proxy.example 并把密码放进 ~/.netrc',
    }),
  },
  internal: '这是 larder 的缺陷；请附上面的内容报告',
};

function expected(kind: Expected, choices: readonly string[] = []): string {
  if (kind === 'choice') return `以下之一：${choices.join('、')}`;
  const words = {
    address: '地址（host:port）',
    path: '路径',
    text: '一行文字',
    paths: '路径列表',
    upstream: ' GOPROXY 列表',
    globs: '逗号分隔的通配模式',
    govcs: ' GOVCS 形式的规则',
    hosts: '名称、地址和地址段的列表',
    ranges: '地址和地址段的列表',
    ports: '端口号列表',
    rows: '由成员组成的行的列表',
    database: '校验和数据库（已知名称、NAME+HASH+KEY 或 off）',
    databases: '校验和数据库列表（已知名称或 NAME+HASH+KEY）',
    verifierKeys: '校验密钥的列表（NAME+HASH+KEY）',
    boolean: ' true 或 false',
    count: '整数',
    duration: '带单位的时长',
    size: '带单位的大小',
  };
  return words[kind];
}
