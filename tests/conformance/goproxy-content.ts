import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checksumDatabases, type Content, type ModuleArchives, moduleArchives } from '../fakes/content.ts';
import { PlainLog } from '../fakes/plain-log.ts';
import type { Tally } from './suite.ts';

/** The module archives beside the cases, to be given out by fake upstreams; without them one skip, named, and undefined. */
export function archivesOf(t: Tally): ModuleArchives | undefined {
  const folder = join(t.directory, 'goproxy', 'mod');
  if (existsSync(folder)) return moduleArchives(folder);
  t.skip('goproxy/mod', `no such folder in ${t.directory}`);
  return undefined;
}

/** The signer key of the go command's own tests. */
const SIGNER_KEY = 'PRIVATE+KEY+localhost.localdev/sumdb+00000c67+AXu6+oaVaOYuQOFrf1V59JK1owcFlJcHwwXHDfDGxSPk';
/** `NAME+HASH+KEY` of the recorded checksum database. */
export const VERIFIER_KEY = 'localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6';
/** Records in the log when the traces were recorded: more than there are archives. */
const RECORDED_SIZE = 268;

/** One that knows all the archives from the start, and one of the same name and key that gets to know them as it is asked, and says what is wrong. */
export function recordedDatabases(archives: ModuleArchives): Content {
  const honest = new PlainLog({ signerKey: SIGNER_KEY, textOf: (module) => archives.sumsOf(module) });
  for (const module of archives.modules) honest.get(`lookup/${module}`);
  while (honest.size < RECORDED_SIZE) honest.append(`example.com/filler v0.0.${honest.size} h1:none\n`);
  const wrong = new PlainLog({
    signerKey: SIGNER_KEY,
    textOf: (module) => archives.sumsOf(module)?.replaceAll(/h1:.*/g, 'h1:wrong'),
  });
  return checksumDatabases({ [`sumdb/${honest.name}`]: honest, 'sumdb-direct': honest, 'sumdb-wrong': wrong });
}
