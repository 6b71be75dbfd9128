import { appendFileSync } from 'node:fs';
import { beforeEach, type TestContext } from 'vitest';

/**
 * Skips the tests of the surrounding `describe` (or of the file) unless `condition` holds. Each is reported as skipped with
 * `reason`, and goes on record as a line `skipped: NAME: REASON` in the file that LARDER_SKIPS names.
 * `register` is for this function's own test.
 */
export function skipUnless(
  condition: boolean,
  reason: string,
  register: (hook: (context: TestContext) => void) => void = beforeEach,
): void {
  if (condition) return;
  register((context) => {
    recordSkip(nameOf(context.task), reason);
    context.skip(reason);
  });
}

function recordSkip(name: string, reason: string): void {
  const file = process.env['LARDER_SKIPS'];
  if (file !== undefined && file !== '') appendFileSync(file, `skipped: ${name}: ${reason.replace(/\s+/g, ' ')}\n`);
}

/** The names of the suites around a test and its own, as reporters print them. */
function nameOf(task: TestContext['task']): string {
  const names = [task.name];
  for (let suite = task.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
  return names.filter((name) => name !== '').join(' > ');
}
