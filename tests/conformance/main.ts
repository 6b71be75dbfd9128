/**
 * `npm run conformance [-- GROUP...]`: drives the product with the cases in CONFORMANCE_DIR (default: ../shared/conformance beside the project).
 * The last line is `N passed, N failed, N skipped`; the exit code is 1 when something failed, 2 when a group is unknown.
 */
import { resolve } from 'node:path';
import { registry } from './registry.ts';
import { runSuites } from './run.ts';
import { GROUPS, type Group } from './suite.ts';

const print = (line: string): void => console.log(line);
const words = process.argv.slice(2);
const unknown = words.find((word) => !isGroup(word));
if (unknown === undefined) {
  const directory = process.env['CONFORMANCE_DIR'] ?? resolve(import.meta.dirname, '../../../shared/conformance');
  const counts = await runSuites(registry, { directory: resolve(directory), groups: words.filter(isGroup), print });
  process.exitCode = counts.failed > 0 ? 1 : 0;
} else {
  console.error(`conformance: unknown group ${JSON.stringify(unknown)}; known are ${GROUPS.join(', ')}`);
  process.exitCode = 2;
}

function isGroup(word: string): word is Group {
  return (GROUPS as readonly string[]).includes(word);
}
