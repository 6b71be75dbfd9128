import * as z from 'zod';
import { CREDENTIAL_MEMBERS, type CredentialSetting } from './credential-rows.ts';
import { canaryKeys, engineKeys } from './engine-keys.ts';
import { gitKeys } from './git-keys.ts';
import { PEER_MEMBERS, type PeerRow } from './peer-rows.ts';
import { overloadKeys } from './overload-keys.ts';
import { ledgerKeys, sumdbKeys, verifyKeys } from './proof-keys.ts';
import { resolverKeys } from './resolver-keys.ts';
import { ROUTE_MEMBERS, type RouteRow } from './route-rows.ts';
import { serverKeys } from './server-keys.ts';
import { UPSTREAM_MEMBERS, type UpstreamRow } from './upstream-rows.ts';
import {
  address,
  choice,
  count,
  duration,
  flag,
  globs,
  hosts,
  optionalText,
  path,
  paths,
  ports,
  rows,
  size,
  upstream,
  verifierKeys,
} from './leaves.ts';

/** Keys that mean nothing without another: each with the one that has to be set too. */
const PARTNERS = [
  ['tls.cert', 'tls.key'],
  ['tls.key', 'tls.cert'],
  ['ladder.bundles', 'ladder.bundleKeys'],
] as const;

/** Every key there is. What has no key here cannot be set. */
export const schema = z
  .strictObject({
    listen: address('127.0.0.1:8080', {
      flag: '--listen',
      description:
        'Where the server listens: host:port. An empty host means every address of the machine, port 0 any free port.',
    }),
    data: path('$XDG_DATA_HOME/larder, else ~/.local/share/larder', {
      flag: '--data',
      example: '/var/lib/larder',
      description: 'Folder for everything that is stored. DATA/download in it is itself a valid GOPROXY.',
    }),
    workers: count(1, [0, 256], {
      flag: '--workers',
      example: '4',
      description:
        'Processes that serve together on one port and one data folder; 0 = one for each core. Figures of other keys, as those of memory and of connections, are for each of them.',
    }),
    fills: z.strictObject({
      shared: flag(false, {
        description:
          'Whether several servers use this data folder: they tell each other there what they fetch, so that each module is fetched once. Workers of one server always do.',
      }),
    }),
    upstream: upstream(
      'the pools of `upstreams` and `direct`; without such rows GOPROXY of the environment, else of the file of `go env -w`, else https://proxy.golang.org,direct',
      {
        flag: '--upstream',
        example: 'https://proxy.golang.org,direct',
        description:
          'Where modules come from, in the form of GOPROXY: URLs (https, http, file), names of pools of `upstreams`, `direct` or `off`. After `,` the next entry is asked only when a module is not there (404, 410), after `|` on any failure. A list of entries is the same as joining them with commas.',
      },
    ),
    upstreams: rows<UpstreamRow>(UPSTREAM_MEMBERS, {
      example: 'hub=https://hub.example;name=mirror,url=https://mirror.example/go,weight=5',
      description:
        'Upstreams that form pools: within a pool each stands for the others, and a bad one never fails a question that another can answer. The name of a pool stands in `upstream`, and in the chain of a route, where a URL could stand.',
    }),
    region: optionalText({
      example: 'eu-west',
      description:
        'Where this server is, in the words of the `region` of `upstreams`: those in the same one are preferred.',
    }),
    routes: rows<RouteRow>(ROUTE_MEMBERS, {
      example: 'name=stage,header=x-env: stage,upstream=https://stage.example,direct',
      description:
        'Chains of their own for some modules, or for requests with a header or a credential. The first row that matches in all that it names counts. Private modules take none. What is stored is shared by all routes.',
    }),
    peers: rows<PeerRow>(PEER_MEMBERS, {
      example: 'larder-b=https://larder-b.corp.example',
      description:
        'Other Larders that are asked for what they have when the chain cannot answer. They are asked to fetch nothing themselves.',
    }),
    engine: engineKeys,
    canary: canaryKeys,
    private: globs(
      'GOPRIVATE of the go command; but where the upstream is taken from it too and GONOPROXY is set, what that and GONOSUMDB say',
      {
        example: 'git.corp.example/*,github.com/acme',
        description:
          'Private modules: globs of path prefixes in the form of GOPRIVATE, separated by commas or as a list. They come from their own repository alone and lie in a part of the store of their own (DATA/scopes/private); no upstream and no checksum database of others hears their names. Case does not count, and paths that lead to what a glob with a plain host names are private too. What noProxy and noSumdb both match is private too. golang.org/toolchain never is.',
      },
    ),
    noProxy: globs('GONOPROXY of the go command, else none', {
      example: 'corp.example,*.internal.example/team',
      description:
        'Modules besides the private ones that no upstream may be asked for, in the form of GONOPROXY: they come from their own repository, are public, and are proven by the checksum database.',
    }),
    noSumdb: globs('GONOSUMDB of the go command, else none', {
      example: 'corp.example,*.internal.example/team',
      description:
        'Modules besides the private ones that no checksum database of others may be asked about, in the form of GONOSUMDB. That they are exempt is written into their records. It never exempts golang.org/toolchain.',
    }),
    modcache: paths({
      flag: '--modcache',
      example: '/home/ci/go/pkg/mod',
      description:
        'Module caches of the go command (GOMODCACHE folders) to read from, before the upstream. Never written to.',
    }),
    offline: flag(false, {
      flag: '--offline',
      description:
        'Whether nothing outside this machine is touched: no upstream, no peer, no repository, no checksum database. What is stored, in `modcache` and in `ladder.bundles` is served; everything else is OFFLINE (503), never "not found". `larder offline on` and `off` switch it while the server runs.',
    }),
    git: gitKeys,
    credentials: rows<CredentialSetting>(CREDENTIAL_MEMBERS, {
      example: 'url=https://git.corp.example,token=env:GIT_TOKEN',
      description:
        'What lets us in at repositories and upstreams: a row for each place, with one of password, token, netrc, helper and command, or for `ssh://` with sshKey and knownHosts. Secrets are never printed. A file that holds secrets itself wants narrow permissions.',
    }),
    egress: z.strictObject({
      allow: hosts({
        example: 'git.corp.example,10.0.0.0/8',
        description:
          'Hosts that may be connected to though their addresses are not public: names, addresses, or ranges of addresses. Upstreams, checksum databases and the hosts that `private`, `credentials`, `git.aliases` and `git.rewrites` name need no entry, but redirects from other hosts and pages about public modules lead there only with one.',
      }),
      ports: ports([443, 22], {
        description: 'Ports that may be connected to at hosts that a module path or a page led to.',
      }),
    }),
    ladder: z.strictObject({
      git: choice(['listed', 'always', 'never'], 'listed', {
        description:
          'Whether a module may come from its own repository when the upstreams fail: only where `direct` stands in the chain, always, or never. Then only what a checksum database, the ledger or a go.sum file proves is taken from there.',
      }),
      patience: duration('15s', ['0', '10m'], {
        description:
          'How long a question that nobody can answer waits for an upstream to come back before it fails: the go command asks only once. Counts from its beginning; 0 = not at all.',
      }),
      bundles: paths({
        example: '/var/lib/larder-bundles',
        description:
          'Stores of signed bundles (see `larder bundle install`) that are asked when the upstreams fail. What `current` in a store leads to counts, at once.',
      }),
      bundleKeys: verifierKeys({
        example: 'bundles.corp.example+6a15e04e+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs',
        description:
          'Verifier keys of those who may have signed a bundle (`larder bundle keygen` prints them). Without one no bundle is used.',
      }),
    }),
    anchors: z.strictObject({
      checkEvery: duration('1d', ['0', '3650d'], {
        description:
          'How often repositories are asked whether their tags still say what they said when a module was stored. 0 = never.',
      }),
    }),
    tls: z.strictObject({
      cert: path('none: plain HTTP', {
        example: '/etc/larder/tls.crt',
        description: 'PEM file with the certificate and its chain. Read again when it changes.',
      }),
      key: path('none', { example: '/etc/larder/tls.key', description: 'PEM file with the private key of tls.cert.' }),
      checkEvery: duration('5s', ['100ms', '1d'], {
        description:
          'How often the two files are looked at for a change; the configuration file too, whose `credentials` then count at once and the rest from the next start. A place inside the network that nothing else names is connected to from the next start on.',
      }),
    }),
    memory: z.strictObject({
      artifacts: size('256MiB', ['1MiB', '1TiB'], {
        description: 'Memory for .info, .mod and small zips that are asked for often.',
      }),
      largest: size('8MiB', ['1KiB', '1GiB'], { description: 'Zips larger than this are sent from disk.' }),
      spool: size('256KiB', ['4KiB', '64MiB'], {
        description: 'Bodies larger than this lie in a temporary file of the data folder while they arrive.',
      }),
    }),
    store: z.strictObject({
      checkEvery: duration('1d', ['1m', '3650d'], {
        description: 'How long a comparison of a stored zip with its hash holds before it is done again.',
      }),
      orphanGrace: duration('10s', ['0', '1h'], {
        description:
          'How long another process may take between a file and its record before the file counts as left behind.',
      }),
    }),
    verify: verifyKeys,
    sumdb: sumdbKeys,
    ledger: ledgerKeys,
    log: z.strictObject({
      level: choice(['debug', 'info', 'warn', 'error', 'silent'], 'info', {
        flag: '--log-level',
        description: 'The least grave messages that are logged, as JSON lines on stderr.',
      }),
      access: flag(true, { description: 'Whether each request is logged, at level info.' }),
    }),
    server: serverKeys,
    fetch: z.strictObject({
      connect: duration('5s', ['100ms', '5m'], { description: 'Connecting to an upstream, with the TLS handshake.' }),
      firstByte: duration('20s', ['100ms', '10m'], {
        description: 'From a request to an upstream to the first line of its answer.',
      }),
      idle: duration('15s', ['100ms', '10m'], {
        description:
          'Between two pieces of an answer of an upstream. For the end of a large zip, which another Larder holds back until it is proven, 55 s at least.',
      }),
      total: duration('30s', ['1s', '1h'], {
        description:
          'Whole of a request to an upstream, redirects included. Zips may take longer as long as they keep coming.',
      }),
      maxConnections: count(128, [1, 10_000], { description: 'Connections to one upstream at a time.' }),
      streamAbove: size('32MiB', ['0', '1GiB'], {
        description:
          'Zips larger than this are sent on while they arrive; their last 64 KiB, without which they are no zip, wait until the whole is proven.',
      }),
    }),
    resolver: resolverKeys,
    overload: overloadKeys,
    audit: z.strictObject({
      keep: size('256MiB', ['0', '1TiB'], {
        description:
          'Room for the audit trail in DATA/audit: JSON lines about the ladder, upstreams that are left alone, canaries, drills, offline, configurations that were read again, starts, stops and security events, whatever `log.level` is. The oldest files go. 0 = none is written.',
      }),
    }),
    drills: choice(['allow', 'forbid'], 'allow', {
      description:
        'Whether `larder drill` may have this server meet a fault on purpose: with one upstream, or with its own disk. Verification stays as it is.',
    }),
    watchdog: duration('30s', ['0', '1d'], {
      description:
        'A process whose event loop stands still for this long is ended with SIGABRT after a last line in its log, so that whoever started it starts it again (systemd: Restart=on-failure). Time in which the whole process was stopped, or the machine asleep, does not count. With several workers this is for the process that started them; it ends a worker that does not answer for 10 s. 0 = never.',
    }),
    metrics: z.strictObject({
      enabled: flag(true, { description: 'Whether /metrics answers (Prometheus text).' }),
    }),
    status: z.strictObject({
      enabled: flag(true, {
        description:
          'Whether /status answers: as JSON, how the routes stand on the ladder, the upstreams, the checksum databases and the store. Names of upstreams are in it, addresses and secrets are not.',
      }),
    }),
    drain: z.strictObject({
      accept: duration('5s', ['0', '10m'], {
        description:
          'On SIGTERM: how long new requests are still taken while /readyz says 503, so that load balancers notice.',
      }),
      finish: duration('55s', ['0', '1h'], {
        description: 'On SIGTERM: how long requests in progress may take to finish, counted from the signal.',
      }),
    }),
  })
  .superRefine((config, context) => {
    for (const [key, partner] of PARTNERS)
      if (isSet(valueAt(config, key)) && !isSet(valueAt(config, partner)))
        context.addIssue({ code: 'custom', path: key.split('.'), params: { partner } });
  });

/** A whole, checked configuration. Durations are in ms, sizes in bytes, paths absolute. */
export type Config = z.output<typeof schema> & {
  readonly data: string;
  readonly upstream: string;
  readonly noProxy: string;
};

/** What `config` has at `key`, which is dotted: `tls.cert`. */
export function valueAt(config: object, key: string): unknown {
  return key.split('.').reduce<unknown>((section, name) => (section as Record<string, unknown>)[name], config);
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}
