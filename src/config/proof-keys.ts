import * as z from 'zod';
import { choice, count, database, databases, duration, path, paths, size } from './leaves.ts';

/** What is read of zips, and what go.sum files pin. */
export const verifyKeys = z.strictObject({
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
});

/** The checksum databases of others. */
export const sumdbKeys = z.strictObject({
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
});

/** Our own checksum database. */
export const ledgerKeys = z.strictObject({
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
});
