import * as z from 'zod';
import { CREDENTIAL_MEMBERS, type CredentialSetting } from './credential-rows.ts';
import { ALIAS_MEMBERS, type AliasRow, REWRITE_MEMBERS, type RewriteRow } from './git-rows.ts';
import {
  address,
  choice,
  count,
  database,
  databases,
  duration,
  flag,
  globs,
  govcs,
  hosts,
  type KeyFacts,
  path,
  paths,
  ports,
  rows,
  size,
  upstream,
} from './leaves.ts';

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
    upstream: upstream(
      'GOPROXY of the environment, else of the file of `go env -w`, else https://proxy.golang.org,direct',
      {
        flag: '--upstream',
        example: 'https://proxy.golang.org,direct',
        description:
          'Where modules come from, in the form of GOPROXY: URLs (https, http, file), `direct` or `off`. After `,` the next entry is asked only when a module is not there (404, 410), after `|` on any failure. A list of entries is the same as joining them with commas.',
      },
    ),
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
    git: z.strictObject({
      govcs: govcs('private:all,public:git|hg', {
        description:
          'Which version control systems may be used for which modules, in the form of GOVCS; `private` are those that `private` matches. Default: GOVCS of the go command where it is set.',
      }),
      insecure: globs('GOINSECURE of the go command, else none', {
        example: 'git.lab.example',
        description: 'Modules that may be looked for and fetched without TLS, in the form of GOINSECURE.',
      }),
      aliases: rows<AliasRow>(ALIAS_MEMBERS, {
        example: 'corp.example/lib=https://git.corp.example/team/lib',
        description:
          'Modules that come from a repository of your choice, whatever their path says. No upstream is asked for them; `larder explain` names the row.',
      }),
      rewrites: rows<RewriteRow>(REWRITE_MEMBERS, {
        example: 'https://github.com/=ssh://git@github.com/',
        description:
          'What is connected to in the place of a URL that begins so, as `url.TO.insteadOf FROM` in git; the longest beginning wins. Where a module came from is recorded as before.',
      }),
      mirrors: path('DATA/.mirrors', {
        example: '/var/cache/larder/mirrors',
        description: 'Folder for the mirrors of repositories. A cache: it can be removed while no larder runs.',
      }),
      mirrorSpace: size('20GiB', ['64MiB', '1024TiB'], {
        description: 'Room for all mirrors; those that were not used for the longest time go first.',
      }),
      repositorySize: size('2GiB', ['1MiB', '1TiB'], { description: 'Largest repository that is mirrored.' }),
      fetchTime: duration('5m', ['1s', '1d'], { description: 'Longest time for one fetch of a repository.' }),
      idle: duration('30s', ['1s', '1h'], {
        description: 'A repository that sends nothing for this long is given up.',
      }),
      perHost: count(2, [1, 64], { description: 'Fetches at a time from one host.' }),
      fresh: duration('1m', ['0', '1d'], {
        description: 'How long the branches and tags of a repository are used without asking again.',
      }),
    }),
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
    verify: z.strictObject({
      goSum: paths({
        example: '/srv/app/go.sum',
        description: 'go.sum files that you trust: what they pin is stored and served only with exactly that hash.',
      }),
      threads: count(2, [1, 64], {
        description: 'Threads that read and hash zips; each is started when first needed.',
      }),
      queued: count(1000, [0, 100_000], { description: 'Zips that may wait for a thread; one more is OVERLOADED.' }),
      zipTime: duration('30s', ['1s', '1h'], { description: 'Longest time for reading one zip.' }),
      threadIdle: duration('1m', ['1s', '1d'], { description: 'A thread without work ends after this.' }),
    }),
    sumdb: z.strictObject({
      database: database('sum.golang.org', {
        variable: 'LARDER_SUMDB',
        description:
          'The checksum database that every .mod and .zip must agree with before it is stored, in the form of GOSUMDB: a known name (`sum.golang.org`, `sum.golang.google.cn`) or `NAME+HASH+KEY`, each with the URL to ask it at after a blank; without a URL it is asked through the upstream and at https://NAME. `off` exempts every module but golang.org/toolchain, and each record says so.',
      }),
      onOutage: choice(['refuse', 'serve-unverified'], 'refuse', {
        description:
          'What happens to a module that is not stored yet while the database cannot be asked: it is refused (503), or served with a record that says it is unproven, and proven later.',
      }),
      newVersion: duration('30s', ['0', '10m'], {
        description:
          'How long the database is asked again about a version that it says it does not know: it may just have been published. For a .mod no longer than resolver.metadataDeadline and resolver.proof leave.',
      }),
      relay: databases({
        example: 'sum.golang.google.cn',
        description:
          'Checksum databases besides `sumdb.database` that clients may ask through this server, in the form of GOSUMDB.',
      }),
      tileMemory: size('64MiB', ['1MiB', '16GiB'], {
        description: 'Memory for tiles and records of checksum databases that are asked for often.',
      }),
    }),
    ledger: z.strictObject({
      key: path('none: no ledger is kept', {
        example: '/etc/larder/ledger.key',
        description:
          'File with the signer key of our own checksum database, made by `larder ledger init`. LARDER_LEDGER_SECRET may hold the key itself instead.',
      }),
      headFile: path('the path of ledger.key with `.head` at its end', {
        example: '/var/lib/larder-head/ledger.head',
        description:
          'Where the last published tree head is kept a second time, best on another disk: a ledger that is shorter than it does not start.',
      }),
    }),
    log: z.strictObject({
      level: choice(['debug', 'info', 'warn', 'error', 'silent'], 'info', {
        flag: '--log-level',
        description: 'The least grave messages that are logged, as JSON lines on stderr.',
      }),
      access: flag(true, { description: 'Whether each request is logged, at level info.' }),
    }),
    server: z.strictObject({
      headersTimeout: duration('10s', ['1s', '10m'], {
        description: 'From the first byte of a request to the end of its headers.',
      }),
      requestTimeout: duration('15s', ['1s', '10m'], { description: 'From the first byte of a request to its end.' }),
      keepAlive: duration('65s', ['0', '1h'], {
        description:
          'How long an idle connection is kept: longer than a reverse proxy in front keeps it, so that the proxy is the one that closes.',
      }),
      checkEvery: duration('2s', ['100ms', '1m'], { description: 'How often these timeouts are looked at.' }),
      answer: duration('55s', ['1s', '1h'], {
        description: 'Longest time until an answer other than a zip begins; then 504.',
      }),
      zipAnswer: duration('11m', ['1s', '6h'], {
        description:
          'Longest time until a zip begins. Zips up to fetch.streamAbove are sent only when all of them is verified.',
      }),
      writeStall: duration('30s', ['1s', '1h'], {
        description: 'A client that takes no byte for this long is cut off.',
      }),
      maxHeaderSize: size('16KiB', ['1KiB', '1MiB'], { description: 'Most bytes of headers in a request.' }),
      maxHeaders: count(100, [10, 100], { description: 'Most header lines in a request.' }),
      maxConnections: count(12_000, [1, 1_000_000], { description: 'Connections at a time, from all clients.' }),
      perAddress: count(200, [1, 1_000_000], { description: 'Connections at a time from one address.' }),
      perLoopback: count(1_000, [1, 1_000_000], {
        description: 'Connections at a time from this machine: a reverse proxy on it is many clients.',
      }),
      backlog: count(4096, [1, 65_535], { description: 'Connections that the kernel keeps waiting to be accepted.' }),
      rememberedRoutes: count(8192, [1, 1_000_000], { description: 'Request targets whose parsing is remembered.' }),
      sendingBuffers: count(16, [1, 10_000], {
        description: 'Sendings of stored files that get two large buffers at a time; more get a small one each.',
      }),
      bufferSize: size('512KiB', ['16KiB', '8MiB'], { description: 'Size of a large sending buffer.' }),
      smallBufferSize: size('64KiB', ['4KiB', '8MiB'], {
        description: 'Size of the buffer of a sending beyond server.sendingBuffers.',
      }),
    }),
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
    resolver: z.strictObject({
      metadataDeadline: duration('30s', ['1s', '1h'], {
        description: 'Whole time for one .info, .mod, list, latest or query, over all sources.',
      }),
      proof: duration('20s', ['0', '10m'], {
        description:
          'How much longer a .mod may take for its proof. With resolver.metadataDeadline at least sumdb.newVersion, and less than server.answer.',
      }),
      zipDeadline: duration('10m', ['1s', '6h'], { description: 'Whole time for fetching one zip.' }),
      flights: count(256, [1, 100_000], {
        description: 'Fetches of metadata that run at once; those of lists, latest and queries are counted apart.',
      }),
      zipFlights: count(64, [1, 10_000], {
        description: 'Fetches of zips that run at once. Each may hold 500 MiB of disk while it arrives.',
      }),
      queuedFlights: count(10_000, [0, 1_000_000], {
        description: 'Fetches that may wait for their turn, of each kind; one more is OVERLOADED.',
      }),
      queueWait: duration('15s', ['0', '10m'], { description: 'Longest wait for a turn; then OVERLOADED.' }),
      linger: duration('2s', ['0', '10m'], {
        description: 'How long a fetch goes on when nobody waits for it any more and it is not past half.',
      }),
      errorMemo: duration('1s', ['0', '10m'], {
        description: 'How long a failure is repeated to new callers without a new attempt.',
      }),
      fresh: duration('1m', ['0', '1d'], {
        description: 'How long list, latest and query answers are used without asking, give or take the jitter.',
      }),
      staleWhileRevalidate: duration('10m', ['0', '30d'], {
        description: 'After that: how long they are answered at once while a refresh goes on behind.',
      }),
      staleIfError: duration('30d', ['0', '3650d'], {
        description: 'How old an answer may be to stand in when no source can be asked.',
      }),
      staleWait: duration('2s', ['0', '10m'], {
        description: 'Longest wait for a source while an old answer is at hand.',
      }),
      staleRetry: duration('5s', ['0', '10m'], {
        description: 'After a failed attempt: how long the old answer is given without another one.',
      }),
      refreshEvery: duration('1m', ['0', '1d'], { description: 'Least time between two refreshes of one answer.' }),
      refreshesPerSecond: count(50, [1, 10_000], { description: 'Refreshes started per second, over all modules.' }),
      refreshBurst: count(50, [1, 10_000], { description: 'Refreshes that may start at once after a pause.' }),
      background: count(32, [1, 1_000], {
        description: 'Refreshes and writes of remembered answers that run at once.',
      }),
      queuedWrites: count(10_000, [0, 1_000_000], {
        description:
          'Writes of remembered answers that may wait for their turn; more are left out until the next refresh.',
      }),
      storeDeadline: duration('5s', ['100ms', '10m'], {
        description:
          'Longest time the store may take over what is only remembered; then the question goes on without it.',
      }),
      mutableEntries: count(20_000, [1, 10_000_000], { description: 'List, latest and query answers kept in memory.' }),
      mutableMemory: size('64MiB', ['1MiB', '64GiB'], { description: 'Memory for them.' }),
      persistEvery: duration('5m', ['0', '1d'], {
        description: 'Least time between two writes of an answer whose content did not change.',
      }),
      mirrorWait: duration('1s', ['0', '1m'], {
        description: 'Extra wait for the other entries of a `|` group after the first list came.',
      }),
      negativeVersion: duration('30s', ['0', '1d'], { description: 'How long "no such version" is remembered.' }),
      negativeNewVersion: duration('5s', ['0', '1d'], {
        description: 'The same for a version newer than all known: it may just have been published.',
      }),
      negativeModule: duration('5m', ['0', '1d'], { description: 'How long "no such module" is remembered.' }),
      negativeEntries: count(100_000, [1, 10_000_000], { description: 'How many such answers are remembered.' }),
      jitterPercent: count(20, [0, 90], {
        description: 'By how much, in percent, fresh and negative times vary, so that they do not end together.',
      }),
      unstoredMemory: size('1GiB', ['0', '64GiB'], {
        description: 'Verified bodies that could not be stored, on disk or in memory, that may be served all the same.',
      }),
      unstored: duration('1m', ['0', '1d'], { description: 'How long each of them.' }),
    }),
    metrics: z.strictObject({
      enabled: flag(true, { description: 'Whether /metrics answers (Prometheus text).' }),
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
    if (config.tls.cert !== undefined && config.tls.key === undefined)
      context.addIssue({ code: 'custom', path: ['tls', 'cert'], params: { partner: 'tls.key' } });
    if (config.tls.key !== undefined && config.tls.cert === undefined)
      context.addIssue({ code: 'custom', path: ['tls', 'key'], params: { partner: 'tls.cert' } });
  });

/** A whole, checked configuration. Durations are in ms, sizes in bytes, paths absolute. */
export type Config = z.output<typeof schema> & {
  readonly data: string;
  readonly upstream: string;
  readonly noProxy: string;
};

/** One key and what its schema says about it. */
export interface KeySpec extends KeyFacts {
  /** Dotted: `tls.cert`. */
  readonly key: string;
  /** The environment variable that sets it: `LARDER_TLS_CERT`. */
  readonly variable: string;
}

/** All keys, in the order of the schema. */
export function keySpecs(): readonly KeySpec[] {
  return specsOf(schema, '');
}

function specsOf(section: z.ZodObject, prefix: string): KeySpec[] {
  return Object.entries(section.shape).flatMap(([name, inner]) => {
    const key = prefix + name;
    if (inner instanceof z.ZodObject) return specsOf(inner, `${key}.`);
    return [{ variable: variableOf(key), ...((inner as z.ZodType).meta() as unknown as KeyFacts), key }];
  });
}

/** `tls.cert` -> `LARDER_TLS_CERT`, `verify.goSum` -> `LARDER_VERIFY_GO_SUM`. */
function variableOf(key: string): string {
  return `LARDER_${key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}
