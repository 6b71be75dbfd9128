/** What people read about rows of upstreams, routes and peers that cannot be used, in both languages. */
import type { RowReason } from '../config/row-trouble.ts';
import type { ConfigProblem } from '../config/problem.ts';

interface Wording {
  readonly what: string;
  readonly fix: string;
}

type Unfit = Extract<ConfigProblem, { readonly kind: 'unfit-row' }>;
type UnknownPool = Extract<ConfigProblem, { readonly kind: 'unknown-pool' }>;
type Reasons = Readonly<Record<RowReason, (problem: Unfit) => readonly [why: string, fix: string]>>;

/** How problems of upstreams are put, in one language. */
export interface UpstreamProblemWords {
  readonly 'unfit-row': (problem: Unfit) => Wording;
  readonly 'unknown-pool': (problem: UnknownPool) => Wording;
}

const english: Reasons = {
  'name-unfit': ({ shown }) => [`${shown} is no name`, 'use letters, digits, - and _, at most 63'],
  'name-reserved': ({ other = '' }) => [`${other} means something else`, 'take another name'],
  'name-taken': ({ shown, other = '' }) => [`the name ${shown} is already in ${other}`, 'give each its own name'],
  'pool-unfit': ({ shown }) => [`${shown} is no name of a pool`, 'use letters, digits, - and _, at most 63'],
  'pool-unnamed': ({ other = '' }) => [
    `no chain names the pool ${other}, so nobody would ask it`,
    `write it into upstream or into the upstream of a route, for example upstream: ${other},direct`,
  ],
  'pool-unknown': ({ other = '', nearest }) => [
    `its chain names the pool ${other}, and no row of upstreams is of it`,
    nearest === undefined ? `write pool: ${other} into a row of upstreams` : `write ${nearest}`,
  ],
  'canary-alone': () => [
    'a canary needs a member beside it that is none',
    'add an upstream to its pool, or leave canary out',
  ],
  'url-unfit': ({ shown }) => [
    `${shown} is no https or http URL of an upstream`,
    'write for example https://hub.example/go',
  ],
  'url-has-userinfo': () => ['its url holds a user name or a password', 'write them as user and password, or as token'],
  'self-call': ({ member }) => [
    `its ${member} is this larder itself, which would ask itself for ever`,
    'name another one, or listen on another port',
  ],
  'two-secrets': () => ['it has a token and a password', 'keep one of them'],
  'password-missing': () => [
    'it has a user and no password',
    'add the password, for example password: env:HUB_PASSWORD',
  ],
  'user-missing': () => ['it has a password and no user', 'add the user, or write the secret as token'],
  'secret-over-http': ({ member }) => [`its ${member} would travel in the open`, 'write https in its url'],
  'tls-over-http': ({ member }) => [`${member} is about TLS, and its url is http`, 'write https in its url'],
  'cert-missing': () => ['it has a key and no cert', 'set both, or neither'],
  'key-missing': () => ['it has a cert and no key', 'set both, or neither'],
  'pin-unfit': () => [
    'a pin is not sha256/ and 32 bytes in base64',
    'openssl x509 -in CERT -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64',
  ],
  'pins-without-backup': () => [
    'it has one pin and no backup: nothing would fit on the day the key changes',
    'make the next key now, and add its pin',
  ],
  'proxy-unfit': () => [
    'its proxy is neither none nor the URL of a proxy',
    'write for example proxy: http://proxy.corp.example:3128',
  ],
  'rate-unfit': ({ shown }) => [`${shown} is no rate`, 'write a whole number and /s, /m or /h, for example 50/s'],
  'burst-without-rate': () => ['it has a burst and no rate', 'add the rate, for example rate: 50/s'],
  'probe-unfit': ({ shown }) => [`${shown} is no module version`, 'write for example probe: rsc.io/quote@v1.5.2'],
  'header-unfit': ({ shown }) => [
    `${shown} is not the name and the value of a header`,
    'write for example header: "x-env: stage"',
  ],
  'header-is-secret': ({ other = '' }) => [
    `no route goes by the header ${other}`,
    'for tokens and passwords, write credential',
  ],
  'globs-unfit': ({ shown }) => [`${shown} is no list of globs`, 'write for example modules: corp.example/stage/*'],
  'matches-all': () => [
    'it says of no request that it is for it',
    'add modules, header or credential; for everything else there is upstream',
  ],
  'chain-unfit': () => ['its upstream is no chain', 'write for example upstream: mirrors,direct'],
};

const chinese: Reasons = {
  'name-unfit': ({ shown }) => [`${shown} 不能作名称`, '用字母、数字、- 和 _，最多 63 个'],
  'name-reserved': ({ other = '' }) => [`${other} 另有含义`, '换一个名称'],
  'name-taken': ({ shown, other = '' }) => [`名称 ${shown} 已在 ${other} 中使用`, '每行各用一个名称'],
  'pool-unfit': ({ shown }) => [`${shown} 不能作池的名称`, '用字母、数字、- 和 _，最多 63 个'],
  'pool-unnamed': ({ other = '' }) => [
    `没有任何链提到池 ${other}，因此永远不会询问它`,
    `写入 upstream 或某条路由的 upstream，例如 upstream: ${other},direct`,
  ],
  'pool-unknown': ({ other = '', nearest }) => [
    `它的链提到池 ${other}，但 upstreams 中没有属于它的行`,
    nearest === undefined ? `在 upstreams 的某行中写 pool: ${other}` : `应写 ${nearest}`,
  ],
  'canary-alone': () => ['灰度上游旁边必须有非灰度的成员', '向该池添加一个上游，或去掉 canary'],
  'url-unfit': ({ shown }) => [`${shown} 不是上游的 https 或 http URL`, '例如写 https://hub.example/go'],
  'url-has-userinfo': () => ['它的 url 含有用户名或密码', '改写为 user 和 password，或 token'],
  'self-call': ({ member }) => [`它的 ${member} 就是这个 larder 自己，会无休止地询问自己`, '换一个，或换一个监听端口'],
  'two-secrets': () => ['同时有 token 和 password', '只保留一个'],
  'password-missing': () => ['有 user 而没有 password', '补上密码，例如 password: env:HUB_PASSWORD'],
  'user-missing': () => ['有 password 而没有 user', '补上 user，或把密钥写为 token'],
  'secret-over-http': ({ member }) => [`它的 ${member} 会以明文传输`, '在 url 中写 https'],
  'tls-over-http': ({ member }) => [`${member} 与 TLS 有关，而 url 是 http`, '在 url 中写 https'],
  'cert-missing': () => ['有 key 而没有 cert', '两者都设置，或都不设置'],
  'key-missing': () => ['有 cert 而没有 key', '两者都设置，或都不设置'],
  'pin-unfit': () => [
    '有一个 pin 不是 sha256/ 加 32 字节的 base64',
    'openssl x509 -in CERT -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64',
  ],
  'pins-without-backup': () => [
    '只有一个 pin，没有备用：更换密钥那天就全都不匹配',
    '现在就生成下一个密钥，并加入它的 pin',
  ],
  'proxy-unfit': () => ['它的 proxy 既不是 none，也不是代理的 URL', '例如写 proxy: http://proxy.corp.example:3128'],
  'rate-unfit': ({ shown }) => [`${shown} 不是速率`, '写整数加 /s、/m 或 /h，例如 50/s'],
  'burst-without-rate': () => ['有 burst 而没有 rate', '补上 rate，例如 rate: 50/s'],
  'probe-unfit': ({ shown }) => [`${shown} 不是模块版本`, '例如写 probe: rsc.io/quote@v1.5.2'],
  'header-unfit': ({ shown }) => [`${shown} 不是请求头的名称和值`, '例如写 header: "x-env: stage"'],
  'header-is-secret': ({ other = '' }) => [`路由不能依据请求头 ${other}`, '令牌和密码请写 credential'],
  'globs-unfit': ({ shown }) => [`${shown} 不是通配符列表`, '例如写 modules: corp.example/stage/*'],
  'matches-all': () => ['它没有说明适用于哪些请求', '补上 modules、header 或 credential；其余一切由 upstream 决定'],
  'chain-unfit': () => ['它的 upstream 不是链', '例如写 upstream: mirrors,direct'],
};

/** In English. */
export const upstreamsEnglish: UpstreamProblemWords = {
  'unfit-row': (problem) => {
    const [why, fix] = english[problem.reason](problem);
    return { what: `${problem.origin}: ${problem.key}: row ${problem.row}: ${problem.member}: ${why}`, fix };
  },
  'unknown-pool': ({ origin, pool, pools, nearest }) => ({
    what: `${origin}: upstream: ${pool} is no URL, and no row of upstreams is of a pool of this name`,
    fix:
      nearest !== undefined
        ? `write ${nearest}`
        : pools.length > 0
          ? `the pools are ${pools.join(', ')}`
          : 'write for example https://proxy.golang.org,direct',
  }),
};

/** In Chinese. */
export const upstreamsChinese: UpstreamProblemWords = {
  'unfit-row': (problem) => {
    const [why, fix] = chinese[problem.reason](problem);
    return { what: `${problem.origin}：${problem.key}：第 ${problem.row} 行：${problem.member}：${why}`, fix };
  },
  'unknown-pool': ({ origin, pool, pools, nearest }) => ({
    what: `${origin}：upstream：${pool} 不是 URL，upstreams 中也没有属于此名称的池的行`,
    fix:
      nearest !== undefined
        ? `应写 ${nearest}`
        : pools.length > 0
          ? `池有 ${pools.join('、')}`
          : '例如写 https://proxy.golang.org,direct',
  }),
};
