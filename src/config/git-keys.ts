import * as z from 'zod';
import { ALIAS_MEMBERS, type AliasRow, REWRITE_MEMBERS, type RewriteRow } from './git-rows.ts';
import { count, duration, globs, govcs, path, rows, size } from './leaves.ts';

/** How modules come from repositories, and how much of those is kept. */
export const gitKeys = z.strictObject({
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
});
