/** Bugs of our own that were mended: each has a test that failed before. */
import { row, type Row } from './row.ts';

/** Newest first; the id is the commit that mended it, or a name where that was mended before the code was in main. */
export const OF_OURS: readonly Row[] = [
  row(
    'lease-removed-by-other',
    'a process that was stopped while it gave a lease back removed the file of a later holder, and two held under one fence',
    [
      'src/coordination/disk/disk-leases.test.ts: the board of files > removes nobody else when a claim wakes late, after others have come and gone',
      'src/coordination/disk/disk-leases.test.ts: the board of files > gives no file a name that another had, so that who wakes late removes nobody else',
    ],
    'in disk-leases.ts: name files by their place in the folder',
  ),
  row(
    'slow-first-fetch',
    'an upstream that fetched a module for the first time was late three times within two seconds, and the 404 of the others counted',
    ['src/upstream/pool.test.ts: an absence > is not said over one that takes ten seconds, however often it was asked'],
    'in testimony.ts: count late askings from the beginning',
  ),
  row(
    'word-of-some',
    'a 404 by the word of those upstreams that could be asked ended what was known, and was repeated for five minutes after the others were back',
    [
      'src/resolver/mutable.test.ts: absence > by the word of some ends nothing that is known',
      'src/resolver/mutable.test.ts: absence > of %s by the word of some is remembered for half a minute',
      'src/resolver/immutable.test.ts: absence and outage > absence of a version by the word of some is remembered for 5 s',
    ],
    'in testimony.ts: return absence as it is',
  ),
  row('rollback-killed', 'a rollback of bundles that was killed between its two steps could never be done again', [
    'tests/fault/toolbox-kill.test.ts: a store of bundles > leads to one of the two when a rollback is killed',
  ]),
  row(
    'anchors-refused-nothing',
    'larder go --anchors ran on what it had fetched against the anchors, and on the next run from the module cache without a look',
    [
      'tests/e2e/larder-go.test.ts: larder go with $name > refuses a repository whose tag is not where the anchors say, on each run',
    ],
    'in prepare.ts: have anchored() return every choice but git as it is',
  ),
  row(
    'rollback-by-length',
    'a bundle with other bytes of the same length was rolled back to',
    ['src/toolbox/bundle/bundle.test.ts: a store > does not roll back to a bundle of which %s'],
    'in switch.ts: do not ask isReadBy()',
  ),
  row(
    'create-left-behind',
    'a bundle create that was killed left a folder for ever',
    [
      'src/toolbox/bundle/bundle.test.ts: a bundle > that was killed while it was made goes with the next one; what others have on their way beside it stays',
    ],
    'in create.ts: do not sweep()',
  ),
  row(
    'vet-analyzers',
    'larder go -- vet -copylocks ./... took the pattern for a value, and prepared the package of the folder alone',
    ['src/toolbox/go/go-task.test.ts: what a go command needs > %s: the flags that matter, and the packages'],
    'in go-task.ts: treat vet as any command in takesNext()',
  ),
  row(
    'absolute-use',
    'modules that a go.work names by absolute paths were looked for below the project: their go.sum pinned nothing, their vendor/ was inconsistent',
    [
      'src/toolbox/go/go-settings.test.ts: a workspace has the modules that it names, by relative and by absolute paths, and what their go.sum files pin',
      'src/toolbox/vendor/vendor-guard.test.ts: vendor/ and go.mod > agree in a workspace that names a module by its absolute path',
    ],
    'in go-settings.ts and consistency.ts: join() in place of resolve()',
  ),
  row(
    'line-past-retry-after',
    'questions that stood in a line under a rate were put all the same after a Retry-After, or to a member left alone',
    [
      'src/upstream/rate.test.ts: a line ends when the member that it stands at %s: nothing more comes there',
      'src/upstream/rate.test.ts: also one that the member made itself: the rate is lower after it asked to be spared once',
    ],
  ),
  row('line-beside-idle', 'a question waited up to 15 s for a turn at one upstream while another could be asked', [
    'src/upstream/rate.test.ts: nobody waits for a turn while another may be asked, be it busy',
  ]),
  row(
    'list-hangs',
    'lists hung with the upstreams that hung, though others could be asked, or all others said "not here"',
    [
      'src/upstream/pool.test.ts: lists > are asked of one %s, too, when all others take long, and the first of them that answers is heard',
      'src/upstream/pool.test.ts: lists > of what nobody has end by the word of all though one hangs, after a while',
    ],
  ),
  row(
    'strike-outlived',
    'a slow probe after the ten minutes for wrong bytes made it ten more; wrong bytes on trial did not',
    [
      'src/upstream/health.test.ts: open > for wrong bytes is over after its time: what is bad then is no proof',
      'src/upstream/health.test.ts: open > for wrong bytes begins anew with other wrong ones, also when it answered its first probe',
    ],
  ),
  row('canary-stage-changed', 'a good canary was rolled back by a restart after canary.firstPercent was raised', [
    'src/upstream/canary.test.ts: a canary > that stood at %i percent goes on from %i, when the stages were changed to 10 and 40 since',
  ]),
  row('untrue-reason', 'who found no turn under a rate was told of a failure that was long over', [
    'src/upstream/rate.test.ts: whoever finds a line that is too long hears of that, and of no failure that is over',
  ]),
  row(
    'blip-beside-outage',
    'with one upstream out for long, a moment without the other failed a build: only the dead one was waited for',
    [
      'src/resolver/blip.test.ts: a source that is out for a moment > is asked again when it is a pool, too, beside one that is out for long',
    ],
    'in consult.ts: wait for who is left alone where one of several is',
  ),
  row(
    'blip-beside-refusal',
    'whether an upstream was waited for hung on what another one, or a rung, had said after it',
    [
      'src/resolver/blip.test.ts: a source that is out for a moment > is asked again also where another of the list will never answer: %s, %s',
      'src/resolver/rungs.test.ts: a pool that is out > is waited for also when a rung sends wrong bytes',
    ],
    'in consult.ts: wait only where the failure to report may pass',
  ),
  row(
    'rung-takes-back',
    'while the list was out a peer or a bundle with an older latest version, branch or list took the place of a newer one that was known',
    ['src/resolver/rungs.test.ts: rungs > take back nothing that is known: > a %s'],
    'in mutable.ts: ask with all rungs also what is still good',
  ),
  row(
    'latest-goes-back',
    'two processes: one answered the older latest version after the other had answered the newer, when theirs was more than five minutes older',
    [
      'src/resolver/mutable-shared.test.ts: two processes on one store > go by the newer latest version, however much older the other one is',
    ],
    'in mutable.ts: merge as of when ours was confirmed',
  ),
  row(
    'news-while-reading',
    'two processes: while one read what the other had told, it answered from before; news that came meanwhile was lost; and where too many read, what it knew was 503',
    [
      'src/resolver/mutable-shared.test.ts: two processes on one store > give nobody what is out of date while one of them reads what the other has told',
      'src/resolver/mutable-shared.test.ts: two processes on one store > give nobody what was read before the newest news',
      'src/resolver/mutable-shared.test.ts: two processes on one store > answer from memory when too many wait to read what others have told',
    ],
    'in mutable.ts: forget the news when the read begins; one read for all news; reject as the load does',
  ),
  row(
    'absent-elsewhere',
    'two processes: one went on saying 404, for six minutes, of a module that the other had fetched',
    [
      'src/resolver/mutable-shared.test.ts: two processes on one store > forget that a module was not there once the other has fetched %s of it',
      'src/resolver/mutable-shared.test.ts: two processes on one store > forget what was not there when anything may have changed',
    ],
    'in mutable.ts: tell of the list alone, and of no pseudo-version; do not clear absences',
  ),
  row(
    'bundles-out-of-reach',
    'a mount with bundles that was gone, or hung, kept the server from starting',
    [
      'src/app/bundles.test.ts: stores of bundles in a configuration > that cannot be read are told of, and sources all the same: they may come back',
      'src/app/bundles.test.ts: stores of bundles in a configuration > that do not answer keep nothing from starting for more than 5 s',
    ],
    'in bundles.ts: refuse after every failure; wait without end',
  ),
  row(
    'lease-left-behind',
    'a download that was given up while its lease was being had held up all other processes for it until its own ended',
    [
      'src/resolver/shared-fill.test.ts: no request fails because of a lease > and one that nobody wants any more while its lease is being had leaves none behind',
    ],
    'in shared-fill.ts: stop before the lease that is on its way is given back',
  ),
  row(
    'refusal-last-or-first',
    'an upstream that said 403 before another was out was passed by: rungs were asked',
    ['src/resolver/rungs.test.ts: rungs > are no way around who said no, in whatever order: %s, %s'],
    'in walk.ts: forget who said no',
  ),
  row(
    'looked-twice',
    'on a slow machine a repository was asked twice for what was not there',
    [
      'src/sources/vcs/vcs-source.test.ts: how often a repository is asked > no second time when the question was the first, however slow the machine is',
    ],
    'in vcs-source.ts: ask the second time by age, and not by moment',
  ),
  row(
    'worker-told-to-end',
    'a worker that alone was told to end cut the connections on which nothing had been asked yet',
    [
      'tests/fault/workers.test.ts: two workers > of which one is told to end answer whoever is connected, also who has asked nothing yet',
    ],
    'in workers.ts: drain({ lingers: false }) in #letGo',
  ),
  row(
    'worker-of-yesterday',
    'a worker that took the place of another had the credentials of the start of the server, for ever; a change of the file before it was watched was missed',
    [
      'tests/fault/workers.test.ts: two workers > start anew with the credentials that count now, also when the first ones are gone',
      'src/app/reload.test.ts: a configuration file that changes > is noticed though it changed before anybody watched, after it was read',
    ],
    'in workers.ts: do nothing in #accept; in reload.ts: begin with the mark of the file as it is',
  ),
  row(
    'offline-between-workers',
    'larder offline on was forgotten when no worker served at that moment, and one that hung took the answer of all away',
    [
      'tests/fault/workers.test.ts: two workers > go offline also when none of them serves at the moment of the switch',
      'tests/fault/workers.test.ts: two workers > serve while one is stopped, which is ended after a while and replaced; what it was sent is answered by others, what all are asked by all others',
    ],
    'in workers.ts: forget() also without replies; ask without #askedSoon',
  ),
  row(
    'process-not-made',
    'a start or an end waited for ever for a worker whose process could not be made, and an end at once for one that was told to stop',
    [
      'src/app/worker-process.test.ts: a worker whose process cannot be made > says why, has ended, and can be told to end',
      'src/app/worker-process.test.ts: a worker whose process cannot be made > does so too where no descriptor is left for the line to it',
      'src/app/worker-process.test.ts: a worker that is told to stop ends by itself',
    ],
  ),
  row('counters-went-back', 'what a worker had counted was lost when another ended at the same time', [
    'src/observe/merged-metrics.test.ts: what several processes have counted, as one page > what two have counted that end together goes on counting, also for who looks meanwhile',
  ]),
  row(
    'claim-left-behind',
    'a claim of a lease that failed after it had linked its file, as with no descriptors left, kept the place and an open file: nobody else got the lease while the process lived',
    [
      'src/coordination/disk/disk-leases.test.ts: the board of files > keeps neither a place nor an open file of a claim when it cannot be told whether it stands',
    ],
    'in disk-leases.ts: take no place back when isBehind throws',
  ),
  row(
    'drill-not-back',
    'a drill ended with 0 though its upstream had answered once and was still left alone',
    [
      'src/cli/drill-verdict.test.ts: the exit code of a drill: %s',
      'src/drill/merge.test.ts: it is back when it is up everywhere, and has answered where its fault was noticed',
    ],
    'in merge.ts: leave upAgainMs out of isBack',
  ),
  row(
    'drill-told-late',
    'the audit trail of a drill that was ended while it began had its start as its last word',
    [
      'src/drill/drills.test.ts: a drill > that is still beginning when the server stops leaves nothing behind',
      'src/drill/drills.test.ts: a drill > that %s ends while it is still beginning leaves nothing behind',
    ],
    'in drills.ts: tell of the start after the end of what was cut short',
  ),
  row(
    'shut-door',
    'a fault proxy whose port was taken once while it refused connections never did again what it was told',
    [
      'tests/fault/fault-proxy.test.ts: while it runs > a refusing one whose port is taken says so, and does as it is told once the port is free',
      'tests/fault/fault-proxy.test.ts: while it runs > one that could not listen again can be closed',
    ],
    'in door.ts: remember the server before it listens; in fault-proxy.ts: go on from #settled without catch()',
  ),
  row(
    'proofs-on-full-disk',
    'while the data folder was full or read-only, lookups of new modules through the relay were 503: cold builds that check failed',
    [
      'tests/fault/disk.test.ts: go commands that check what they get through the relay, on a volume $name > none fails while the log grows, and within 10 s after it what they checked can be checked with the database dead',
      'src/verify/sumdb-sharing.test.ts: a store that takes nothing > does not make a proof less true: lookups go on from memory, under heads that grow, and all is stored within 10 s of room',
      'src/verify/sumdb-sharing.test.ts: a store that takes nothing > is the same for two processes: each follows what the other gives out, and one history is stored',
    ],
    "in known-log.ts: return 'forgotten' at the beginning of #adoptUnstored",
  ),
  row(
    'list-lost-at-restart',
    'a list of which something was stored lost versions over a restart, and with a register that could not be read',
    [
      'src/resolver/mutable.test.ts: a version once seen does not vanish > nor over a restart, with the upstream dead and some of it stored',
      'src/resolver/mutable.test.ts: a version once seen does not vanish > though who asked could not read what was remembered, and others could meanwhile',
    ],
    'in mutable.ts: merge what is remembered with what is stored as if that were an answer of 1970',
  ),
  row(
    'deadline-lost',
    'a member that began, and then sent something wrong, took the deadline of its step with it',
    [
      'src/resolver/deadline.test.ts: a deadline > is back, with what was left of it, when what it was lifted for came to nothing',
    ],
    'in put.ts: do not call restore() when the asking fails; npm run simulate -- --seed 4280',
  ),
  row('fb3efce', 'after one 401 helpers were told again and again to forget a good password', [
    'src/credentials/programs.test.ts: a git credential helper > is told of a refusal once, not again when its next answer gets old',
    'src/credentials/programs.test.ts: GOAUTH > has git reject what was refused once, not again when the next answer gets old',
  ]),
  row('61102c1', 'a reload took rows of credentials that a start refuses', [
    'src/credentials/configured.test.ts: a row is for its own origin, at its path and below > until other rows take its place; bad ones do not',
  ]),
  row('9f851c0', 'a moved tag of one version was told once for each of its files', [
    'src/artifacts/stored-anchors.test.ts: each version is told once, also where the files of another stand between its own',
  ]),
  row('577cf54', 'a repository that was silent for a round made all its old news new', [
    'src/anchors/watch.test.ts: the watch over anchors > tells nothing again when a repository was silent for a while, nor of two commits of one version',
  ]),
  row('27c4822', 'a redirect reached what the operator had named for another purpose', [
    'src/io/http-guard.test.ts: a request behind the guard > redirected to another host does not profit from what the operator named for another purpose',
  ]),
  row('c4be5f9', 'the key to the relay stood in the arguments of git, for every account to read', [
    'src/sources/vcs/git-relay.test.ts: the relay > serves nobody who knows only what stands in the arguments of git, where every account can read it',
  ]),
  row('34b225f', "anybody's page brought out a private repository under a public name", [
    'src/sources/vcs/claimed-repositories.test.ts: what would be sent credentials must be open without them; that is asked once',
    'src/sources/vcs/discovery.test.ts: a private repository > is not given away by a page of anybody that names %s',
  ]),
  row('5cbcdc5', 'another spelling of a private name went to upstreams and databases', [
    'src/policy/policy.test.ts: privacy > %s is about %s too: hosts that ignore case give the same repository',
    'src/policy/policy.test.ts: privacy > %s makes %s, which the go command asks about on its way, private: %s',
  ]),
  row('dd5b779', 'secrets that are in use came back into logs after a day of new tokens', [
    'src/credentials/reference.test.ts: a secret that is in use stays known, however many tokens come and go',
  ]),
  row('d494788', 'a 404 of a host that had let us in was "cannot tell" for ever', [
    'src/sources/vcs/git-relay.test.ts: a failure is told as what it is > 404 of a host that asks strangers for credentials',
  ]),
  row('648304d', 'one version with a huge go.mod made every version of its module a 502', [
    'src/gomod/coderepo/find-revision.test.ts: a version that is asked for > is refused when its go.mod is larger than the go command takes',
  ]),
  row('a193787', 'credentials that cannot be read were 500, as if the server were broken', [
    'src/server/status.test.ts: the status table > what only the operator can put right cannot be told: 503, as for other means that are missing',
    'src/app/git.test.ts: a private module > whose credentials cannot be read any more is a failure that names the place, until they can be',
  ]),
  row('rotated-token', 'a rotated token of a helper was never tried a second time over git', [
    'src/sources/vcs/git-relay.test.ts: credentials > are asked for once more when a helper has others',
  ]),
  row('pack-bombs', 'a pack of 16 KB took git to 3.3 GB', [
    'src/sources/vcs/mirror-bombs.test.ts: some kilobytes that unpack to gigabytes are refused before git has the memory for them',
    'src/sources/vcs/mirror-bombs.test.ts: control: the same with less in it is a proper pack, and git unpacks it',
  ]),
  row('8c72b20', 'a small tree head waited behind ever larger ones', [
    'src/verify/largest-first.test.ts: a small head is not kept waiting by ever larger ones',
  ]),
  row('5d3d8db', 'a lookup under a negative number was proven as the first record', [
    'src/gomod/sumdb/text.test.ts: the number of a record > is not %j',
    'src/verify/sumdb-attacks.test.ts: a lookup that lies is refused, and nothing of it is stored > the first record under a number that no record has',
  ]),
  row('15222d8', 'a store that was full for a moment kept a record without its proof', [
    'src/verify/sumdb-sharing.test.ts: a store that takes nothing > does not leave a record behind whose proof is not stored: both are stored once there is room',
  ]),
  row('f12c7b0', 'a data folder with a ledger could not be checked without its signer key', [
    'src/app/fsck.test.ts: larder fsck > needs no key where a ledger lies beside: it signs nothing',
  ]),
  row('10e06fd', 'an export with another key of the same name ended well, and nothing in it could be verified', [
    'src/app/ledger.test.ts: a Larder with a ledger > exports over the files of another log, and leaves none of its tiles',
  ]),
  row('1c32096', 'the end of a zip was waited for shorter than any other silence', [
    'src/io/http-resume.test.ts: a body whose end the other side keeps back until it has checked it > is waited for as long as anything else where that is longer',
  ]),
  row('26c7e23', 'a damaged zip was logged as a client that had left', [
    'src/server/edge.test.ts: a long body > that fails at once is an error reply, and that fails midway is a cut body',
  ]),
  row('57ac7fc', 'a client that left during a cold zip could end the whole server', [
    'src/std/ask.test.ts: waiting with a signal > a failure that comes after the wait was given up ends nothing',
  ]),
  row('206d40c', 'a list whose end was cut was taken for the whole list', [
    'src/sources/goproxy/goproxy.test.ts: what an answer means > text without a length is refused even when its last line is whole: it may be cut between two lines',
  ]),
  row('52f77ba', 'a hung source took the time of the next one after `|`', [
    'src/resolver/consult.test.ts: a source that hangs, before `|` > is followed by another that hangs, and the third still has its third',
  ]),
  row('7e3ea9e', 'on a full volume cold zips could not be served at all', [
    'src/io/spool.test.ts: a spool on a volume without room > goes on in memory, with what had been written already',
  ]),
  row('94125cd', 'on a full volume every question fetched the same bytes again', [
    'src/resolver/immutable.test.ts: a store in trouble > that cannot be written: who asks next gets the bytes at hand, and nothing is fetched twice',
    'src/resolver/immutable.test.ts: a store in trouble > that cannot be written and leaves no room: the next mirror is not asked for the same bytes',
  ]),
  row('546185f', 'a branch that is gone came back from the register', [
    'src/resolver/mutable.test.ts: absence > of a branch ends a remembered answer, which does not come back when the source fails',
  ]),
  row('6073745', 'a byte a second held a zip for ten minutes', [
    'src/io/http-client.test.ts: limits > a body that trickles without ever stalling',
    'src/io/progress.test.ts: the pace of a body > a trickle is found out after two seconds and a window',
  ]),
  row('4fbadf8', 'a small zip with thousands of folders in one name stopped the main thread', [
    'src/verify/zip-inspector.test.ts: a zip is inspected > by a thread when its names are long, however small the rest is',
  ]),
  row('be5e364', 'what was stored before a go.sum was named was served with any hash', [
    'src/artifacts/artifact-store.test.ts: what a trusted go.sum pins to another hash > is not served although it was stored before, is told, and stays',
  ]),
  row('46d4769', 'a stop within half a second of a commit lost the list for static servers', [
    'src/artifacts/artifact-store.test.ts: versions and the list for static servers > a list that is missing is written when something of its module is loaded, and then not looked for again',
  ]),
  row('2432b9c', 'lost+found made the check of a store fail as a whole', [
    'src/storage/disk/disk-store.test.ts: the disk store > does not mind what a volume keeps at its root for itself',
  ]),
  row('0589030', 'the time of a commit was rewritten to another zone', [
    'src/gomod/rev-info.test.ts: reading an .info answer > keeps the time %s in its own zone, and writes it as it was read',
  ]),
  row('bundled-threads', 'the thread that reads zips did not run in the shipped program', [
    'src/verify/zip-inspector.test.ts: a zip is inspected > from the bundle as from the sources',
  ]),
  row('log-on-full-disk', 'a full disk under the log was written to for ever', [
    'src/observe/observe.test.ts: the log sink > that cannot write drops lines and counts them; memory stays bounded and nothing throws',
  ]),
  row('slow-to-come-back', 'an upstream that was well again had no request for up to 15 s, or all of them at once', [
    'src/upstream/slow-start.test.ts: a preferred member that is back > and had %s has the next question, then a share that grows to all of them',
    'src/upstream/slow-start.test.ts: a preferred member that is back > begins slowly however much it is preferred',
  ]),
  row('short-outages', 'short outages kept an upstream away for up to 34 s after their end', [
    'src/upstream/prober.test.ts: short outages > are over within 3 s of their end, one after the other, though no probe would have been due',
  ]),
  row(
    'kept-blocks',
    'what was kept of a proof kept the block of 64 KiB that it was read in: a server that ran for long took hundreds of MB',
    [
      'src/std/byte-cache.test.ts: what is kept of a larger block does not keep the block',
      'src/verify/sumdb-client.test.ts: heads > what is kept of an answer holds nothing else: not the block that it was read in',
    ],
  ),
];
