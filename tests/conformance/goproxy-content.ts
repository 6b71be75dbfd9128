import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ModuleArchives, moduleArchives } from '../fakes/content.ts';
import type { Tally } from './suite.ts';

/** The module archives beside the cases, to be given out by fake upstreams; without them one skip, named, and undefined. */
export function archivesOf(t: Tally): ModuleArchives | undefined {
  const folder = join(t.directory, 'goproxy', 'mod');
  if (existsSync(folder)) return moduleArchives(folder);
  t.skip('goproxy/mod', `no such folder in ${t.directory}`);
  return undefined;
}
