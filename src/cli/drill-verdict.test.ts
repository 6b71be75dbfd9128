import { expect, test } from 'vitest';
import type { DrillReport } from '../app/drill-client.ts';
import { drillReport } from '../../tests/fakes/drill-report.ts';
import { verdict } from './commands/drill.ts';
import { messagesFor } from './messages.ts';
import { createTerminal } from './terminal.ts';

const well = { userErrors: 0, endedBy: 'time', detectedMs: 900, recoveredMs: 10, upAgainMs: 20 } as const;

test.each<[string, Partial<DrillReport>, number, RegExp]>([
  ['no request failed and the upstream is back', {}, 0, /^$/],
  ['requests failed', { userErrors: 1 }, 3, /^larder: requests failed during the drill\nwhat to do: /],
  ['the upstream never answered', { recoveredMs: undefined }, 3, /^larder: the upstream is not back yet/],
  ['it answered, and is still left alone', { upAgainMs: undefined }, 3, /^larder: the upstream is not back yet/],
  ['nobody noticed, nobody asked', { detectedMs: undefined, recoveredMs: undefined, upAgainMs: 0 }, 0, /^$/],
])('the exit code of a drill: %s', async (_, changes, code, says) => {
  const report = drillReport({ ...well, ...changes });
  let said = '';
  const [out, err] = [{ write: () => {} }, { write: (text: string) => (said += text) }];
  const terminal = createTerminal({ stdout: out, stderr: err, environment: {}, messages: messagesFor('en') });
  expect({ code: await verdict(report, terminal), said }).toEqual({ code, said: expect.stringMatching(says) });
});
