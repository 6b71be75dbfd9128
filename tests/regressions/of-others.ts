/** Bugs of other module proxies, of the go command and of git hosts that must not be here: the regression ledger of the reliability rules. */
import { row, type Row } from './row.ts';

/** In the order of the rules. */
export const OF_OTHERS: readonly Row[] = [
  row('athens#2050', 'one shared reader of a zip for two savers: the cache became corrupt', [
    'src/resolver/immutable.test.ts: memory, store, fill > 500 clients, one cold zip: one fetch, each reads all of it with a reader of its own (athens#2050)',
    'src/resolver/delivery.test.ts: a large zip > is read by 200 at once, each at its own pace, from one fetch',
  ]),
  row('athens#1972', 'who waited got 500 "not obtained" while somebody else was still fetching', [
    'src/resolver/flight.test.ts: one fetch for all who ask > 100 waiters on a fetch of 60 s: nobody fails before its own deadline (athens#1972)',
    'src/resolver/shared-fill.test.ts: an artifact that several processes want > is waited for as long as the holder gets on',
  ]),
  row('athens#1791', 'a lock ended before the fetch did: stored twice', [
    'tests/regressions/two-nodes.test.ts: a node whose time was over > finds what the other stored, and its own bytes are discarded',
    'src/resolver/shared-fill.test.ts: an artifact that several processes want > is fetched beside a holder that lives and %s',
  ]),
  row('athens#2152', '504 for the zip of a toolchain, which takes longer than the proxy in front waits', [
    'tests/regressions/slow-zip.test.ts: a zip that takes longer than the proxy in front waits > arrives whole',
  ]),
  row('athens-fs', 'part of a zip served after a crash, because three files were there', [
    'tests/fault/kill.test.ts: ${KILLS} kills during commits > leave no corrupt file, lose nothing that was acknowledged, and the next start takes the rubbish away',
    'src/artifacts/artifact-store.test.ts: after a crash between data and record > the data is invisible',
  ]),
  row('goproxyio#155', 'the body of a 302 stored as the zip', [
    'tests/regressions/wrong-answers.test.ts: what is no zip > %s is neither served nor stored (goproxyio#155)',
  ]),
  row('goproxyio#107', 'a zip that is none stored for ever', [
    'tests/regressions/wrong-answers.test.ts: 1,000 zips that were damaged on the way > none is stored, but with the contents that are proven (goproxyio#107)',
  ]),
  row('goproxy.cn#214,#220', 'unexpected EOF and INTERNAL_ERROR in the middle of zips', [
    'tests/regressions/wrong-answers.test.ts: 200 zips, each cut at a random byte > are given whole where the upstream can go on (goproxy.cn#214)',
    'tests/regressions/wrong-answers.test.ts: 200 zips, each cut at a random byte > are a failure where it cannot, and whole the next time (goproxy.cn#220)',
  ]),
  row('goproxy.cn#69', '`gzip: invalid header` for what a mirror called encoded', [
    'src/sources/goproxy/goproxy.test.ts: .%s: a malformed answer is an error, and never \\"not here\\" > %s',
    'src/sources/goproxy/goproxy.test.ts: a zip > %s is refused',
    'src/io/http-client.test.ts: a request > says who asks, and asks for no encoding',
  ]),
  row('golang/go#72118,#57185', 'a host that was down for a moment answered, and remembered, as 404', [
    'src/resolver/mutable.test.ts: absence > is not made from an outage (golang/go#72118)',
    'src/resolver/immutable.test.ts: absence and outage > an outage is not told as absence: A cannot tell, B does not have it',
    'src/app/git.test.ts: a private module > goes on being served while its repository is down; what is new then is a failure that names it',
  ]),
  row('golang/go#44577', 'a proxy asked small origins about 1,900 times an hour', [
    'tests/regressions/polite.test.ts: an hour of busy clients > costs the origin one question for each artifact and one a minute for what can change (golang/go#44577)',
    'src/resolver/mutable.test.ts: fresh, stale, old > however short a list is fresh, it is not refreshed twice in a minute (M22)',
    'src/sources/vcs/mirror.test.ts: limits > a host sees so many fetches at a time and no more',
  ]),
  row('golang/go#70042', 'a checksum database does not know a brand-new version yet', [
    'src/verify/expectations.test.ts: a version that the database does not know yet > is asked for again, after half a second, one, two, four, and then every five',
    'src/app/proof.test.ts: a version that was just published > is waited for when the database has not heard of it',
  ]),
  row('golang/go#46369', 'a new tag was not seen for up to 30 minutes', [
    'src/resolver/immutable.test.ts: absence and outage > absence of a version newer than all known is remembered for 5 s: tag; go get works (golang/go#46369)',
    'src/resolver/mutable.test.ts: a version once seen does not vanish > a version that was just fetched is in the list at once: tag; go get m@v; list',
    'src/resolver/mutable.test.ts: queries > a moved branch is seen after a minute',
  ]),
  row('GO-2026-4984,-6179,-6180', 'checksum databases believed without proof, with added lines and with forged tiles', [
    'src/verify/sumdb-attacks.test.ts: a lookup that lies is refused, and nothing of it is stored > %s',
    'src/verify/sumdb-attacks.test.ts: lines outside the record > in the signed head count for nothing',
    'src/verify/sumdb-attacks.test.ts: forged tiles > %s with the hash of a forged record is refused',
  ]),
  row('GO-2026-4338', 'a version that git takes for an option: programs run, files written', [
    'src/sources/vcs/git.test.ts: git > is given no word of others that it could take for an option or a path',
    'tests/e2e/git-hostile.test.ts: against what is hostile > tags and branches that are options are only names',
    'tests/e2e/git-hostile.test.ts: against what is hostile > 500 names and versions are names, or bad requests',
  ]),
  row('GO-2025-3383', 'credentials sent to another host than their own', [
    'src/credentials/canary.test.ts: every secret is sent to its own place, and to no other',
    'src/credentials/configured.test.ts: a row is for its own origin, at its path and below > %s: %s',
  ]),
  row('GO-2022-0318', 'a branch that is called like a version taken for that version', [
    'src/gomod/coderepo/find-revision.test.ts: a version that is asked for > is never a branch of that name',
  ]),
  row('GO-2023-2383', 'git went on over git:// when https failed', [
    'src/sources/vcs/git.test.ts: git > does not speak %s',
    'src/sources/vcs/git-relay.test.ts: redirects > from https to http are refused',
    'src/sources/vcs/import-pages.test.ts: plain http > is not asked when https is forbidden',
  ]),
  row('GO-2024-2888', 'a zip that readers understand in two ways', [
    'src/gomod/zip/reader.test.ts: a zip with two readings is refused > %s',
    'src/gomod/zip/differential.test.ts: a zip that was tampered with > is refused, or read by yauzl exactly as by us',
  ]),
  row('GHSA-g2f5,CVE-2021-32408,GHSA-2wm4,GHSA-3fvx', 'git hosts led to inner addresses: redirects, CRLF, LFS', [
    'src/io/http-guard.test.ts: a request behind the guard > is checked again at a redirect',
    'src/sources/vcs/git-relay.test.ts: redirects > to what the guard does not allow go nowhere',
    'tests/fault/egress.test.ts: with every forbidden address a sinkhole > no spelling by any way reaches one',
    'tests/fault/egress.test.ts: with every forbidden address a sinkhole > without the guard nearly all do, by every way; the rest is known',
  ]),
  row(
    'CVE-2025-48384,-48385,2024-32002,2024-50349,2024-52005,2024-52006,2021-21300',
    'git: clones that run programs, submodules, bundles written anywhere, prompts, control characters, line breaks for credential helpers',
    [
      'src/sources/vcs/git.test.ts: git > knows no configuration and no environment but ours',
      'src/sources/vcs/git.test.ts: git > %s, whatever a user has set',
      'src/credentials/programs.test.ts: GOAUTH > has git ask its helpers about no URL that hides a line break (CVE-2024-52006)',
      'src/credentials/rows.test.ts: a row is refused, by the key that is wrong > %s: %j',
      'tests/e2e/git-hostile.test.ts: against what is hostile > a host that %s is given up, in words that can be printed',
      'tests/e2e/git-hostile.test.ts: against what is hostile > every repository is served without what is hostile in it, or refused',
      'tests/e2e/git-hostile.test.ts: against what is hostile > afterwards > no payload has been executed',
      'tests/e2e/git-hostile.test.ts: against what is hostile > afterwards > the log has no control characters',
    ],
  ),
  row('undici-redirects,CVE-2026-22036', 'credentials that follow redirects; chains of encodings without a bound', [
    'src/io/http-guard.test.ts: credentials at a redirect > stay with the origin that they are for, in every header, and do not come back to it',
    'src/io/http-client.test.ts: redirects > take credentials along within their origin and prefix only, and never back',
    'src/sources/goproxy/goproxy.test.ts: a zip > %s is refused',
  ]),
  row('redis-failover,kleppmann-pause', 'two holders of one lock: a paused one goes on as if nothing had been', [
    'tests/fault/lease-processes.test.ts: processes that want one lease > never act two at a time, whenever they are killed, stopped and continued; and always one gets on',
    'tests/regressions/two-nodes.test.ts: a node whose time was over > finds what the other stored, and its own bytes are discarded',
    'src/coordination/disk/disk-register.test.ts: the disk register > a writer whose number was passed and pruned meanwhile is told CONFLICT',
  ]),
];
